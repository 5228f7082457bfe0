"""Register this extension's callbacks with the host.

The host forgets all callbacks at each "Reload UI" and loads the script that calls `register` again.
"""

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
    """Register all callbacks, add the axes of the plot and the restorers of the host's list.

    Called while the host loads scripts/facerestore.py.
    """
    script_callbacks.on_ui_settings(options_section.register)
    script_callbacks.on_after_component(models_panel.after_component)
    script_callbacks.on_after_component(gallery_buttons.after_component)
    script_callbacks.on_before_ui(xyz.register)
    script_callbacks.on_app_started(_add_routes)
    script_callbacks.on_script_unloaded(warm_session.close)
    script_callbacks.on_script_unloaded(host_restorers.withdraw)
    # Before the page is drawn, for the lists on it; and after the start, for hosts that run as an API without a page.
    script_callbacks.on_before_ui(host_upscalers.put)
    script_callbacks.on_app_started(host_upscalers.put)
    xyz.register()
    _show_status_in_log()
    with guarded("adding restorers to the list of the WebUI", lambda sentence: None):
        host_restorers.put()


def _add_routes(demo: Any, app: Any) -> None:
    """Add this extension's HTTP routes to the host's app, if the host was started with an API.

    Without `--api` or `--nowebui` the user has not asked for an API: callers must not be able to use the machine, and
    the start must not wait for the imports.
    demo: gradio's page, None where the host has none; not used. app: the host's FastAPI.
    """
    if (base.flag("api", False) or base.flag("nowebui", False)) and not controls.is_all_off():
        with guarded("adding the API's routes", lambda sentence: None):
            from lib_facerestore.webui.api import endpoints

            endpoints.register(app)


def _show_status_in_log() -> None:
    """Make the log show this extension's messages of level info, such as the line for each picture.

    Hosts show warnings only, unless a flag says otherwise.
    """
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"[{base.TITLE}] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
