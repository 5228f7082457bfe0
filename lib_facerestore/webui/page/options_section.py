"""Add this extension's options, and the defaults of its controls, to the host's Settings in two sections."""

from __future__ import annotations

import gradio as gr

from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import options
from lib_facerestore.webui.page.controls import component_of


def register() -> None:
    """Add both sections; a callback of the host, called while it builds its Settings."""
    from modules import shared
    from modules.options import OptionInfo

    for option in options.OPTIONS:
        component, arguments = (gr.Radio, {"choices": list(option.choices)}) if option.choices else (None, None)
        info = OptionInfo(option.default, option.label, component, arguments, section=options.SECTION)
        info = info.info(option.help) if option.help else info
        if option.keeps_from_api:
            info.restrict_api = True
        shared.opts.add_option(option.key, info)
    for field in field_types():
        component, arguments = component_of(field)
        about = setting_info(field)
        info = OptionInfo(
            options.first_default(field), about.label, component, arguments, section=options.DEFAULTS_SECTION
        )
        shared.opts.add_option(options.default_key(field), info.info(about.help))
