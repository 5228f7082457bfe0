"""The console as the command line sees it: one that is closed, full or knows few letters does not disturb the work.

Imports next to nothing, because files opened before it is entered could get the number of a closed stream.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

# Fits the buffers of a stream, so that what a busy pipe does not take at once is kept there and not lost.
_PIECE_CHARACTERS = 1024
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_ENDS = (0x2028, 0x2029)


# Python stands the second ones for the bytes of a file name that are no UTF-8.
SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}
SURROGATES |= {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)}
# What a terminal would obey, or show in another order than it stands.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*_BIDI, *_LINE_ENDS)}
_IN_A_LINE = SURROGATES | _CONTROLS | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
_IN_A_TEXT = {code: text for code, text in _IN_A_LINE.items() if chr(code) not in "\n\t"}


def one_line(text: object) -> str:
    """The text with every control character, line end and change of direction written as an escape."""
    return str(text).translate(_IN_A_LINE)


def say(*lines: object, stream: TextIO | None = None) -> None:
    """Print the lines to stdout or another stream, all but the first indented; none becomes two, whatever it holds."""
    stream = stream or sys.stdout
    stream.write("\n  ".join(one_line(line) for line in lines) + "\n")


def complain(*lines: object) -> None:
    """`say` to stderr."""
    say(*lines, stream=sys.stderr)


class Console:
    """A text stream that never raises: letters it lacks and controls are escaped, and once broken it drops the rest."""

    def __init__(self, stream: TextIO, is_broken: bool = False) -> None:
        self._stream, self.is_broken = stream, is_broken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:
        """The stream's own, UTF-8 where it has none."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        try:
            return not self.is_broken and self._stream.isatty()
        except (OSError, ValueError):  # ValueError: it is closed
            return False

    def write(self, text: str) -> int:
        """Print the text now; gives its length, like every stream."""
        shown = self._shown(text)
        for start in range(0, len(shown), _PIECE_CHARACTERS):
            self._put(shown[start : start + _PIECE_CHARACTERS])
        return len(text)

    def flush(self) -> None:
        """Print what is still waiting."""
        self._put("")

    def _shown(self, text: str) -> str:
        """A carriage return at either end is a progress bar's; inside a text it would hide what stands before it."""
        start = "\r" if text.startswith("\r") else ""
        end = "\r" if text.endswith("\r") and len(text) > 1 else ""
        inner = text[len(start) : len(text) - len(end)]
        shown = start + inner.translate(_IN_A_TEXT) + end
        return shown.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _put(self, text: str) -> None:
        if self.is_broken:
            return
        try:
            with contextlib.suppress(BlockingIOError):  # it lies in the stream's buffer
                self._stream.write(text)
            self._wait_and_flush()
        except (OSError, ValueError):  # ValueError: it is closed
            self._give_up()

    def _wait_and_flush(self) -> None:
        """A pipe that its other end made non-blocking is waited for, like any other one."""
        while True:
            try:
                return self._stream.flush()
            except BlockingIOError:
                select.select([], [self._stream], [])

    def _give_up(self) -> None:
        """Lead the stream's file to the null device; else what waits in its buffer would raise when Python ends."""
        self.is_broken = True
        with contextlib.suppress(OSError, ValueError):  # it has no file, or none that is open
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


def hold_closed_descriptors() -> frozenset[int]:
    """Open the null device for each of stdin, stdout and stderr that is closed, and give their numbers.

    The next file that is opened would get the number, and what is printed would go into it.
    """
    closed = set()
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            os.set_inheritable(number, True)  # else a child process would meet the same trap
    return frozenset(closed)


@contextlib.contextmanager
def whole_console() -> Iterator[None]:
    """Inside, sys.stdout and sys.stderr never raise, whatever they are."""
    closed = hold_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _console(before[0], 1, closed), _console(before[1], 2, closed)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _console(stream: TextIO | None, number: int, closed: frozenset[int]) -> TextIO:
    """The stream made safe. Python gives none for a descriptor that was closed when it started."""
    is_broken = stream is None or number in closed
    return cast(TextIO, Console(stream or os.fdopen(number, "w", encoding="utf-8", closefd=False), is_broken))
