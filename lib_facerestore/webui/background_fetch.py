"""Fetch official models in a thread, one request at a time, for the Settings page and the API. Draws nothing."""

from __future__ import annotations

import threading

from lib_facerestore.errors import Interrupted
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.webui import warm_session
from lib_facerestore.webui.border import guarded

# Name in the list of what can be fetched → models that belong together. All models can also be fetched alone.
TOGETHER = {
    "CodeFormer, with detector and parser": ("CodeFormer", *catalogue.STOCK_HELPERS),
    "GFPGAN 1.4, with detector and parser": ("GFPGAN 1.4", *catalogue.STOCK_HELPERS),
    "Real-ESRGAN general-x4v3, with its denoise partner": ("Real-ESRGAN general-x4v3", "Real-ESRGAN general-wdn-x4v3"),
}


class Fetching(threading.Thread):
    """Fetches the models of one request. It is a thread, so that it goes on when the user closes the page."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """names: of the models to fetch."""
        super().__init__(name="facerestore fetch", daemon=True)
        self.names = names
        self.lines: list[str] = []
        """One for each file that was begun, for the user; the last one changes while its file comes in."""
        self.is_stopped = False
        """Set by `stop`; the running transfer ends soon after."""
        self.bytes = (0, 0)
        """Of the present file what has come in, and its size, 0 where that is not known."""

    def run(self) -> None:
        """Fetch one file after the other. Where one fails its line says why, and the next one is begun."""
        runtime = warm_session.runtime(downloads_allowed=True)
        for spec in official():
            if spec.name not in self.names:
                continue
            self.bytes = (0, 0)
            self.lines.append(f"{spec.name}: asking for it")
            with guarded(f"fetching {spec.name}", lambda sentence: self.lines.__setitem__(-1, sentence)):
                found = weights.resolve_verified(spec, runtime, self._progress, self._check)
                self.lines[-1] = f"{spec.name}: {found.path} {found.notice}".rstrip()
            if self.is_stopped:
                return

    def so_far(self) -> tuple[bool, list[str], tuple[int, int]]:
        """Return whether the thread runs, its lines and its bytes; of a thread that has ended the final ones."""
        is_running = self.is_alive()  # read first: a thread found ended has written its final lines
        return is_running, list(self.lines), self.bytes

    def _progress(self, done: int, total: int) -> None:
        """Note how many bytes of the present file have come in. total: its size; 0 where that is not known."""
        self.bytes = (done, total)
        name = self.lines[-1].split(":")[0]
        of_all = f" of {total / 1e6:.0f} MB, {100 * done / total:.0f} %" if total else " MB"
        self.lines[-1] = f"{name}: {done / 1e6:.0f}{of_all}"

    def _check(self) -> None:
        """Raises: Interrupted after `stop`."""
        if self.is_stopped:
            raise Interrupted


_lock = threading.Lock()
_last: Fetching | None = None


def start(names: tuple[str, ...]) -> Fetching | None:
    """Begin to fetch the models of those names and return the thread; None where another one still runs."""
    global _last
    with _lock:
        if _last is not None and _last.is_alive():
            return None
        _last = Fetching(names)
        _last.start()
        return _last


def stop() -> None:
    """Stop the thread that runs. What has come in is kept, and fetching the same file again continues there."""
    if _last is not None:
        _last.is_stopped = True


def last() -> Fetching | None:
    """Return the thread that was begun last, whether it still runs or not; None before the first."""
    return _last


def official() -> list[ModelSpec]:
    """Return the models that have an official address, without those that the option "licence" hides."""
    return [spec for spec in weights.available(warm_session.runtime()) if spec.remote is not None]


def together() -> dict[str, tuple[str, ...]]:
    """Return the part of TOGETHER whose models can all be fetched."""
    names = {spec.name for spec in official()}
    return {title: parts for title, parts in TOGETHER.items() if set(parts) <= names}
