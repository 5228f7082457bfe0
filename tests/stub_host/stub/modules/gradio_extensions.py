"""Changes to gradio that hosts make: component callbacks, and on Forge the words of gradio 3 in gradio 4."""

from __future__ import annotations

import inspect
from functools import wraps

import gradio as gr

from modules import host_kind, script_callbacks, ui_tempdir


def _current_runner():
    from modules import scripts

    return scripts.scripts_current


def _with_callbacks(original):
    @wraps(original)
    def init(self, *args, **kwargs):
        self.webui_tooltip = kwargs.pop("tooltip", None)
        runner = _current_runner()
        if runner is not None:
            runner.before_component(self, **kwargs)
        script_callbacks.before_component_callback(self, **kwargs)
        original(self, *args, **kwargs)
        kind = [f"gradio-{self.get_block_name()}"]
        many = ["multiselect"] if getattr(self, "multiselect", False) else []
        self.elem_classes = [*kind, *(getattr(self, "elem_classes", None) or []), *many]
        script_callbacks.after_component_callback(self, **kwargs)
        if runner is not None:
            runner.after_component(self, **kwargs)

    return init


def _old_words(component_class) -> None:
    """`_js`, `source`, `tooltip` and unknown keywords of gradio 3; `.update` on the class."""
    if component_class is None or not getattr(component_class, "EVENTS", None):
        return
    original = component_class.__init__

    @wraps(original)
    def init(self, *args, tooltip=None, source=None, **kwargs):
        if source:
            kwargs["sources"] = [source]
        known = inspect.signature(original).parameters
        original(self, *args, **{key: value for key, value in kwargs.items() if key in known})
        self.webui_tooltip = tooltip
        for event in self.EVENTS:
            setattr(self, str(event), _with_old_js(getattr(self, str(event))))

    component_class.__init__ = init
    component_class.update = gr.update


class _with_old_js:  # noqa: N801 - stands for a function, and keeps the attributes that gradio looks for
    def __init__(self, event):
        self.event = event
        self.has_trigger = getattr(event, "has_trigger", None)
        self.event_name = getattr(event, "event_name", None)
        self.callback = getattr(event, "callback", None)
        self.owner = getattr(event, "__self__", None)

    def __call__(self, *args, _js=None, **kwargs):
        if _js is not None:
            kwargs["js"] = _js
        return self.event(*args, **kwargs)

    @property
    def __self__(self):
        return self.owner


def _install_gradio4() -> None:
    import gradio.component_meta

    gradio.component_meta.create_or_modify_pyi = lambda *given: None
    gradio.component_meta.updateable = lambda original: original
    gr.components.Component.__init__ = _with_callbacks(gr.components.Component.__init__)
    gr.blocks.BlockContext.__init__ = _with_callbacks(gr.blocks.BlockContext.__init__)
    for name in sorted(set(gr.components.__all__ + gr.layouts.__all__)):
        _old_words(getattr(gr, name, None))
    original_dependency = gr.events.Dependency

    class Dependency(original_dependency):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            original_then = self.then

            def then(*args, _js=None, **kwargs):
                if _js:
                    kwargs["js"] = _js
                return original_then(*args, **kwargs)

            self.then = then

    gr.events.Dependency = Dependency
    gr.Box = gr.Group


def install() -> None:
    """Once per process, before anything of the page is made."""
    if host_kind.GRADIO >= 4:
        _install_gradio4()
    else:
        gr.components.IOComponent.__init__ = _with_callbacks(gr.components.IOComponent.__init__)
        gr.blocks.BlockContext.__init__ = _with_callbacks(gr.blocks.BlockContext.__init__)
    ui_tempdir.install()


install()
