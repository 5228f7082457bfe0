"""The body of a request, JSON or a form, to checked values. All that cannot be used is refused, nothing is replaced.

By hand rather than by a model of pydantic: its versions 1 and 2 take and refuse different values, and their answers to
what they refuse repeat the whole body, pictures and NaN included, which JSON cannot hold.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lib_facerestore.errors import SettingsError
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import options
from lib_facerestore.webui.api.pictures import FORMATS, MOST_PICTURES, MOST_RESULT_MEGAPIXELS, AnswerFormat
from lib_facerestore.webui.jobs import request

_CEILING = "ceiling_megapixels"


class Refused(Exception):
    """A request that is answered with this status and sentence, before anything is done."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True)
class Body:
    """A body as it came: of a form by name, or of JSON as bytes."""

    json: bytes = b""
    form: Mapping[str, list[str | bytes]] | None = None


@dataclass(frozen=True)
class PicturesRequest:
    """What a caller wants done. pictures: base64, data URIs or files' bytes. notices: what flags switched off."""

    pictures: tuple[str | bytes, ...]
    settings: RestoreSettings
    notices: tuple[str, ...]
    format: AnswerFormat
    quality: int


def pictures_request(body: Body, names: tuple[str, ...]) -> PicturesRequest:
    """The request in a body. names: of the fields that the route takes.

    Raises: Refused; SettingsError.
    """
    fields = _fields(body, names)
    settings, notices = request.within_flags(settings_of(fields.get("settings", {})))
    return PicturesRequest(_pictures(fields), settings, notices, _format(fields), _quality(fields))


def model_names(body: Body) -> tuple[str, ...]:
    """The names in the body of a request to fetch.

    Raises: Refused.
    """
    names = _fields(body, ("names",)).get("names")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Refused(422, "names must be a list of at least one name of a model; GET /facerestore/models lists them.")
    return tuple(names)


def settings_of(values: object) -> RestoreSettings:
    """Checked settings; those that are not named have the defaults of the Settings page.

    Raises: Refused where they are no object; SettingsError.
    """
    if not isinstance(values, dict):
        raise Refused(422, 'settings must be an object such as {"fidelity": 0.7}.')
    defaults = options.defaults()
    defaults[_CEILING] = min(defaults[_CEILING], MOST_RESULT_MEGAPIXELS)
    try:
        settings = RestoreSettings.from_mapping({**defaults, **values})
    except RecursionError:  # where the error shows the value
        raise Refused(422, "settings holds a value that is nested too deeply.") from None
    if settings.ceiling_megapixels > MOST_RESULT_MEGAPIXELS:
        allowed = f"a number up to {MOST_RESULT_MEGAPIXELS:g} here"
        raise SettingsError(_CEILING, settings.ceiling_megapixels, allowed)
    if (settings.width or settings.height) and settings.longest_side:
        raise SettingsError("longest_side", settings.longest_side, "0 beside a width or height")
    if settings.size_mode == "crop" and settings != settings.at_own_size() and not (settings.width and settings.height):
        raise SettingsError("size_mode", settings.size_mode, "fit, unless both width and height are given")
    return settings


def _fields(body: Body, names: tuple[str, ...]) -> dict[str, Any]:
    fields = _of_json(body.json, "The body") if body.form is None else _of_form(body.form)
    if not isinstance(fields, dict):
        raise Refused(422, f"The body must be an object with {' and '.join(names[:2])}.")
    for name in fields:
        if name not in names:
            near = difflib.get_close_matches(name[:60], names, 1)
            raise Refused(422, f"There is no field named {name[:60]!r}; use {' or '.join(near or names)}.")
    return fields


def _of_json(data: bytes | str, what: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:  # what the decoder says may repeat the body, its place does not
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(400, f"{what} is no JSON{place}.") from None
    except RecursionError:
        raise Refused(400, f"{what} is nested too deeply.") from None


def _of_form(form: Mapping[str, list[str | bytes]]) -> dict[str, Any]:
    """A form's fields with the types that JSON would give them."""
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
    wanted = fields.get("format", FORMATS[0])
    if wanted not in FORMATS:
        raise Refused(422, f"format must be one of {', '.join(FORMATS)}.")
    return cast(AnswerFormat, wanted)


def _quality(fields: Mapping[str, Any]) -> int:
    quality = fields.get("quality", 0)
    if isinstance(quality, bool) or not isinstance(quality, int) or not 0 <= quality <= 100:
        raise Refused(422, "quality must be a whole number from 0 to 100; 0 leaves it to us.")
    return quality
