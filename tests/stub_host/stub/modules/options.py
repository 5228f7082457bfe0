"""Settings: their descriptions, their values, config.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, ClassVar

from modules import errors

_OWN = {"data_labels", "data", "restricted_opts", "typemap"}


class OptionInfo:
    """One setting. Methods return self, so that they can be chained."""

    def __init__(
        self,
        default=None,
        label="",
        component=None,
        component_args=None,
        onchange=None,
        section=None,
        refresh=None,
        comment_before="",
        comment_after="",
        infotext=None,
        restrict_api=False,
        category_id=None,
    ):
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section = section
        self.refresh = refresh
        self.comment_before = comment_before
        self.comment_after = comment_after
        self.infotext = infotext
        self.restrict_api = restrict_api
        self.category_id = category_id
        self.do_not_save = False

    def link(self, label, url):
        self.comment_before += f"[<a href='{url}' target='_blank'>{label}</a>]"
        return self

    def js(self, label, js_func):
        self.comment_before += f"[<a onclick='{js_func}(); return false'>{label}</a>]"
        return self

    def info(self, info):
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html):
        self.comment_after += html
        return self

    def needs_restart(self):
        return self.html(" <span class='info'>(requires restart)</span>")

    def needs_reload_ui(self):
        return self.html(" <span class='info'>(requires Reload UI)</span>")


class OptionHTML(OptionInfo):
    """A paragraph on the settings page; has no value."""

    def __init__(self, text):
        import gradio as gr

        super().__init__(str(text).strip(), component=lambda **given: gr.HTML(elem_classes="settings-info", **given))
        self.do_not_save = True


def options_section(section_identifier: tuple, options_dict: dict[str, OptionInfo]) -> dict[str, OptionInfo]:
    """Give one section to many settings."""
    for info in options_dict.values():
        info.section = section_identifier[:2]
        if len(section_identifier) == 3:
            info.category_id = section_identifier[2]
    return options_dict


class Options:
    """Values as attributes; unknown ones raise AttributeError."""

    typemap: ClassVar[dict] = {int: float}

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts: set[str]):
        self.data_labels = data_labels
        # Only what config.json holds: a builtin setting that was never saved is absent here, as in the hosts.
        self.data: dict[str, Any] = {}
        self.restricted_opts = restricted_opts

    def __setattr__(self, key, value):
        if key in _OWN:
            return super().__setattr__(key, value)
        if key in self.data or key in self.data_labels:
            info = self.data_labels.get(key)
            if info is not None and info.do_not_save:
                return None
            if key in self.restricted_opts:
                raise RuntimeError(f"not possible to set '{key}' because it is restricted")
            self.data[key] = value
            return None
        return super().__setattr__(key, value)

    def __getattr__(self, item):
        if item in _OWN:
            raise AttributeError(item)
        if item in self.data:
            return self.data[item]
        if item in self.data_labels:
            return self.data_labels[item].default
        raise AttributeError(f"'Options' object has no attribute '{item}'")

    def set(self, key: str, value: object, is_api: bool = False, run_callbacks: bool = True) -> bool:
        """Change a value; False when nothing changes or the setting may not be changed."""
        old = self.data.get(key)
        if old == value:
            return False
        info = self.data_labels[key]
        if info.do_not_save or (is_api and info.restrict_api):
            return False
        try:
            setattr(self, key, value)
        except RuntimeError:
            return False
        if run_callbacks and info.onchange is not None:
            try:
                info.onchange()
            except Exception as error:
                errors.display(error, f"changing setting {key} to {value}")
                setattr(self, key, old)
                return False
        return True

    def get_default(self, key: str) -> object:
        """The default of a setting, None for an unknown one."""
        info = self.data_labels.get(key)
        return None if info is None else info.default

    def save(self, filename: str) -> None:
        """Write all values."""
        with open(filename, "w", encoding="utf8") as file:
            json.dump(self.data, file, indent=4, ensure_ascii=False)

    def same_type(self, x: object, y: object) -> bool:
        """Whether two values are of one kind; int and float are."""
        if x is None or y is None:
            return True
        return self.typemap.get(type(x), type(x)) == self.typemap.get(type(y), type(y))

    def load(self, filename: str) -> None:
        """Read config.json; a missing file leaves no values, a broken one is set aside."""
        if not os.path.isfile(filename):
            return
        try:
            with open(filename, encoding="utf8") as file:
                self.data = json.load(file)
        except ValueError:
            errors.report(f"Could not load settings from {filename}", exc_info=True)
            os.replace(filename, f"{filename}.broken")
            self.data = {}
        for key, value in self.data.items():
            info = self.data_labels.get(key)
            if info is not None and not self.same_type(info.default, value):
                errors.say(f"Warning: bad setting value: {key}: {value} ({type(value).__name__})")

    def onchange(self, key: str, func: Callable, call: bool = True) -> None:
        """Call a function after each change of a setting, and at once."""
        self.data_labels[key].onchange = func
        if call:
            func()

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Make a setting known and give it its default, unless config.json had a value."""
        self.data_labels[key] = info
        if key not in self.data and not info.do_not_save:
            self.data[key] = info.default

    def dumpjson(self) -> str:
        """All values as the page gets them."""
        return json.dumps(
            {key: self.data.get(key, info.default) for key, info in self.data_labels.items()}, default=str
        )

    def cast_value(self, key: str, value: object) -> object:
        """A text as the type of the setting's default."""
        default = self.data_labels[key].default
        if default is None:
            default = getattr(self, key, None)
        if value is None or default is None:
            return None
        if isinstance(default, bool) and value == "False":
            return False
        return type(default)(value)
