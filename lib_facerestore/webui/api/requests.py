"""Turn the body of a request, JSON or a form, into checked values. A value that cannot be used refuses the request.

Only what a flag of the host switched off is replaced, with a notice in the answer.
No model of pydantic is used for this: versions 1 and 2 accept different values, and their refusals repeat the whole
body, with its pictures and with NaN, which JSON cannot hold.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lib_facerestore.engine.upscaling import background
from lib_facerestore.errors import SettingsError
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import options
from lib_facerestore.webui.api.pictures import FORMATS, MOST_PICTURES, MOST_RESULT_MEGAPIXELS, AnswerFormat
from lib_facerestore.webui.jobs import request

_CEILING = "ceiling_megapixels"


class Refused(Exception):
    """Ends a request with a status and a sentence, before any work is done."""

    def __init__(self, status: int, sentence: str) -> None:
        """status: of HTTP. sentence: what is wrong with the request and what to do."""
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True)
class Body:
    """The body of a request, not yet parsed further than into the fields of a form."""

    json: bytes = b""
    """The whole body, where it is JSON."""
    form: Mapping[str, list[str | bytes]] | None = None
    """Field → its values, of which files are bytes; None where the body is JSON."""


@dataclass(frozen=True)
class PicturesRequest:
    """A checked request for pictures to be restored or looked at."""

    pictures: tuple[str | bytes, ...]
    """Each a file: as base64 or data URI, or its bytes; not decoded yet."""
    settings: RestoreSettings
    """Checked settings, without what the host's flags switched off."""
    notices: tuple[str, ...]
    """A sentence for each thing that the host's flags switched off."""
    format: AnswerFormat
    """Format of the pictures in the answer."""
    quality: int
    """Of JPEG and WebP, 1 … 100; 0 for the choice of `engine.pixels`."""


def pictures_request(body: Body, names: tuple[str, ...]) -> PicturesRequest:
    """Return the checked request in a body. names: the fields that the route takes; others are refused.

    Raises: Refused; SettingsError for a value that a setting cannot have.
    """
    fields = _fields(body, names)
    settings, notices = request.within_flags(settings_of(fields.get("settings", {})))
    return PicturesRequest(_pictures(fields), settings, notices, _format(fields), _quality(fields))


def model_names(body: Body) -> tuple[str, ...]:
    """Return the names of models in the body of a request to fetch, not checked further.

    Raises: Refused where they are no list of texts.
    """
    names = _fields(body, ("names",)).get("names")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Refused(422, "names must be a list of at least one name of a model; GET /facerestore/models lists them.")
    return tuple(names)


def settings_of(values: object) -> RestoreSettings:
    """Return checked settings; those that are not named have the defaults of the host's Settings.

    values: setting → value, as JSON has them. A result may have at most MOST_RESULT_MEGAPIXELS.
    Raises: Refused where values are no object; SettingsError for an unknown name, for a value that a setting cannot
    have, and for settings that contradict each other.
    """
    if not isinstance(values, dict):
        raise Refused(422, 'settings must be an object such as {"fidelity": 0.7}.')
    defaults = options.defaults()
    defaults[_CEILING] = min(defaults[_CEILING], MOST_RESULT_MEGAPIXELS)
    try:
        settings = RestoreSettings.from_mapping({**defaults, **values})
    except RecursionError:  # raised where the error's sentence quotes a deeply nested value
        raise Refused(422, "settings holds a value that is nested too deeply.") from None
    if settings.ceiling_megapixels > MOST_RESULT_MEGAPIXELS:
        allowed = f"a number up to {MOST_RESULT_MEGAPIXELS:g} here"
        raise SettingsError(_CEILING, settings.ceiling_megapixels, allowed)
    background.check_size(settings)
    return settings


def _fields(body: Body, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a body. Raises: Refused where it is no object or has a field that is not among the names."""
    fields = _of_json(body.json, "The body") if body.form is None else _of_form(body.form)
    if not isinstance(fields, dict):
        raise Refused(422, f"The body must be an object with {' and '.join(names[:2])}.")
    for name in fields:
        if name not in names:
            near = difflib.get_close_matches(name[:60], names, 1)
            raise Refused(422, f"There is no field named {name[:60]!r}; use {' or '.join(near or names)}.")
    return fields


def _of_json(data: bytes | str, what: str) -> Any:
    """Return the value of a JSON text. what: how the sentence of a refusal names the text. Raises: Refused."""
    try:
        return json.loads(data)
    except ValueError as error:  # only the place is told, because the decoder's sentence may repeat the body
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(400, f"{what} is no JSON{place}.") from None
    except RecursionError:
        raise Refused(400, f"{what} is nested too deeply.") from None


def _of_form(form: Mapping[str, list[str | bytes]]) -> dict[str, Any]:
    """Return a form's fields with the types that they would have in JSON. Raises: Refused."""
    fields: dict[str, Any] = {}
    for name, values in form.items():
        if name == "pictures":
            fields[name] = list(values)
            continue
        if len(values) != 1 or not isinstance(values[0], str):
            raise Refused(422, f"The form must have {name[:60]!r} once, and as text.")
        is_json = name in ("settings", "quality")
        fields[name] = _of_json(values[0], f"The form's {name}") if is_json else values[0]
    return fields


def _pictures(fields: Mapping[str, Any]) -> tuple[str | bytes, ...]:
    """Return the field pictures. Raises: Refused where it is no list of texts or files, or has too many."""
    pictures = fields.get("pictures")
    if not isinstance(pictures, list) or not pictures:
        raise Refused(422, "pictures must be a list of at least one picture, each a file in base64.")
    if len(pictures) > MOST_PICTURES:
        raise Refused(
            413, f"{len(pictures)} pictures are more than the limit of {MOST_PICTURES}; send several requests."
        )
    for number, picture in enumerate(pictures, 1):
        if not isinstance(picture, (str, bytes)):
            raise Refused(422, f"Picture {number} must be a text, the file in base64.")
    return tuple(pictures)


def _format(fields: Mapping[str, Any]) -> AnswerFormat:
    """Return the field format, PNG where it is missing. Raises: Refused."""
    wanted = fields.get("format", FORMATS[0])
    if wanted not in FORMATS:
        raise Refused(422, f"format must be one of {', '.join(FORMATS)}.")
    return cast(AnswerFormat, wanted)


def _quality(fields: Mapping[str, Any]) -> int:
    """Return the field quality, 0 where it is missing. Raises: Refused."""
    quality = fields.get("quality", 0)
    if isinstance(quality, bool) or not isinstance(quality, int) or not 0 <= quality <= 100:
        raise Refused(422, "quality must be a whole number from 0 to 100; 0 leaves it to us.")
    return quality
