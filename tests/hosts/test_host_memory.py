"""Room on the device: which host's way is taken, and what is asked of it. The hosts' modules are fakes."""

import sys
import types

import pytest

from lib_facerestore.hosts.a1111 import A1111Memory
from lib_facerestore.hosts.forge import ForgeMemory
from lib_facerestore.hosts.memory import memory_port


def module(monkeypatch, name, **members):
    """A module of that name, with its parents, for as long as the test lasts."""
    made = types.ModuleType(name)
    for member, value in members.items():
        setattr(made, member, value)
    monkeypatch.setitem(sys.modules, name, made)
    parent, _, child = name.rpartition(".")
    if parent:
        if parent not in sys.modules:
            module(monkeypatch, parent, __path__=[])
        monkeypatch.setattr(sys.modules[parent], child, made, raising=False)
    return made


@pytest.fixture
def asked():
    return []


@pytest.fixture
def a1111(monkeypatch, asked):
    module(monkeypatch, "modules.devices", torch_gc=lambda: asked.append("torch_gc"))
    module(monkeypatch, "modules.shared", sd_model="the model")
    return module(
        monkeypatch,
        "modules.lowvram",
        is_enabled=lambda model: model == "the model",
        send_everything_to_cpu=lambda: asked.append("to cpu"),
    )


@pytest.mark.parametrize("name", ["backend.memory_management", "ldm_patched.modules.model_management"])
def test_forge_family_is_asked_for_room_on_the_device(monkeypatch, asked, name):
    module(
        monkeypatch,
        name,
        free_memory=lambda size, device: asked.append((size, str(device))),
        soft_empty_cache=lambda: asked.append("emptied"),
    )

    port = memory_port()
    port.make_room(4 << 30, "cuda:0")
    port.released()

    assert isinstance(port, ForgeMemory)
    assert asked == [(4 << 30, "cuda:0"), "emptied"]


def test_forge_keeps_its_models_when_we_run_on_the_cpu(asked):
    manager = types.SimpleNamespace(free_memory=lambda size, device: asked.append(size))

    ForgeMemory(manager).make_room(4 << 30, "cpu")

    assert asked == []


def test_a1111_is_taken_where_no_manager_is(a1111):
    assert isinstance(memory_port(), A1111Memory)


def test_a1111_sends_its_model_away_under_medvram(a1111, asked):
    A1111Memory().make_room(4 << 30, "cuda:0")
    A1111Memory().released()

    assert asked == ["to cpu", "torch_gc", "torch_gc"]


def test_a1111_keeps_its_model_without_medvram(a1111, asked):
    a1111.is_enabled = lambda model: False

    A1111Memory().make_room(4 << 30, "cuda:0")

    assert asked == ["torch_gc"]


def test_a1111_keeps_its_model_when_we_run_on_the_cpu(a1111, asked):
    A1111Memory().make_room(4 << 30, "cpu")

    assert asked == []
