"""How far a run is, shown on a terminal: pictures, and inside one its faces and tiles."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, TextIO

from lib_facerestore.cli.console import one_line
from lib_facerestore.cli.stopping import Stop
from lib_facerestore.errors import Interrupted

# Tiles of a small network take milliseconds; a bar drawn for each would take longer.
_DRAWN_EVERY_S = 0.1
# For a terminal that does not know its size, as over a serial line or in some containers; tqdm would draw nothing.
_USUAL_COLUMNS = 80


class Bar:
    """A progress bar, and the engine's `Progress`. Draws nothing where stderr is no terminal."""

    def __init__(self, pictures: int, stop: Stop) -> None:
        self._stop = stop
        self._bar: Any = None
        self._drawn_at = 0.0
        if sys.stderr.isatty():
            from tqdm import tqdm

            # One line without nested bars, which would need a terminal that can move its cursor up.
            width = {"dynamic_ncols": True} if _has_width() else {"ncols": _USUAL_COLUMNS}
            self._bar = tqdm(total=pictures, unit="picture", file=sys.stderr, **width)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def check(self) -> None:
        """Raises: Interrupted after a signal."""
        if self._stop.number is not None:
            raise Interrupted

    def step(self, done: int, total: int, what: str) -> None:
        """Show `done` of `total` units of `what` beside the pictures."""
        now = time.monotonic()
        if self._bar is not None and (done == total or now - self._drawn_at >= _DRAWN_EVERY_S):
            self._drawn_at = now
            self._bar.set_postfix_str(f"{what} {done}/{total}")

    def picture_done(self) -> None:
        """One more picture is finished, whatever became of it."""
        if self._bar is not None:
            self._bar.set_postfix_str("", refresh=False)
            self._bar.update()

    def say(self, *lines: object, stream: TextIO) -> None:
        """`console.say` in lines that the bar does not tear apart."""
        text = "\n  ".join(map(one_line, lines)) + "\n"
        if self._bar is None:
            stream.write(text)
        else:
            self._bar.write(text, file=stream, end="")


def _has_width() -> bool:
    """Whether the terminal of stderr knows how wide it is."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except OSError:
        return False
