"""What we ask the host to call at its own times. Registered anew at each "Reload UI", when the host forgets all."""

from __future__ import annotations

import logging
from typing import Any

from modules import script_callbacks

from lib_facerestore.hosts import base
from lib_facerestore.webui import warm_session, xyz
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.gallery import gallery_buttons
from lib_facerestore.webui.lent import host_restorers, host_upscalers
from lib_facerestore.webui.page import controls, models_panel, options_section


def register() -> None:
    """Called while the host loads the script."""
    script_callbacks.on_ui_settings(options_section.register)
    script_callbacks.on_after_component(models_panel.after_component)
    script_callbacks.on_after_component(gallery_buttons.after_component)
    script_callbacks.on_before_ui(xyz.register)
    script_callbacks.on_app_started(_add_routes)
    script_callbacks.on_script_unloaded(warm_session.close)
    script_callbacks.on_script_unloaded(host_restorers.withdraw)
    # The first is early enough for every list on the page; after the second an API reads the list.
    script_callbacks.on_before_ui(host_upscalers.put)
    script_callbacks.on_app_started(host_upscalers.put)
    xyz.register()
    _show_status_in_log()
    with guarded("listing our restorers", lambda sentence: None):
        host_restorers.put()


def _add_routes(demo: Any, app: Any) -> None:
    """Our HTTP routes, where the host serves its own; called when it has started, demo None without a page.

    Who did not ask for an API does not want callers to use the machine, and does not wait for its import.
    """
    if (base.flag("api", False) or base.flag("nowebui", False)) and not controls.is_all_off():
        with guarded("adding the API's routes", lambda sentence: None):
            from lib_facerestore.webui.api import endpoints

            endpoints.register(app)


def _show_status_in_log() -> None:
    """Let one line for each picture through: hosts show warnings only, unless told otherwise."""
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[Face restore] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
