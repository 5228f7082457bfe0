"""Who may use the warm networks: one run at a time. Knows neither networks nor what a run does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Turns(Generic[Key]):
    """Gives one thread at a time the turn; a run of that thread may begin another one inside.

    A run steps aside while code of others works for it, because that code may start runs of ours, in its own thread or
    in another one, and wait for them. The networks of a run that waits are known meanwhile, so that they stay.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner = 0
        # The networks of each run of the thread that has the turn, the outer runs first; and of threads that stepped
        # aside.
        self._runs: list[set[Key]] = []
        self._aside: list[list[set[Key]]] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other thread has the turn, then hold it for one run."""
        with self._lock:
            self._owner = threading.get_ident()
            self._runs.append(set())
            try:
                yield
            finally:
                self._runs.pop()
                if not self._runs:
                    self._owner = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have the turn during the body, then wait for it; does nothing in a thread without the turn."""
        if not self._is_mine():
            yield
            return
        runs, self._runs, self._owner = self._runs, [], 0
        self._aside.append(runs)
        for _ in runs:
            self._lock.release()
        try:
            yield
        finally:
            for _ in runs:
                self._lock.acquire()
            # By identity: another thread's runs may need the same networks.
            self._aside = [others for others in self._aside if others is not runs]
            self._runs, self._owner = runs, threading.get_ident()

    def note(self, key: Key) -> None:
        """The run that has the turn uses this network, to its end."""
        if self._is_mine():
            self._runs[-1].add(key)

    @property
    def needed(self) -> set[Key]:
        """The networks that runs which wait for the present one go on with."""
        waiting = self._runs[:-1] if self._is_mine() else self._runs
        return set().union(*waiting, *(run for runs in self._aside for run in runs))

    def _is_mine(self) -> bool:
        return self._owner == threading.get_ident()
