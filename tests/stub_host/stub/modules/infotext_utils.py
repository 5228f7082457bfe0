"""Reads infotexts, and connects buttons that paste them or send pictures between tabs."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
from pathlib import Path

import gradio as gr
from PIL import Image

from modules import errors, host_kind, images, script_callbacks, shared, ui_tempdir
from modules.paths_internal import data_path

sys.modules["modules.generation_parameters_copypaste"] = sys.modules[__name__]

# A key is at least two characters; a value is quoted or ends at a comma.
_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"^(\d+)x(\d+)$")
_MISSING_MEANS = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
}
paste_fields: dict[str, dict] = {}
registered_param_bindings: list[ParamBinding] = []


class ParamBinding:
    """A button that sends a text or a picture to a tab."""

    def __init__(
        self,
        paste_button,
        tabname,
        source_text_component=None,
        source_image_component=None,
        source_tabname=None,
        override_settings_component=None,
        paste_field_names=None,
    ):
        self.paste_button = paste_button
        self.tabname = tabname
        self.source_text_component = source_text_component
        self.source_image_component = source_image_component
        self.source_tabname = source_tabname
        self.override_settings_component = override_settings_component
        self.paste_field_names = paste_field_names or []


class PasteField(tuple):
    """A component and its key, or a function of the parsed text; `api` names it for the API's infotext field."""

    def __new__(cls, component, target, *, api=None):
        return super().__new__(cls, (component, target))

    def __init__(self, component, target, *, api=None):
        super().__init__()
        self.api = api
        self.component = component
        self.label = target if isinstance(target, str) else None
        self.function = target if callable(target) else None


def reset() -> None:
    """Forget the page."""
    paste_fields.clear()
    registered_param_bindings.clear()


def quote(text):
    """In quotes when it holds a comma, a colon or a line break."""
    if not any(character in str(text) for character in ",\n:"):
        return text
    return json.dumps(text, ensure_ascii=False)


def unquote(text: str) -> str:
    """Without the quotes of `quote`; a text that is not JSON stays."""
    if len(text) == 0 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_generation_parameters(x: str, skip_fields: list[str] | None = None) -> dict:
    """Keys and values of a text; `123x456` becomes two keys; the last line needs three parameters."""
    *lines, last = x.strip().split("\n")
    if len(_PARAMETER.findall(last)) < 3:
        lines.append(last)
        last = ""
    prompt: list[str] = []
    negative: list[str] = []
    target = prompt
    for line in (line.strip() for line in lines):
        if line.startswith("Negative prompt:"):
            target = negative
            line = line[len("Negative prompt:") :].strip()
        target.append(line)
    found: dict = {}
    for key, value in _PARAMETER.findall(last):
        value = unquote(value)
        size = _SIZE.match(value) if isinstance(value, str) else None
        if size:
            found[f"{key}-1"], found[f"{key}-2"] = size.groups()
        elif value != "":
            found[key] = value
    found["Prompt"], found["Negative prompt"] = "\n".join(prompt), "\n".join(negative)
    for key, value in _MISSING_MEANS.items():
        found.setdefault(key, value)
    for key in shared.opts.infotext_skip_pasting if skip_fields is None else skip_fields:
        found.pop(key, None)
    return found


def get_override_settings(params: dict, *, skip_fields=None) -> list[tuple]:
    """(key of the text, setting, value) where a text asks for another value than the setting has."""
    found = []
    for name, info in shared.opts.data_labels.items():
        if not info.infotext or info.infotext in (skip_fields or {}):
            continue
        value = params.get(info.infotext)
        if value is None:
            continue
        value = shared.opts.cast_value(name, value)
        if value != getattr(shared.opts, name, None):
            found.append((info.infotext, name, value))
    return found


def create_override_settings_dict(text_pairs) -> dict:
    """Settings of the texts "Key: value"."""
    params = dict(pair.split(":", maxsplit=1) for pair in text_pairs or [])
    return {
        name: shared.opts.cast_value(name, params[info.infotext].strip())
        for name, info in shared.opts.data_labels.items()
        if info.infotext and info.infotext in params
    }


def image_from_url_text(filedata):
    """The picture of a gallery item: data URI or file on gradio 3, tuple or dict on gradio 4."""
    while isinstance(filedata, (list, tuple)):
        if len(filedata) == 0:
            return None
        filedata = filedata[0]
    if filedata is None or isinstance(filedata, Image.Image):
        return filedata
    if isinstance(filedata, dict):
        name = filedata.get("name") or filedata.get("path") or filedata["image"]["path"]
        assert ui_tempdir.check_tmp_file(shared.demo, name), "trying to open image file outside of allowed directories"
        return images.read(name.rsplit("?", 1)[0])
    if os.path.isfile(filedata.rsplit("?", 1)[0]):
        return images.read(filedata.rsplit("?", 1)[0])
    data = filedata.split("base64,", 1)[-1]
    return images.read(io.BytesIO(base64.b64decode(data)))


