"""What differs between gradio 3.41 and 4.40 and between hosts' own components; all other files import from here."""

from __future__ import annotations

import html
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr


@contextmanager
def input_accordion(value: bool, label: str, elem_id: str) -> Iterator[Any]:
    """An accordion with a tick box in its title, as the host draws it; yields the tick box.

    A host without one gets an accordion with a plain tick box inside.
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
    """A row that wraps on narrow pages."""
    try:
        from modules.ui_components import FormRow
    except ImportError:
        return gr.Row()
    return FormRow()


def tool_button(label: str, tooltip: str, elem_id: str) -> Any:
    """A small button with a word on it, hidden until its `visible` is set, in the host's style where it has one."""
    arguments = {"elem_id": elem_id, "elem_classes": ["facerestore-tool"], "visible": False}
    try:
        from modules.ui_components import ToolButton
    except ImportError:
        return gr.Button(label, **arguments)
    return ToolButton(label, tooltip=tooltip, **arguments)


def is_in_page() -> bool:
    """Whether a page is being built just now, so that components can be drawn and connected."""
    from gradio.context import Context

    return Context.root_block is not None


def notify(sentence: str) -> None:
    """A toast in the page of whoever asked; where nobody did, as in an API call, there is no page to show it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what gradio does where there is no page to show it in
        try:
            gr.Warning(html.escape(sentence))  # gradio 4 draws it as HTML, and names may come from a pasted text
        except (LookupError, AttributeError):
            return
