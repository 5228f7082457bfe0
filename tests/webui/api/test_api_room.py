"""How often a request of the API asks the host for room on the device, on a host of fakes. Needs no host."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import types

import pytest
from PIL import Image

from helpers.support import CountingMemory, smooth_noise
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import warm_session

COUNT = 3


@pytest.fixture
def memory(fake_host, monkeypatch) -> CountingMemory:
    """The host's memory; its queue gives every picture a turn, and its page library is only a name."""
    counting = CountingMemory()
    monkeypatch.setattr(warm_session, "_memory_port", lambda: counting)
    monkeypatch.setitem(sys.modules, "gradio", types.ModuleType("gradio"))
    queue = importlib.import_module("lib_facerestore.hosts.queue")
    monkeypatch.setattr(queue, "turn", lambda job: contextlib.nullcontext(fake_host.state))
    return counting


@pytest.mark.parametrize(("route", "settings"), [
    ("restored", {"upscaler": "Real-ESRGAN animevideov3 (embedded)", "scale": 2.0}),
    ("looked_at", {}),
])  # fmt: skip
def test_a_request_asks_before_each_picture_because_others_have_their_turn_in_between(memory, route, settings):
    work = importlib.import_module("lib_facerestore.webui.api.work")
    requests = importlib.import_module("lib_facerestore.webui.api.requests")
    files = []
    for seed in range(COUNT):
        files.append(io.BytesIO())
        Image.fromarray(smooth_noise(60, 83, seed)).save(files[-1], "PNG")
    asked = requests.PicturesRequest(
        tuple(file.getvalue() for file in files), RestoreSettings(restorer="none", **settings), (), "png", 0
    )

    answers = list(getattr(work, route)(asked))

    assert [answer["error"] for answer in answers] == [None] * COUNT
    assert memory.calls == ["room on cpu", "released"] * COUNT
