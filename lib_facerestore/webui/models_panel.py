"""Below our options in the Settings: fetch models with progress, and look whether everything is in order."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from lib_facerestore.errors import Interrupted
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.spec import ModelSpec
from lib_facerestore.webui import compat, options, warm_session
from lib_facerestore.webui.border import guarded

# What belongs together, by the name that the list shows; every other row of the catalogue can be fetched alone.
_TOGETHER = {
    "CodeFormer, with detector and parser": ("CodeFormer", *catalogue.STOCK_HELPERS),
    "GFPGAN 1.4, with detector and parser": ("GFPGAN 1.4", *catalogue.STOCK_HELPERS),
    "Real-ESRGAN general-x4v3, with its twin": ("Real-ESRGAN general-x4v3", "Real-ESRGAN general-wdn-x4v3"),
}
_POLL_S = 0.3


class _Fetching(threading.Thread):
    """One press of the button. lines: what to show; the last one changes while a file comes in.

    A thread of its own, because a page that is closed must not end it half-way.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(name="facerestore fetch", daemon=True)
        self.names, self.lines, self.is_stopped = names, list[str](), False

    def run(self) -> None:
        """Fetch one file after the other; one that fails does not keep the others back."""
        runtime = warm_session.runtime(downloads_allowed=True)
        for spec in _official():
            if spec.name not in self.names:
                continue
            self.lines.append(f"{spec.name}: asking for it")
            with guarded(f"fetching {spec.name}", lambda sentence: self.lines.__setitem__(-1, sentence)):
                found = weights.need_whole(spec, runtime, self._progress, self._check)
                self.lines[-1] = f"{spec.name}: {found.path} {found.notice}".rstrip()
            if self.is_stopped:
                return

    def _progress(self, done: int, total: int) -> None:
        name = self.lines[-1].split(":")[0]
        of_all = f" of {total / 1e6:.0f} MB, {100 * done / total:.0f} %" if total else " MB"
        self.lines[-1] = f"{name}: {done / 1e6:.0f}{of_all}"

    def _check(self) -> None:
        if self.is_stopped:
            raise Interrupted


_running: _Fetching | None = None


def after_component(component: Any, **arguments: Any) -> None:
    """Draw the panel below our last option, while the host builds its Settings."""
    is_last = arguments.get("elem_id") == f"setting_{options.OPTIONS[-1].key}"
    # Forge makes one more of each setting that belongs to no page.
    if is_last and compat.is_in_page():
        with guarded("drawing the models panel", lambda sentence: None):
            _draw()


def fetch(name: str) -> Iterator[str]:
    """Fetch what was chosen; yields the panel's text while it comes in."""
    global _running
    if _running is not None and _running.is_alive():
        yield _shown(["Something is being fetched already."])
        return
    fetching = _running = _Fetching(_TOGETHER.get(name, (name,)))
    fetching.start()
    while fetching.is_alive():
        yield _shown(fetching.lines)
        fetching.join(_POLL_S)
    yield _shown(fetching.lines)


def stop() -> None:
    """Stop the fetching; what has come in is kept, and the next press goes on from there."""
    if _running is not None:
        _running.is_stopped = True


def examine() -> str:
    """The panel's text about everything that is here, missing or damaged."""
    from lib_facerestore.models import doctor

    lines: list[str] = []
    with guarded("looking at everything", lines.append):
        found = doctor.examine(warm_session.runtime())
        lines += [*(f"To do: {problem}" for problem in found.problems), *found.lines]
        if not found.problems:
            lines.insert(0, "Everything that is needed is here.")
    return _shown(lines)


def _draw() -> None:
    official = [spec.name for spec in _official()]
    names = [*(title for title, parts in _TOGETHER.items() if set(parts) <= set(official)), *official]
    with gr.Row(elem_id="facerestore_models"):
        chosen = gr.Dropdown(names, value=names[0], label="Official models", elem_id="facerestore_fetch_name", scale=2)
        start = gr.Button("Fetch models", elem_id="facerestore_fetch")
        halt = gr.Button("Stop", elem_id="facerestore_fetch_stop")
        look = gr.Button("Check everything", elem_id="facerestore_examine")
    text = gr.HTML("", elem_id="facerestore_models_status", elem_classes=["facerestore-status"])
    for component in (chosen, start, halt, look, text):
        component.do_not_save_to_config = True
    start.click(fn=fetch, inputs=[chosen], outputs=[text])
    halt.click(fn=stop, inputs=[], outputs=[], queue=False)
    look.click(fn=examine, inputs=[], outputs=[text])


def _official() -> list[ModelSpec]:
    """The models that can be fetched, as the licence mode shows them."""
    return [spec for spec in weights.available(warm_session.runtime()) if spec.remote is not None]


def _shown(lines: list[str]) -> str:
    """Lines as HTML, with nothing in them that a page would take for its own."""
    return "<pre>" + "\n".join(html.escape(line) for line in lines) + "</pre>"
