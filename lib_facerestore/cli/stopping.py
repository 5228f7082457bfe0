"""Signals that ask the command to stop. Nothing is left half-written: files are finished or dropped first.

Imports next to nothing, because signals have to be heard before the slow imports begin.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False  # typing takes milliseconds to import, and no signal is heard until then
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any, NoReturn

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
# `timeout` and closing a terminal send the same signal twice, to the process and to its group: that is one wish.
_SAME_WISH_S = 0.1
_EXIT_BASE = 128


class Stopped(KeyboardInterrupt):
    """Raised wherever the command is when a signal arrives, unless it is writing files."""


class _Held:
    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def __enter__(self) -> None:
        self._stop.is_held = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.is_held = False
        if error is None:
            self._stop.check()


class Stop:
    """Hears SIGINT, SIGTERM and SIGHUP while it is entered; a signal that the parent has ignored stays ignored.

    The first signal raises Stopped, at once or when the files in hand are written; the next one ends the process.
    It raises between `listen` and `finish` only, where the caller can catch it.
    ends_process: whether the process ends after the work, so that a signal meanwhile has nothing left to stop.
    """

    def __init__(self, ends_process: bool = False) -> None:
        self.number: int | None = None
        self.so_far = ""
        """A sentence on what is finished and stays."""
        self.clean_up: Callable[[], None] = lambda: None
        """What the second signal does before it ends the process."""
        self._ends_process = ends_process
        self.is_held, self._is_over = True, False
        self._heard_at = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._hide_stopped
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                try:
                    self._before[number] = signal.signal(number, self._hear)
                except ValueError:  # only the main thread can hear signals
                    break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._ends_process else before)
        sys.unraisablehook = self._unraisable

    @property
    def exit_status(self) -> int:
        """What a shell gives a process that a signal has ended: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return _EXIT_BASE + (self.number or signal.SIGINT)

    @property
    def name(self) -> str:
        """The name of the signal that was heard."""
        return signal.Signals(self.number or signal.SIGINT).name

    def check(self) -> None:
        """Raises: Stopped after a signal."""
        if self.number is not None:
            raise Stopped

    def listen(self) -> None:
        """Raises: Stopped, from here on: also for a signal that came before."""
        self.is_held = False
        self.check()

    def finish(self) -> None:
        """Nothing is left to stop: later signals are not heard. Raises: Stopped for one that came before."""
        self.check()
        self._is_over = True

    def held(self) -> _Held:
        """A context whose body runs to its end whatever signal arrives.

        Leaving it raises Stopped when a signal arrived meanwhile.
        """
        return _Held(self)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._is_over or (self.number == number and now - self._heard_at < _SAME_WISH_S):
            return
        if self.number is not None:
            self._end_at_once(number, "\nEnded at once.")
        self.number, self._heard_at = number, now
        if self._ends_process and _is_importing_torch():
            self._end_at_once(number, f"Stopped by {self.name}.")
        if not self.is_held:
            raise Stopped

    def _end_at_once(self, number: int, sentence: str) -> NoReturn:
        self.clean_up()
        try:  # noqa: SIM105  contextlib takes milliseconds to import, like typing
            os.write(2, f"{sentence} {self.so_far}".rstrip(" ").encode("ascii", "backslashreplace") + b"\n")
        except OSError:
            pass  # nobody reads it
        os._exit(_EXIT_BASE + number)

    def _hide_stopped(self, what: Any) -> None:
        """Python prints what is raised where nobody can catch it, as in a finaliser; `check` raises ours again."""
        if not issubclass(what.exc_type, Stopped):
            self._unraisable(what)


def _is_importing_torch() -> bool:
    """Whether torch is half imported: its C++ calls Python then, and an exception from there can abort the process.

    No file is being written meanwhile, so that the process can end at once.
    """
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
