"""Official models in the background, one press at a time: for the Settings page and for the API. Draws nothing."""

from __future__ import annotations

import threading

from lib_facerestore.errors import Interrupted
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.webui import warm_session
from lib_facerestore.webui.border import guarded

# What belongs together, by the name that lists show; every other row of the catalogue can be fetched alone.
TOGETHER = {
    "CodeFormer, with detector and parser": ("CodeFormer", *catalogue.STOCK_HELPERS),
    "GFPGAN 1.4, with detector and parser": ("GFPGAN 1.4", *catalogue.STOCK_HELPERS),
    "Real-ESRGAN general-x4v3, with its denoise partner": ("Real-ESRGAN general-x4v3", "Real-ESRGAN general-wdn-x4v3"),
}


class Fetching(threading.Thread):
    """One press of the button. lines: what to show; the last one changes while a file comes in.

    A thread of its own, because a page that is closed must not end it half-way. bytes: (so far, in all) of the file
    that comes in just now, 0 in all where that is unknown.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(name="facerestore fetch", daemon=True)
        self.names, self.lines, self.is_stopped = names, list[str](), False
        self.bytes = (0, 0)

    def run(self) -> None:
        """Fetch one file after the other; one that fails does not keep the others back."""
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
        """Whether it runs, what to show, and its bytes; of one that has ended always the last word."""
        is_running = self.is_alive()  # asked first: it may end between this line and the next
        return is_running, list(self.lines), self.bytes

    def _progress(self, done: int, total: int) -> None:
        self.bytes = (done, total)
        name = self.lines[-1].split(":")[0]
        of_all = f" of {total / 1e6:.0f} MB, {100 * done / total:.0f} %" if total else " MB"
        self.lines[-1] = f"{name}: {done / 1e6:.0f}{of_all}"

    def _check(self) -> None:
        if self.is_stopped:
            raise Interrupted


_lock = threading.Lock()
_last: Fetching | None = None


def start(names: tuple[str, ...]) -> Fetching | None:
    """Begin to fetch; None where something is being fetched already."""
    global _last
    with _lock:
        if _last is not None and _last.is_alive():
            return None
        _last = Fetching(names)
        _last.start()
        return _last


def stop() -> None:
    """Stop the fetching; what has come in is kept, and the next press goes on from there."""
    if _last is not None:
        _last.is_stopped = True


def last() -> Fetching | None:
    """The fetching that was begun last, whether it still runs or not; None before the first one."""
    return _last


def official() -> list[ModelSpec]:
    """The models that can be fetched, as the licence mode shows them."""
    return [spec for spec in weights.available(warm_session.runtime()) if spec.remote is not None]


def together() -> dict[str, tuple[str, ...]]:
    """Names of models that belong together and can all be fetched, by the name that stands for them."""
    names = {spec.name for spec in official()}
    return {title: parts for title, parts in TOGETHER.items() if set(parts) <= names}
