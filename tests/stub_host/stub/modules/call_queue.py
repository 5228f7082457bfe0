"""One job at a time, in the order of asking; wraps the page's functions with lock, state, errors and time."""

from __future__ import annotations

import html
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import wraps

from modules import errors, host_kind, progress, shared


class FIFOLock:
    """A lock that serves waiters in order. Not re-entrant."""

    def __init__(self):
        self._lock = threading.Lock()
        self._inner = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, blocking: bool = True) -> bool:
        with self._inner:
            if self._lock.acquire(blocking=False):
                return True
            if not blocking:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        return True  # handed over without being freed

    def release(self) -> None:
        with self._inner:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._lock.release()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


queue_lock = FIFOLock()


def wrap_queued_call(func: Callable) -> Callable:
    """With the lock."""

    @wraps(func)
    def locked(*args, **kwargs):
        with queue_lock:
            return func(*args, **kwargs)

    return locked


def wrap_gradio_gpu_call(func: Callable, extra_outputs: list | None = None) -> Callable:
    """With lock, job state, task of the progress bar, errors as text, and "Time taken"."""

    @wraps(func)
    def job(*args, **kwargs):
        first = args[0] if args else None
        is_task = isinstance(first, str) and first.startswith("task(") and first.endswith(")")
        id_task = first if is_task else None
        if id_task is not None:
            progress.add_task_to_queue(id_task)
        with queue_lock:
            shared.state.begin(job=id_task)
            progress.start_task(id_task)
            try:
                return func(*args, **kwargs)
            finally:
                progress.finish_task(id_task)
                shared.state.end()

    return wrap_gradio_call(job, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(func: Callable, extra_outputs: list | None = None, add_stats: bool = False) -> Callable:
    """As wrap_gradio_call_no_job; afterwards no job runs and none is interrupted."""

    @wraps(func)
    def with_end(*args, **kwargs):
        try:
            return func(*args, **kwargs)
        finally:
            state = shared.state
            state.skipped = state.interrupted = False
            if hasattr(state, "stopping_generation"):
                state.stopping_generation = False
            state.job_count = 0
            state.job = ""

    return wrap_gradio_call_no_job(with_end, extra_outputs, add_stats)


def _error_of_main_thread() -> BaseException | None:
    if not host_kind.is_forge_family():
        return None
    from modules_forge import main_thread

    return main_thread.last_exception


def wrap_gradio_call_no_job(func: Callable, extra_outputs: list | None = None, add_stats: bool = False) -> Callable:
    """An exception becomes `Class: text` in the last output, after extra_outputs."""

    @wraps(func)
    def call(*args, **kwargs):
        started = time.perf_counter()
        try:
            result = func(*args, **kwargs)
            if result is None:
                raise _error_of_main_thread() or TypeError("'NoneType' object is not iterable")
            result = list(result)
        except Exception as error:
            errors.report("Error completing request", exc_info=True)
            before = [None, ""] if extra_outputs is None else list(extra_outputs)
            result = [*before, f"<div class='error'>{html.escape(f'{type(error).__name__}: {error}')}</div>"]
        if add_stats:
            seconds = time.perf_counter() - started
            result[-1] += (
                "<div class='performance'><p class='time'>Time taken: <wbr>"
                f"<span class='measurement'>{seconds:.1f} sec.</span></p></div>"
            )
        return tuple(result)

    return call
