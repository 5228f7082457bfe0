"""Draw the controls of txt2img, img2img and Extras. They are made from the fields of RestoreSettings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lib_facerestore.errors import FaceRestoreError
from lib_facerestore.hosts import base
from lib_facerestore.models import weights
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.runtime import Runtime
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import options, warm_session
from lib_facerestore.webui.page import compat

# Setting → the kind of model that its value names, and the words that can be chosen in place of a name.
MODEL_SETTINGS: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "restorer": ("restorer", ("auto", "none")),
    "second_restorer": ("restorer", ("none",)),
    "upscaler": ("upscaler", ("auto", "Lanczos")),
    "second_upscaler": ("upscaler", ("none", "Lanczos")),
}
# The controls from top to bottom, by setting, in rows. Those of _FOLDED are in accordions, each under its heading.
_BASIC_ROWS = (
    ("restorer", "which_faces"),
    ("fidelity", "visibility"),
    ("upscaler", "scale"),
    ("denoise", "upscale_strength"),
)
_FOLDED = (
    ("Second pass", (("second_restorer",), ("second_fidelity", "second_visibility"))),
    ("Faces", (("detection_threshold", "detection_size"), ("min_face_px", "max_face_px"),
               ("min_face_percent", "max_faces"), ("face_order",), ("aligned_input",))),
    ("Mask", (("mask", "mask_feather"), ("keep_tone",))),
    ("Upscaling", (("width", "height"), ("size_mode", "longest_side"), ("ceiling_megapixels", "large_faces"),
                   ("second_upscaler", "second_upscaler_visibility"), ("order",))),
)  # fmt: skip
_MOST_RADIO_CHOICES = 3
ORDER_ON_PAGE = tuple(
    name for rows in (_BASIC_ROWS, *(rows for _, rows in _FOLDED)) for names in rows for name in names
)
"""Every setting, from the top of the page to its bottom; also the order in which hosts hand over the values."""


@dataclass(frozen=True)
class Panel:
    """The controls of one tab, gradio's components."""

    enabled: Any
    """The tick box that switches the extension on."""
    when: Any
    """The choice between the whole job and each picture; None in Extras."""
    fields: dict[str, Any]
    """Setting → control, in the order of ORDER_ON_PAGE."""


def build(label: str, elem_id: Callable[[str], str], is_on: bool, has_when: bool) -> Panel:
    """Draw the accordion with all controls into the page that is being built.

    label: its title. elem_id: makes the id of a component from a short name, unique on the page. is_on: whether the
    tick box is ticked. has_when: whether to draw the choice between the whole job and each picture.
    """
    values = options.defaults()
    fields: dict[str, Any] = {}
    when = None
    with compat.input_accordion(is_on, label, elem_id("enable")) as enabled:
        _rows(_BASIC_ROWS, values, elem_id, fields)
        with gr.Accordion("More", open=False, elem_id=elem_id("more")):
            if has_when:
                when = gr.Radio(list(options.WHEN), value=options.value("when"), label="When", elem_id=elem_id("when"))
            for heading, rows in _FOLDED:
                with gr.Accordion(heading, open=False, elem_id=elem_id(f"folded_{heading.split()[0].lower()}")):
                    _rows(rows, values, elem_id, fields)
    _follow_models(fields)
    for name, component in fields.items():
        if is_switched_off(name):
            component.visible = False
    for component in (enabled, when, *fields.values()):
        if component is not None:
            # The Settings hold the defaults. The host would keep them in ui-config.json too, and that would win.
            component.do_not_save_to_config = True
    return Panel(enabled, when, {name: fields[name] for name in ORDER_ON_PAGE})


def is_all_off() -> bool:
    """Return whether flags of the host switched off both restoring faces and upscaling."""
    return bool(base.flag("no_facerestore", False) and base.flag("no_facerestore_upscale", False))


def is_switched_off(name: str) -> bool:
    """Return whether a flag of the host switched off what a setting belongs to: restoring faces, or upscaling."""
    half = "no_facerestore_upscale" if setting_info(name).group == "upscale" else "no_facerestore"
    return bool(base.flag(half, False))


