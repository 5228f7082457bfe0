"""The Settings tab: one component per setting, Apply, Reload UI."""

from __future__ import annotations

import gradio as gr

from modules import call_queue, errors, script_callbacks, shared
from modules.shared import opts


def create_setting_component(key: str):
    """The component of a setting, by its description or by the type of its default."""
    info = opts.data_labels[key]
    args = info.component_args() if callable(info.component_args) else info.component_args or {}
    value = opts.data.get(key, info.default)
    if info.component is not None:
        component = info.component
    elif isinstance(info.default, bool):
        component = gr.Checkbox
    elif isinstance(info.default, int):
        component, args = gr.Number, {"precision": 0, **args}
    elif isinstance(info.default, (str, list, type(None))):
        component = gr.Textbox if isinstance(info.default, str) or info.default is None else None
        if component is None:
            component, args = gr.Dropdown, {"multiselect": True, "choices": info.default, **args}
    else:
        raise Exception(f"bad options item type: {type(info.default)} for key {key}")
    made = component(label=info.label, value=value, elem_id=f"setting_{key}", **args)
    for comment in (info.comment_before, info.comment_after):
        if comment:
            gr.HTML(value=comment, elem_classes="settings-comment")
    return made


class UiSettings:
    """Components in the order of opts.data_labels."""

    def __init__(self):
        self.keys: list[str] = []
        self.components: list = []

    def register_settings(self) -> None:
        """Let extensions add theirs."""
        script_callbacks.ui_settings_callback()

    def run_settings(self, *args):
        """Apply: every changed value is set and saved. AssertionError for a value of another type."""
        for key, value in zip(self.keys, args):
            default = opts.data_labels[key].default
            assert opts.same_type(value, default), (
                f"Bad value for setting {key}: {value}; expecting {type(default).__name__}"
            )
        changed = [key for key, value in zip(self.keys, args) if opts.set(key, value)]
        opts.save(shared.config_filename)
        said = f"{len(changed)} settings changed{': ' if changed else ''}{', '.join(changed)}."
        return opts.dumpjson(), said

    def create_ui(self):
        """The page of the tab."""
        sections: dict[tuple, list[str]] = {}
        for key, info in opts.data_labels.items():
            if not info.section:
                errors.report(f"setting {key} has no section")
                continue
            sections.setdefault(tuple(info.section), []).append(key)
        with gr.Blocks(analytics_enabled=False) as interface:
            with gr.Row():
                submit = gr.Button("Apply settings", variant="primary", elem_id="settings_submit")
                restart = gr.Button("Reload UI", variant="primary", elem_id="settings_restart_gradio")
            result = gr.HTML(elem_id="settings_result")
            text = gr.Textbox(opts.dumpjson(), elem_id="settings_json", visible=False)
            for (name, label), keys in sections.items():
                with gr.Accordion(label or name, open=False, elem_id=f"settings_{name}"):
                    for key in keys:
                        component = create_setting_component(key)
                        if not opts.data_labels[key].do_not_save:
                            self.keys.append(key)
                            self.components.append(component)
        submit_call = call_queue.wrap_gradio_call_no_job(self.run_settings, extra_outputs=[gr.update()])
        with interface:
            submit.click(fn=submit_call, inputs=self.components, outputs=[text, result])
            restart.click(fn=shared.state.request_restart, _js="restart_reload", inputs=[], outputs=[])
        return interface
