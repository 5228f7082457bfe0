"""Callbacks that extensions register at import; all are forgotten when scripts are loaded again."""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from modules import errors, host_kind

ScriptCallback = namedtuple("ScriptCallback", ["script", "callback", "name"])
_NAMES = (
    "app_started before_reload model_loaded ui_tabs ui_train_tabs ui_settings before_image_saved image_saved "
    "extra_noise cfg_denoiser cfg_denoised cfg_after_cfg before_component after_component image_grid infotext_pasted "
    "script_unloaded before_ui list_optimizers list_unets before_token_counter"
).split()
callback_map: dict[str, list[ScriptCallback]] = {name: [] for name in _NAMES}


class ImageSaveParams:
    """One picture on its way to disk; all fields may be replaced in on_before_image_saved."""

    def __init__(self, image, p, filename, pnginfo):
        self.image = image
        self.p = p
        self.filename = filename
        self.pnginfo = pnginfo


class ImageGridLoopParams:
    """A grid that is about to be made."""

    def __init__(self, imgs, cols, rows):
        self.imgs = imgs
        self.cols = cols
        self.rows = rows


def _register(kind: str, callback: Callable, name: str | None) -> None:
    caller = inspect.currentframe().f_back.f_back.f_code.co_filename
    callback_map[kind].append(ScriptCallback(caller, callback, name))


def _registrar(kind: str) -> Callable:
    def on(callback: Callable, *, name: str | None = None) -> None:
        _register(kind, callback, name)

    def on_without_name(callback: Callable) -> None:
        _register(kind, callback, None)

    on = on_without_name if host_kind.kind in ("classic", "sdnext") else on
    on.__name__ = f"on_{kind}"
    on.__doc__ = f"Register a callback of kind {kind}."
    return on


on_app_started = _registrar("app_started")
on_before_reload = _registrar("before_reload")
on_model_loaded = _registrar("model_loaded")
on_ui_tabs = _registrar("ui_tabs")
on_ui_train_tabs = _registrar("ui_train_tabs")
on_ui_settings = _registrar("ui_settings")
on_before_image_saved = _registrar("before_image_saved")
on_image_saved = _registrar("image_saved")
on_extra_noise = _registrar("extra_noise")
on_cfg_denoiser = _registrar("cfg_denoiser")
on_cfg_denoised = _registrar("cfg_denoised")
on_cfg_after_cfg = _registrar("cfg_after_cfg")
on_before_component = _registrar("before_component")
on_after_component = _registrar("after_component")
on_image_grid = _registrar("image_grid")
on_infotext_pasted = _registrar("infotext_pasted")
on_script_unloaded = _registrar("script_unloaded")
on_before_ui = _registrar("before_ui")
on_list_optimizers = _registrar("list_optimizers")
on_list_unets = _registrar("list_unets")
on_before_token_counter = _registrar("before_token_counter")


def clear_callbacks() -> None:
    """Forget all."""
    for callbacks in callback_map.values():
        callbacks.clear()


def remove_callbacks_for_function(callback_func: Callable) -> None:
    """Forget one function wherever it is registered."""
    for callbacks in callback_map.values():
        callbacks[:] = [one for one in callbacks if one.callback != callback_func]


def remove_current_script_callbacks() -> None:
    """Forget what the calling file registered."""
    caller = inspect.currentframe().f_back.f_code.co_filename
    for callbacks in callback_map.values():
        callbacks[:] = [one for one in callbacks if one.script != caller]


def call(kind: str, *args: Any, backwards: bool = False, **kwargs: Any) -> list:
    """Call all of one kind and give their results; exceptions are printed and swallowed."""
    results = []
    callbacks = list(callback_map[kind])
    for one in reversed(callbacks) if backwards else callbacks:
        try:
            results.append(one.callback(*args, **kwargs))
        except Exception:
            errors.report(f"Error executing callback {kind}_callback for {one.script}", exc_info=True)
    return results


def app_started_callback(demo, app):
    call("app_started", demo, app)


def app_reload_callback():
    call("before_reload")


def model_loaded_callback(sd_model):
    call("model_loaded", sd_model)


def ui_tabs_callback():
    return [tab for tabs in call("ui_tabs") for tab in tabs or []]


def ui_settings_callback():
    call("ui_settings")


def before_image_saved_callback(params):
    call("before_image_saved", params)


def image_saved_callback(params):
    call("image_saved", params)


def before_component_callback(component, **kwargs):
    call("before_component", component, **kwargs)


def after_component_callback(component, **kwargs):
    call("after_component", component, **kwargs)


def image_grid_callback(params):
    call("image_grid", params)


def infotext_pasted_callback(infotext, params):
    call("infotext_pasted", infotext, params)


def script_unloaded_callback():
    call("script_unloaded", backwards=True)


def before_ui_callback():
    # The reverse order is the hosts'.
    call("before_ui", backwards=True)