def add_paste_fields(tabname, init_img, fields, override_settings_component=None) -> None:
    """Where things that are sent to a tab go."""
    for number, one in enumerate(fields or []):
        if not isinstance(one, PasteField):
            fields[number] = PasteField(*one)
    paste_fields[tabname] = {
        "init_img": init_img,
        "fields": fields,
        "override_settings_component": override_settings_component,
    }


def create_buttons(tabs_list: list[str]) -> dict:
    """A "Send to" button for each tab."""
    return {tab: gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def register_paste_params_button(binding: ParamBinding) -> None:
    """Connected when the whole page is built."""
    registered_param_bindings.append(binding)


def connect_paste_params_buttons() -> None:
    """Connect all buttons. KeyError for a tab that is not there, as in the hosts."""
    for binding in registered_param_bindings:
        target = paste_fields[binding.tabname]
        fields = target["fields"]
        if binding.source_image_component and target["init_img"]:
            _connect_image(binding, target["init_img"], fields or [])
        if binding.source_text_component is not None and fields is not None:
            connect_paste(
                binding.paste_button,
                fields,
                binding.source_text_component,
                binding.override_settings_component or target["override_settings_component"],
                binding.tabname,
            )
        if binding.source_tabname is not None and fields is not None:
            names = ["Prompt", "Negative prompt", "Steps", "Face restoration", *binding.paste_field_names]
            names += ["Seed"] if shared.opts.send_seed else []
            source = paste_fields[binding.source_tabname]["fields"]
            binding.paste_button.click(
                fn=lambda *values: values if len(values) != 1 else values[0],
                inputs=[component for component, name in source if name in names],
                outputs=[component for component, name in fields if name in names],
                show_progress=False,
            )
        binding.paste_button.click(fn=None, _js=f"switch_to_{binding.tabname}", show_progress=False)


def _connect_image(binding: ParamBinding, destination, fields) -> None:
    by_label = {name: component for component, name in fields if isinstance(name, str)}
    sizes = [by_label[name] for name in ("Size-1", "Size-2") if name in by_label]
    sizes = [] if binding.tabname == "inpaint" else sizes
    from_gallery = isinstance(binding.source_image_component, gr.Gallery)

    def send(source):
        image = source if isinstance(source, Image.Image) else image_from_url_text(source)
        if not sizes:
            return image
        if host_kind.is_forge() and isinstance(image, Image.Image) and image.mode == "RGBA":
            image = image.convert("RGB")
        if shared.opts.send_size and isinstance(image, Image.Image):
            return image, image.width, image.height
        return image, gr.update(), gr.update()

    binding.paste_button.click(
        fn=send,
        _js="extract_image_from_gallery" if from_gallery else None,
        inputs=[binding.source_image_component],
        outputs=[destination, *sizes],
        show_progress=False,
    )


def _pasted_value(component, key, params: dict):
    """An update of one component."""
    if callable(key):
        try:
            value = key(params)
        except Exception:
            errors.report(f"Error executing {key}", exc_info=True)
            value = None
    else:
        value = params.get(key)
    if value is None:
        return gr.update()
    if isinstance(value, dict) and value.get("__type__") in ("update", "generic_update"):
        return value
    try:
        kind = type(component.value)
        if kind is bool and value == "False":
            return gr.update(value=False)
        return gr.update(value=float(value) if kind is int else kind(value))
    except Exception:
        return gr.update()


def connect_paste(button, fields, input_comp, override_settings_component, tabname) -> None:
    """On a click the text fills the fields; an empty text means the last job, from params.txt."""
    fields = list(fields)
    if override_settings_component is not None:
        handled = {key for _, key in fields if isinstance(key, str)}

        def paste_settings(params):
            pairs = [f"{text}: {value}" for text, _, value in get_override_settings(params, skip_fields=handled)]
            return gr.update(value=pairs, choices=pairs, visible=bool(pairs))

        fields.append((override_settings_component, paste_settings))

    def paste(text):
        if not text and not getattr(shared.cmd_opts, "no_prompt_history", False):
            path = os.path.join(data_path, "params.txt")
            text = Path(path).read_text(encoding="utf8") if os.path.isfile(path) else ""
        params = parse_generation_parameters(text)
        script_callbacks.infotext_pasted_callback(text, params)
        return [_pasted_value(component, key, params) for component, key in fields]

    outputs = [component for component, _ in fields]
    button.click(fn=paste, inputs=[input_comp], outputs=outputs, show_progress=False)


__all__ = [
    "ParamBinding",
    "PasteField",
    "add_paste_fields",
    "connect_paste",
    "connect_paste_params_buttons",
    "create_buttons",
    "create_override_settings_dict",
    "get_override_settings",
    "host_kind",
    "image_from_url_text",
    "parse_generation_parameters",
    "paste_fields",
    "quote",
    "register_paste_params_button",
    "reset",
    "ui_tempdir",
    "unquote",
]
