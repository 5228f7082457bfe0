"""The host's queue, which lets one job at a time use its device, whether a page or an API caller started it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def turn(job: str) -> Iterator[Any]:
    """Wait until the host's queue is free, and hold it while the body runs; yields the host's `shared.state`.

    job: the name of the job that the host shows. Do not use this in a callback of a host's job: that job holds the
    queue already, and the lock is not re-entrant, so the callback would wait for ever.
    """
    from modules import call_queue, shared

    with call_queue.queue_lock:
        shared.state.begin(job)
        try:
            yield shared.state
        finally:
            shared.state.end()
