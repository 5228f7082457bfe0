"""Runs txt2img and img2img of the page in the process's main thread, as Forge does."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future

_waiting: queue.Queue = queue.Queue()
last_exception: BaseException | None = None


def run_and_wait_result(func: Callable, *args: object, **kwargs: object) -> object:
    """Hand over and wait. The result is None when it raised; the caller looks at last_exception."""
    future: Future = Future()
    _waiting.put((future, func, args, kwargs))
    return future.result()


def loop_once(timeout: float) -> None:
    """Do one waiting call, if one comes in time."""
    global last_exception
    try:
        future, func, args, kwargs = _waiting.get(timeout=timeout)
    except queue.Empty:
        return
    result = None
    last_exception = None
    try:
        result = func(*args, **kwargs)
    except Exception as error:
        last_exception = error
    future.set_result(result)
