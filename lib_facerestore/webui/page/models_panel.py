"""The panel below this extension's options in the host's Settings: fetch official models, and check all files."""

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
    """Draw the panel below this extension's last option; a callback of the host, called for each of its components.

    arguments: those with which the component was made.
    """
    is_last = arguments.get("elem_id") == f"setting_{options.OPTIONS[-1].key}"
    # Forge makes each option's component once more, outside of any page.
    if is_last and compat.is_in_page():
        with guarded("drawing the models panel", lambda sentence: None):
            _draw()


def fetch(name: str) -> Iterator[str]:
    """Fetch what was chosen, and yield the panel's text as HTML until it has come in.

    name: of a model, or of several that belong together (`background_fetch.TOGETHER`).
    """
    started = background_fetch.start(background_fetch.TOGETHER.get(name, (name,)))
    if started is None:
        yield _as_html(["Something is being fetched already."])
        return
    while started.is_alive():
        yield _as_html(started.lines)
        started.join(_POLL_S)
    yield _as_html(started.lines)


def examine() -> str:
    """Return the panel's text, as HTML, about the files that are present, missing or damaged, and what to do."""
    from lib_facerestore.models import doctor

    lines: list[str] = []
    with guarded("looking at everything", lines.append):
        found = doctor.examine(warm_session.runtime())
        to_do = [*found.problems, *filter(None, [found.missing])]
        lines += [*(f"To do: {sentence}" for sentence in to_do), *found.lines]
        if not to_do:
            lines.insert(0, "Everything that is needed is here.")
    return _as_html(lines)


def _draw() -> None:
    """Draw the panel and connect its buttons."""
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


def _as_html(lines: list[str]) -> str:
    """Return the lines as HTML; markup in them is shown as text."""
    return "<pre>" + "\n".join(html.escape(line) for line in lines) + "</pre>"