def component_of(name: str) -> tuple[Any, Any]:
    """Return gradio's class for a setting, and its arguments without value and label.

    For a model setting the second is a function that returns the arguments, so that the list of models can be made
    later, when it is drawn.
    """
    info, kind = setting_info(name), field_types()[name]
    if name in MODEL_SETTINGS:
        return gr.Dropdown, lambda: {"choices": model_names(name)}
    if kind is bool:
        return gr.Checkbox, {}
    if choices(kind):
        few = len(choices(kind)) <= _MOST_RADIO_CHOICES
        return (gr.Radio if few else gr.Dropdown), {"choices": list(choices(kind))}
    highest = info.high if info.slider_high is None else info.slider_high
    lowest = info.low if info.slider_low is None else info.slider_low
    return gr.Slider, {"minimum": lowest, "maximum": highest, "step": info.step}


def model_names(setting: str, only_usable: bool = False) -> list[str]:
    """Return the choices of a model setting, each once.

    First come the words such as "auto", then models whose weights are present, the host's upscalers, and models whose
    weights are missing. only_usable: leave out the last ones, unless they may be fetched inside a generation.
    """
    kind, words = MODEL_SETTINGS[setting]
    runtime = weights.listed(warm_session.runtime())
    rows = [spec for spec in weights.available(runtime) if kind in spec.kinds]
    present = [spec.name for spec in rows if weights.is_present(spec, runtime)]
    hosts = _host_upscalers(runtime) if kind == "upscaler" else []
    others = [] if only_usable and not runtime.downloads_allowed else [spec.name for spec in rows]
    return list(dict.fromkeys([*words, *present, *hosts, *others]))


def _host_upscalers(runtime: Runtime) -> list[str]:
    """Return the names of the host's upscalers, without those whose file is among this extension's own upscalers."""
    own_files = weights.rows_by_file("upscaler", runtime)
    files = {name: runtime.other_upscalers.file(name) for name in runtime.other_upscalers.names()}
    return [name for name, file in files.items() if file is None or file.resolve() not in own_files]


def _rows(
    rows: Iterable[Iterable[str]], values: dict[str, Any], elem_id: Callable[[str], str], into: dict[str, Any]
) -> None:
    """Draw rows of controls and put each into the dict `into`. values: setting → value."""
    for names in rows:
        with compat.row():
            for name in names:
                into[name] = _control(name, values[name], elem_id(name))


def _control(name: str, value: Any, elem_id: str) -> Any:
    """Draw the control of one setting, with its label, unit and help."""
    info = setting_info(name)
    component, arguments = component_of(name)
    arguments = arguments() if callable(arguments) else arguments
    unit = f" ({info.unit})" if info.unit else ""
    return component(value=value, label=f"{info.label}{unit}", info=info.help, elem_id=elem_id, **arguments)


def _follow_models(fields: dict[str, Any]) -> None:
    """Show a slider only while the chosen model heeds it: the fidelity weights and the denoise strength."""
    pairs = (("restorer", "fidelity"), ("second_restorer", "second_fidelity"), ("upscaler", "denoise"))
    for model, control in pairs:
        fields[control].visible = _has_ability(model, fields[model].value)
        fields[model].change(
            fn=lambda name, model=model: gr.update(visible=_has_ability(model, name)),
            inputs=[fields[model]], outputs=[fields[control]], show_progress=False, queue=False,
        )  # fmt: skip


def _has_ability(setting: str, name: object) -> bool:
    """Return whether the model of that name heeds its slider: fidelity of a restorer, denoise of an upscaler.

    For a model that is not known it is assumed, except for upscalers that only the host can run.
    """
    kind, words = MODEL_SETTINGS[setting]
    if name in words and name != "auto":
        return False
    runtime = weights.listed(warm_session.runtime())
    try:
        spec = weights.choose(str(name), kind, runtime)
    except FaceRestoreError:
        return kind == "restorer" or name not in runtime.other_upscalers.names()
    ability = "denoise" if kind == "upscaler" else "fidelity"
    return ability in spec.abilities or (kind == "restorer" and spec.family == "unknown")
