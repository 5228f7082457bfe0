"""The host's queue: one job at a time on its device, pages' and callers' alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def turn(job: str) -> Iterator[Any]:
    """Wait for our turn, then hold the host's queue while the body runs; yields the host's state of the job.

    Never inside a hook: the job that called it holds the queue, and the lock lets nobody in twice.
    """
    from modules import call_queue, shared

    with call_queue.queue_lock:
        shared.state.begin(job)
        try:
            yield shared.state
        finally:
            shared.state.end()
