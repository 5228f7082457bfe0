"""What we ask the host to call at its own times. Registered anew at each "Reload UI", when the host forgets all."""

from __future__ import annotations

import logging

from modules import script_callbacks

from lib_facerestore.webui import models_panel, options, warm_session, xyz
from lib_facerestore.webui.border import logger


def register() -> None:
    """Called while the host loads the script."""
    script_callbacks.on_ui_settings(options.register)
    script_callbacks.on_after_component(models_panel.after_component)
    script_callbacks.on_before_ui(xyz.register)
    script_callbacks.on_script_unloaded(warm_session.close)
    xyz.register()
    _show_status_in_log()


def _show_status_in_log() -> None:
    """Let one line for each picture through: hosts show warnings only, unless told otherwise."""
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[Face restore] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
