"""Our turn in the host's queue: the lock first, the host's state around the body, both let go whatever happens."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lib_facerestore.hosts import queue


class Recorder:
    """Writes down what is called."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def __enter__(self) -> None:
        self.calls.append("locked")

    def __exit__(self, *_: object) -> None:
        self.calls.append("unlocked")

    def begin(self, job: str) -> None:
        self.calls.append(job)

    def end(self) -> None:
        self.calls.append("end")


@pytest.fixture
def host(monkeypatch):
    """Both of the host's modules that take part."""
    recorder = Recorder()
    modules: Any = ModuleType("modules")
    modules.call_queue = SimpleNamespace(queue_lock=recorder)
    modules.shared = SimpleNamespace(state=recorder)
    monkeypatch.setitem(sys.modules, "modules", modules)
    return recorder


def test_job_runs_inside_the_lock(host):
    with queue.turn("ours") as state:
        host.calls.append("body")

    assert state is host
    assert host.calls == ["locked", "ours", "body", "end", "unlocked"]


def test_lock_is_let_go_after_an_error(host):
    with pytest.raises(ValueError, match="broken"), queue.turn("ours"):
        raise ValueError("broken")

    assert host.calls == ["locked", "ours", "end", "unlocked"]
