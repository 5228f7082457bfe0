"""Draw and connect two buttons in the host's row below the gallery: one picture, and all pictures.

What a press does is in `gallery_job`; what it sends is in `javascript/facerestore.js`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lib_facerestore.hosts import base
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.gallery import gallery_choice, gallery_job
from lib_facerestore.webui.page import compat
from lib_facerestore.webui.page.controls import Panel

# Ids of the host's components that the buttons need, with a place for the tab's name, in the order in which the host
# draws them. Where a host lacks one of them, the buttons stay hidden.
_PARTS = ("{}_gallery", "html_info_{}", "html_log_{}", "generation_info_{}")
_GALLERY, _TEXT, _STATUS, _GENERATION_INFO = _PARTS
# Id of the host's button in whose row the buttons are drawn.
_ROW = "{}_send_to_extras"


@dataclass
class _Tab:
    """One tab while the host draws its page."""

    panel: Panel
    """The tab's controls."""
    parts: dict[str, Any] = field(default_factory=dict)
    """Entry of _PARTS → the host's component, as far as it was drawn already."""
    one_button: Any = None
    """The button for the selected picture; None until it is drawn."""
    all_button: Any = None
    """The button for all pictures; None until it is drawn."""


# Name of a tab → the tab, until its buttons are connected.
_tabs: dict[str, _Tab] = {}


def expect(tab: str, panel: Panel) -> None:
    """Note that the tab's buttons are to use the settings of this panel.

    tab: "txt2img" or "img2img". Called while the tab's page is drawn, before the host draws its gallery.
    """
    _tabs[tab] = _Tab(panel)


def after_component(component: Any, **arguments: Any) -> None:
    """Look at a component that the host has just drawn: draw the buttons in their row, connect them when all is there.

    A callback of the host, called for each component of its page. arguments: those with which the component was made.
    """
    elem_id = arguments.get("elem_id")
    if not elem_id or base.flag("no_facerestore", False) or not compat.is_in_page():
        return
    for name, tab in list(_tabs.items()):  # a tab whose buttons are connected leaves
        with guarded("drawing the buttons below the gallery", lambda sentence: logger.warning("%s", sentence)):
            if elem_id == _ROW.format(name):
                _draw(name, tab)
            for part in _PARTS:
                if elem_id == part.format(name):
                    tab.parts[part] = component
                    _connect(name, tab)


def _draw(name: str, tab: _Tab) -> None:
    """Draw both buttons, hidden; `_connect` shows them."""
    tab.one_button = compat.tool_button(
        gallery_choice.ONE_LABEL, f"in the selected picture, without generating it again, as {base.TITLE} is set here",
        f"{name}_facerestore_one",
    )  # fmt: skip
    tab.all_button = compat.tool_button(
        gallery_choice.ALL_LABEL, "in all pictures of the gallery that were not restored yet; grids and masks stay",
        f"{name}_facerestore_all",
    )  # fmt: skip


def _connect(name: str, tab: _Tab) -> None:
    """Connect the buttons to `gallery_job.run` and show them; nothing while a part of the host's page is missing.

    They are connected as the host connects Generate: a press waits in the host's queue, shows the host's progress bar,
    can be stopped by its buttons, and ends in its line "Time taken".
    """
    if tab.one_button is None or len(tab.parts) < len(_PARTS):
        return
    from modules import call_queue

    task = gr.Textbox("", visible=False, label=f"{base.TITLE} task", elem_id=f"{name}_facerestore_task")
    choice = gr.Textbox("", visible=False, label=f"{base.TITLE} choice", elem_id=f"{name}_facerestore_choice")
    inputs = [task, choice, tab.parts[_GALLERY], tab.parts[_GENERATION_INFO], *tab.panel.fields.values()]
    outputs = [tab.parts[part] for part in (_GALLERY, _GENERATION_INFO, _TEXT, _STATUS)]
    for component in (task, choice):
        component.do_not_save_to_config = True
    run = call_queue.wrap_gradio_gpu_call(gallery_job.run, extra_outputs=[gr.update()] * 3)
    for button, which in ((tab.one_button, "selected"), (tab.all_button, gallery_choice.ALL)):
        submit = f"(...given) => facerestoreSubmit('{name}', '{which}', given, {len(inputs)})"
        button.click(fn=run, _js=submit, inputs=inputs, outputs=outputs, show_progress=False)
        button.visible = True
    del _tabs[name]
