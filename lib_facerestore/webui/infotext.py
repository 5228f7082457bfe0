"""Reports to the text that travels in files, and that text back to controls. Writes only what a report holds."""

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

RESTORER_KEY = "Face restore"
FACES_KEY = "Face restore faces"
RECORD_KEYS = (*(setting_info(name).infotext for name in field_types()), FACES_KEY)
_SECOND = ("second_restorer", "second_fidelity", "second_visibility")
_SAID_APART = ("restorer", "fidelity", "visibility", "scale")
# One entry of the record in a text's last line, with the comma before it; values are quoted as hosts quote them.
_ENTRY = re.compile(rf'(?:^|, )(?:{"|".join(map(re.escape, RECORD_KEYS))}): (?:"(?:\\.|[^"\\])*"|[^,]*)')


def record(report: Report, settings: RestoreSettings) -> dict[str, str]:
    """Key → value of what was done to a picture; {} where nothing was.

    The model's name always comes: of a restored face the one that ran, of none the chosen one, "none" where only the
    size was to change. Other settings come where they differ from the default, of upscaling only where it ran; the
    sliders that users compare come always.
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
    """The host's text of a picture with the record in its last line, where the host reads parameters from."""
    words = ", ".join(f"{key}: {_quoted(value)}" for key, value in found.items())
    if not words:
        return infotext
    is_open = infotext.strip() != "" and not infotext.endswith("\n")
    return f"{infotext}, {words}" if is_open else f"{infotext}{words}"


def index_asked_for(asked: Mapping[str, Any]) -> int | None:
    """The picture, counted in the whole job, whose text the host writes; None for a grid's.

    asked: what a host hands to a function among the parameters, its local values. Their index counts within a batch
    where they hold a batch's prompts.
    """
    p, index = asked.get("p"), asked.get("index")
    if index is None or asked.get("use_main_prompt"):
        return None
    is_of_whole_job = asked.get("all_prompts") is getattr(p, "all_prompts", None)
    if not is_of_whole_job:
        index += getattr(p, "iteration", 0) * getattr(p, "batch_size", 1)
    return int(index)


def has_record(infotext: str) -> bool:
    """Whether the text says that we restored its picture."""
    return without_record(infotext) != infotext


def without_record(infotext: str) -> str:
    """The text as it was before `appended`; prompts, which stand in the lines before, may say what they like."""
    before, line_break, last = infotext.rpartition("\n")
    return f"{before}{line_break}{_ENTRY.sub('', last)}"


def fields(panel: Panel) -> list[tuple[Any, Callable[[Mapping[str, str]], Any]]]:
    """Each control with the function that the host asks for its value when a text is pasted; None leaves it as it is.

    A text of ours ticks the box and sets every control, those that it does not name to their defaults; any other text
    unticks the box and leaves the rest.
    """
    pairs: list[tuple[Any, Callable[[Mapping[str, str]], Any]]] = [(panel.enabled, lambda text: RESTORER_KEY in text)]
    for name, component in panel.fields.items():
        pairs.append((component, functools.partial(_pasted, name)))
    return pairs


def _sliders_that_ran(report: Report) -> dict[str, object]:
    """The sliders that users compare; the weight only of a model that has one."""
    weight = {} if report.fidelity is None else {"fidelity": report.fidelity}
    return {**weight, "visibility": report.visibility}


def _of_faces(settings: RestoreSettings) -> dict[str, object]:
    """What was chosen for the faces beside the first model and its sliders, without those of no second model."""
    values = _changed(settings, "model", "faces", "mask")
    has_second = settings.second_restorer != "none"
    return {name: value for name, value in values.items() if has_second or name not in _SECOND}


def _changed(settings: RestoreSettings, *groups: str) -> dict[str, object]:
    names = [name for name in field_types() if setting_info(name).group in groups]
    return _differing(settings, *(name for name in names if name not in _SAID_APART))


def _differing(settings: RestoreSettings, *names: str) -> dict[str, object]:
    """The settings that differ from their defaults."""
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != setting_default(name)}


def _pasted(name: str, text: Mapping[str, Any]) -> Any:
    if RESTORER_KEY not in text:
        return None
    key = setting_info(name).infotext
    return setting_default(name) if key not in text else _value(name, str(text[key]))  # SD.Next hands over numbers


def _value(name: str, text: str) -> Any:
    """The value that a text means, allowed or not, so that the run can say what is wrong; None where it means none."""
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
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """As the hosts quote values that hold one of their own separators."""
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ",:\n") else text
