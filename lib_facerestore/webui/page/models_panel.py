"""Below our options in the Settings: fetch models with progress, and look whether everything is in order."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from lib_facerestore.webui import background_fetch, options, warm_session
from lib_facerestore.webui.border import guarded
from lib_facerestore.webui.page import compat

_POLL_S = 0.3


def after_component(component: Any, **arguments: Any) -> None:
    """Draw the panel below our last option, while the host builds its Settings."""
    is_last = arguments.get("elem_id") == f"setting_{options.OPTIONS[-1].key}"
    # Forge makes one more of each setting that belongs to no page.
    if is_last and compat.is_in_page():
        with guarded("drawing the models panel", lambda sentence: None):
            _draw()


def fetch(name: str) -> Iterator[str]:
    """Fetch what was chosen; yields the panel's text while it comes in."""
    started = background_fetch.start(background_fetch.TOGETHER.get(name, (name,)))
    if started is None:
        yield _shown(["Something is being fetched already."])
        return
    while started.is_alive():
        yield _shown(started.lines)
        started.join(_POLL_S)
    yield _shown(started.lines)


def examine() -> str:
    """The panel's text about everything that is here, missing or damaged."""
    from lib_facerestore.models import doctor

    lines: list[str] = []
    with guarded("looking at everything", lines.append):
        found = doctor.examine(warm_session.runtime())
        to_do = [*found.problems, *filter(None, [found.missing])]
        lines += [*(f"To do: {sentence}" for sentence in to_do), *found.lines]
        if not to_do:
            lines.insert(0, "Everything that is needed is here.")
    return _shown(lines)


def _draw() -> None:
    names = [*background_fetch.together(), *(spec.name for spec in background_fetch.official())]
    with gr.Row(elem_id="facerestore_models"):
        chosen = gr.Dropdown(names, value=names[0], label="Official models", elem_id="facerestore_fetch_name", scale=2)
        start = gr.Button("Fetch models", elem_id="facerestore_fetch")
        halt = gr.Button("Stop", elem_id="facerestore_fetch_stop")
        look = gr.Button("Check everything", elem_id="facerestore_examine")
    text = gr.HTML("", elem_id="facerestore_models_status", elem_classes=["facerestore-status"])
    for component in (chosen, start, halt, look, text):
        component.do_not_save_to_config = True
    start.click(fn=fetch, inputs=[chosen], outputs=[text])
    halt.click(fn=background_fetch.stop, inputs=[], outputs=[], queue=False)
    look.click(fn=examine, inputs=[], outputs=[text])


def _shown(lines: list[str]) -> str:
    """Lines as HTML, with nothing in them that a page would take for its own."""
    return "<pre>" + "\n".join(html.escape(line) for line in lines) + "</pre>"
