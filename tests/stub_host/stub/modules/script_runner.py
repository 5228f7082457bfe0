"""The scripts of one tab: their controls, their slices of the arguments, their hooks."""

from __future__ import annotations

import os
from collections.abc import Callable

import gradio as gr

from modules import errors, host_kind, shared
from modules.script_class import AlwaysVisible, OnComponent, Script


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    """Call; an exception is printed and the default returned."""
    try:
        return func(*args, **kwargs)
    except Exception:
        errors.report(f"Error calling: {filename}/{funcname}", exc_info=True)
    return default


class ScriptRunner:
    """Always-visible scripts come first in `inputs`, after the dropdown; then selectable ones."""

    def __init__(self):
        self.scripts: list[Script] = []
        self.selectable_scripts: list[Script] = []
        self.alwayson_scripts: list[Script] = []
        self.titles: list[str] = []
        self.title_map: dict[str, Script] = {}
        self.infotext_fields: list = []
        self.paste_field_names: list[str] = []
        self.inputs: list = [None]
        self.before_by_id: dict[str, list] = {}
        self.after_by_id: dict[str, list] = {}

    def initialize_scripts(self, is_img2img: bool) -> None:
        """Make one object of every known class for this tab."""
        from modules import scripts, scripts_auto_postprocessing

        self.scripts.clear()
        self.alwayson_scripts.clear()
        self.selectable_scripts.clear()
        for data in scripts_auto_postprocessing.create_auto_preprocessing_script_data() + scripts.scripts_data:
            try:
                script = data.script_class()
            except Exception:
                errors.report(f"Error # failed to initialize Script {data.module}: ", exc_info=True)
                continue
            script.filename = data.path
            script.is_txt2img, script.is_img2img = not is_img2img, is_img2img
            script.tabname = "img2img" if is_img2img else "txt2img"
            visibility = script.show(is_img2img)
            if visibility == AlwaysVisible:
                script.alwayson = True
                self.alwayson_scripts.append(script)
            elif visibility:
                self.selectable_scripts.append(script)
            else:
                continue
            self.scripts.append(script)
        self._collect_component_callbacks()

    def _collect_component_callbacks(self) -> None:
        for script in self.scripts:
            for elem_id, callback in script.on_before_component_elem_id or []:
                self.before_by_id.setdefault(elem_id, []).append((callback, script))
            for elem_id, callback in script.on_after_component_elem_id or []:
                self.after_by_id.setdefault(elem_id, []).append((callback, script))
            script.on_before_component_elem_id = script.on_after_component_elem_id = None

    def create_script_ui(self, script: Script) -> None:
        """Call ui() and give the script its slice; an exception leaves it an empty slice."""
        script.args_from = script.args_to = len(self.inputs)
        script.parent = script.tabname
        try:
            self._create_script_ui(script)
        except Exception:
            errors.report(f"Error creating UI for {script.name}: ", exc_info=True)

    def _create_script_ui(self, script: Script) -> None:
        import modules.api.models as api_models

        controls = wrap_call(script.ui, script.filename, "ui", script.is_img2img)
        script.controls = controls
        if controls is None:
            return
        script.name = wrap_call(script.title, script.filename, "title", default=script.filename).lower()
        described = []
        for control in controls:
            control.custom_script_source = os.path.basename(script.filename)
            argument = api_models.ScriptArg(label=control.label or "")
            for field in ("value", "minimum", "maximum", "step"):
                value = getattr(control, field, None)
                if value is not None:
                    setattr(argument, field, value)
            choices = getattr(control, "choices", None)
            if choices is not None:
                argument.choices = [choice[0] if isinstance(choice, tuple) else choice for choice in choices]
            described.append(argument)
        script.api_info = api_models.ScriptInfo(
            name=script.name, is_img2img=script.is_img2img, is_alwayson=script.alwayson, args=described
        )
        self.infotext_fields += script.infotext_fields or []
        self.paste_field_names += script.paste_field_names or []
        self.inputs += controls
        script.args_to = len(self.inputs)

    def setup_ui_for_section(self, section: str | None, scriptlist: list[Script] | None = None) -> None:
        """The controls of the scripts that want to stand in this part of the page."""
        for script in self._in_page_order() if scriptlist is None else scriptlist:
            if script.alwayson and script.section != section:
                continue
            if script.create_group:
                with gr.Group(visible=script.alwayson) as group:
                    self.create_script_ui(script)
                script.group = group
            else:
                self.create_script_ui(script)

    def _in_page_order(self) -> list[Script]:
        if host_kind.is_forge_family():
            return sorted(self.alwayson_scripts, key=lambda script: script.sorting_priority)
        return self.alwayson_scripts

    def prepare_ui(self) -> None:
        self.inputs = [None]

    def setup_ui(self) -> list:
        """All controls; returns the inputs, the dropdown of selectable scripts at 0."""
        titles = [wrap_call(script.title, script.filename, "title") or script.filename for script in self.scripts]
        self.title_map = {title.lower(): script for title, script in zip(titles, self.scripts)}
        self.titles = [
            wrap_call(script.title, script.filename, "title") or f"{script.filename} [error]"
            for script in self.selectable_scripts
        ]
        self.setup_ui_for_section(None)
        dropdown = gr.Dropdown(
            label="Script", elem_id="script_list", choices=["None", *self.titles], value="None", type="index"
        )
        self.inputs[0] = dropdown
        self.setup_ui_for_section(None, self.selectable_scripts)

        def select(index):
            return [gr.update(visible=index == number) for number in range(1, len(self.selectable_scripts) + 1)]

        if self.selectable_scripts:
            dropdown.change(fn=select, inputs=[dropdown], outputs=[script.group for script in self.selectable_scripts])
        self.infotext_fields.append((dropdown, lambda params: gr.update(value=params.get("Script", "None"))))
        self._collect_component_callbacks()
        return self.inputs

    def run(self, p, *args):
        """Run the selected script, if one is selected; None otherwise."""
        index = args[0]
        if index is None or index == 0:
            return None
        script = self.selectable_scripts[index - 1]
        processed = script.run(p, *args[script.args_from : script.args_to])
        if hasattr(shared, "total_tqdm"):
            shared.total_tqdm.clear()
        return processed

    def script(self, title: str) -> Script | None:
        return self.title_map.get(title.lower())

    def ordered_scripts(self, method: str) -> list[Script]:
        """Those that override the hook, in the order of loading; none for a hook that this kind does not have."""
        if not hasattr(Script, method):
            return []
        listed = self.scripts if method in ("before_component", "after_component") else self.alwayson_scripts
        return [script for script in listed if getattr(type(script), method, None) != getattr(Script, method, None)]

    def _call_all(self, method: str, p, *first, **kwargs) -> None:
        for script in self.ordered_scripts(method):
            try:
                args = p.script_args[script.args_from : script.args_to]
                getattr(script, method)(p, *first, *args, **kwargs)
            except Exception:
                errors.report(f"Error running {method}: {script.filename}", exc_info=True)

    def setup_scrips(self, p, *, is_ui: bool = True) -> None:
        for script in self.ordered_scripts("setup"):
            if not is_ui and script.setup_for_ui_only:
                continue
            try:
                script.setup(p, *p.script_args[script.args_from : script.args_to])
            except Exception:
                errors.report(f"Error running setup: {script.filename}", exc_info=True)

    def before_component(self, component, **kwargs) -> None:
        self._component(self.before_by_id.get(kwargs.get("elem_id"), []), "before_component", component, kwargs)

    def after_component(self, component, **kwargs) -> None:
        self._component(self.after_by_id.get(component.elem_id, []), "after_component", component, kwargs)

    def _component(self, callbacks: list, method: str, component, kwargs: dict) -> None:
        for callback, script in callbacks:
            try:
                callback(OnComponent(component=component))
            except Exception:
                errors.report(f"Error running on_{method}: {script.filename}", exc_info=True)
        for script in self.ordered_scripts(method):
            try:
                getattr(script, method)(component, **kwargs)
            except Exception:
                errors.report(f"Error running {method}: {script.filename}", exc_info=True)


def _hook(method: str) -> Callable:
    def hook(self, p, *first, **kwargs):
        self._call_all(method, p, *first, **kwargs)

    hook.__name__ = method
    hook.__doc__ = f"Call {method} of every always-visible script; exceptions are printed and swallowed."
    return hook


for _method in (
    "before_process process before_process_batch after_extra_networks_activate process_before_every_sampling "
    "process_batch postprocess postprocess_batch_list post_sample on_mask_blend postprocess_image "
    "postprocess_maskoverlay postprocess_image_after_composite before_hr"
).split():
    setattr(ScriptRunner, _method, _hook(_method))


def _postprocess_batch(self, p, images, **kwargs):
    """The pictures come as a keyword here."""
    self._call_all("postprocess_batch", p, images=images, **kwargs)


ScriptRunner.postprocess_batch = _postprocess_batch
