"""Components and calls that differ between gradio 3.41 and 4.40 or between hosts; other files call these functions."""

from __future__ import annotations

import html
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr


@contextmanager
def input_accordion(value: bool, label: str, elem_id: str) -> Iterator[Any]:
    """Draw an accordion with a tick box in its title, the body's components inside; yield the tick box.

    value: whether it is ticked. On a host that has no such accordion it is a plain one with a tick box inside.
    """
    try:
        from modules.ui_components import InputAccordion
    except ImportError:
        with gr.Accordion(label, open=value, elem_id=elem_id):
            yield gr.Checkbox(value, label=f"Enable {label}", elem_id=f"{elem_id}-checkbox")
        return
    with InputAccordion(value, label=label, elem_id=elem_id) as accordion:
        yield accordion


def row() -> Any:
    """Return a row that wraps on narrow pages, where the host has one; gradio's row otherwise."""
    try:
        from modules.ui_components import FormRow
    except ImportError:
        return gr.Row()
    return FormRow()


def tool_button(label: str, tooltip: str, elem_id: str) -> Any:
    """Return a small button, hidden until the caller sets its `visible`.

    It is the host's own kind of small button, where the host has one; otherwise gradio's, without the tooltip.
    """
    arguments = {"elem_id": elem_id, "elem_classes": ["facerestore-tool"], "visible": False}
    try:
        from modules.ui_components import ToolButton
    except ImportError:
        return gr.Button(label, **arguments)
    return ToolButton(label, tooltip=tooltip, **arguments)


def is_in_page() -> bool:
    """Return whether gradio builds a page just now; only then components can be drawn and connected."""
    from gradio.context import Context

    return Context.root_block is not None


def notify(sentence: str) -> None:
    """Show the sentence as a toast in the page from which the running request came; do nothing in an API call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gradio warns in the log where there is no page
        try:
            # gradio 4 draws the text as HTML, and the sentence may quote what a user has pasted.
            gr.Warning(html.escape(sentence))
        except (LookupError, AttributeError):
            return  # there is no page
