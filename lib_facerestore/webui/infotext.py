"""Write the record of a restoration into a picture's infotext, and set the controls from an infotext.

What ran is taken from the report; settings that no report holds are taken from the settings that were asked for.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lib_facerestore.engine.data import Report
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import RestoreSettings, field_types, setting_default, setting_info

if TYPE_CHECKING:  # the page needs gradio, the texts do not
    from lib_facerestore.webui.page.controls import Panel

RESTORER_KEY = setting_info("restorer").infotext
"""Key of the restorer's name; every record has it, and no other text."""
FACES_KEY = f"{RESTORER_KEY} faces"
"""Key of the number of restored faces and of all faces."""
RECORD_KEYS = (*(setting_info(name).infotext for name in field_types()), FACES_KEY)
"""All keys that a record can have."""
_SECOND = ("second_restorer", "second_fidelity", "second_visibility")
# Settings that `record` writes by rules of their own.
_WRITTEN_APART = ("restorer", "fidelity", "visibility", "scale")
# One entry of a record in the last line of an infotext, with the comma before it; values are quoted as hosts do it.
_ENTRY = re.compile(rf'(?:^|, )(?:{"|".join(map(re.escape, RECORD_KEYS))}): (?:"(?:\\.|[^"\\])*"|[^,]*)')


def record(report: Report, settings: RestoreSettings) -> dict[str, str]:
    """Return the record of a picture: key → value; {} where no face was restored and no upscaler or resize ran.

    report: what ran. settings: what was asked for.
    The restorer is always in it: the one that restored a face or, where none was restored, the one of the settings.
    Fidelity weight and visibility are in it where a face was restored. Upscaler, upscale strength and scale are in it
    where the picture was upscaled; the strength only if a network ran, the scale only if no side in px was asked for.
    Other settings are in it where they differ from their defaults; those of upscaling only if the picture was upscaled.
    """
    restored = report.count("restored")
    if not restored and not report.upscaler:
        return {}
    values: dict[str, object] = {"restorer": report.restorer if restored else settings.restorer}
    if settings.restorer != "none":
        values |= _sliders_that_ran(report) if restored else _differing(settings, "fidelity", "visibility")
        values |= _of_faces(settings)
    if report.upscaler:
        values["upscaler"] = report.upscaler
        values |= _changed(settings, "upscale")
        if report.tiles:  # a plain resize has no strength
            values["upscale_strength"] = settings.upscale_strength
        if not (settings.width or settings.height or settings.longest_side):
            values["scale"] = settings.scale
    found = {setting_info(name).infotext: _text(value) for name, value in values.items()}
    if report.looked_for_faces:
        found[FACES_KEY] = f"{restored}/{len(report.faces)}"
    return found


def appended(infotext: str, found: Mapping[str, str]) -> str:
    """Return the infotext with the record at the end of its last line, from which hosts read parameters.

    infotext: of the picture, as the host wrote it. found: the record.
    """
    words = ", ".join(f"{key}: {_quoted(value)}" for key, value in found.items())
    if not words:
        return infotext
    is_open = infotext.strip() != "" and not infotext.endswith("\n")
    return f"{infotext}, {words}" if is_open else f"{infotext}{words}"


def index_asked_for(asked: Mapping[str, Any]) -> int | None:
    """Return the number, in the whole job from 0, of the picture whose infotext the host writes; None for a grid.

    asked: the local variables of the host's function that writes infotexts, which hosts hand to each function among a
    job's parameters. Their `index` counts within a batch unless their prompts are those of the whole job.
    """
    p, index = asked.get("p"), asked.get("index")
    if index is None or asked.get("use_main_prompt"):
        return None
    is_of_whole_job = asked.get("all_prompts") is getattr(p, "all_prompts", None)
    if not is_of_whole_job:
        index += getattr(p, "iteration", 0) * getattr(p, "batch_size", 1)
    return int(index)


def has_record(infotext: str) -> bool:
    """Return whether the infotext holds a record of a restoration."""
    return without_record(infotext) != infotext


def without_record(infotext: str) -> str:
    """Return the infotext as it was before `appended`.

    Only the last line is changed: the lines before are prompts, which may hold the same words.
    """
    before, line_break, last = infotext.rpartition("\n")
    return f"{before}{line_break}{_ENTRY.sub('', last)}"


def fields(panel: Panel) -> list[tuple[Any, Callable[[Mapping[str, str]], Any]]]:
    """Return each control with the function that the host calls for its value when an infotext is pasted.

    The function takes the parameters of the text, key → value, and returns the control's value; None leaves the control
    as it is. A text with a record ticks the box and sets every control, those that it does not name to their defaults.
    Any other text unticks the box and leaves all other controls.
    """
    pairs: list[tuple[Any, Callable[[Mapping[str, str]], Any]]] = [(panel.enabled, lambda text: RESTORER_KEY in text)]
    for name, component in panel.fields.items():
        pairs.append((component, functools.partial(_pasted, name)))
    return pairs


def _sliders_that_ran(report: Report) -> dict[str, object]:
    """Return fidelity weight and visibility of the first restored face; the weight only of a model that has one."""
    weight = {} if report.fidelity is None else {"fidelity": report.fidelity}
    return {**weight, "visibility": report.visibility}


def _of_faces(settings: RestoreSettings) -> dict[str, object]:
    """Return the settings of models, faces and mask that differ from their defaults.

    The first model and its sliders are written apart. Sliders of the second model are left out where there is none.
    """
    values = _changed(settings, "model", "faces", "mask")
    has_second = settings.second_restorer != "none"
    return {name: value for name, value in values.items() if has_second or name not in _SECOND}


def _changed(settings: RestoreSettings, *groups: str) -> dict[str, object]:
    """Return the settings of those groups that differ from their defaults, without those that are written apart."""
    names = [name for name in field_types() if setting_info(name).group in groups]
    return _differing(settings, *(name for name in names if name not in _WRITTEN_APART))


def _differing(settings: RestoreSettings, *names: str) -> dict[str, object]:
    """Return those of the named settings that differ from their defaults."""
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != setting_default(name)}


def _pasted(name: str, text: Mapping[str, Any]) -> Any:
    """Return the value of a setting in a pasted infotext; None where the text has no record. text: key → value."""
    if RESTORER_KEY not in text:
        return None
    key = setting_info(name).infotext
    # SD.Next gives numbers in place of their texts.
    return setting_default(name) if key not in text else _value(name, str(text[key]))


def _value(name: str, text: str) -> Any:
    """Return the value of the setting's type that a text stands for; None where it stands for none.

    It may be a value that is not allowed: the run refuses it then, and tells the user.
    """
    kind = field_types()[name]
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    if kind is str or choices(kind):
        return text
    try:
        return kind(float(text))
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    """Return a setting's value as it is written into an infotext."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """Return the text in quotes where it holds a separator of infotexts, as the hosts do it."""
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ",:\n") else text
