"""Two buttons in the row below the galleries of txt2img and img2img, which restore what is shown there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lib_facerestore.hosts import base
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.gallery import gallery_job
from lib_facerestore.webui.page import compat
from lib_facerestore.webui.page.controls import Panel

# The host's parts that the buttons need, by what stands around the tab's name in their ids, in the order in which they
# are drawn. Where one is missing, the buttons are not shown.
_PARTS = ("{}_gallery", "html_info_{}", "html_log_{}", "generation_info_{}")
_ROW = "{}_send_to_extras"
_GALLERY, _TEXT, _STATUS, _NOTES = _PARTS


@dataclass
class _Tab:
    """One tab while it is being drawn. parts: the host's, by their entry of _PARTS."""

    panel: Panel
    parts: dict[str, Any] = field(default_factory=dict)
    one: Any = None
    all: Any = None


_tabs: dict[str, _Tab] = {}


def expect(tab: str, panel: Panel) -> None:
    """The controls whose settings a tab's buttons are to use; called while its page is drawn, before its gallery."""
    _tabs[tab] = _Tab(panel)


def after_component(component: Any, **arguments: Any) -> None:
    """Gather the host's parts while it draws them, draw the buttons in its row and connect them."""
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
    """Hidden, until all that they need is there."""
    tab.one = compat.tool_button(
        gallery_job.ONE_LABEL, "in the selected picture, without generating it again, as Face restore is set here",
        f"{name}_facerestore_one",
    )  # fmt: skip
    tab.all = compat.tool_button(
        gallery_job.ALL_LABEL, "in all pictures of the gallery that were not restored yet; grids and masks stay",
        f"{name}_facerestore_all",
    )  # fmt: skip


def _connect(name: str, tab: _Tab) -> None:
    """As the host connects Generate: its queue, its progress bar, its stop buttons and its "Time taken"."""
    if tab.one is None or len(tab.parts) < len(_PARTS):
        return
    from modules import call_queue

    task = gr.Textbox("", visible=False, label="Face restore task", elem_id=f"{name}_facerestore_task")
    choice = gr.Textbox("", visible=False, label="Face restore choice", elem_id=f"{name}_facerestore_choice")
    inputs = [task, choice, tab.parts[_GALLERY], tab.parts[_NOTES], *tab.panel.fields.values()]
    outputs = [tab.parts[part] for part in (_GALLERY, _NOTES, _TEXT, _STATUS)]
    for component in (task, choice):
        component.do_not_save_to_config = True
    run = call_queue.wrap_gradio_gpu_call(gallery_job.run, extra_outputs=[gr.update()] * 3)
    for button, which in ((tab.one, "selected"), (tab.all, gallery_job.ALL)):
        submit = f"(...given) => facerestoreSubmit('{name}', '{which}', given, {len(inputs)})"
        button.click(fn=run, _js=submit, inputs=inputs, outputs=outputs, show_progress=False)
        button.visible = True
    del _tabs[name]
