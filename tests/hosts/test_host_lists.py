"""The host's lists of restorers and upscalers, with fakes of them: what is found, offered, doubled and left alone."""

import sys
import types
from typing import Any

import pytest
from PIL import Image

from lib_facerestore.errors import SettingsError
from lib_facerestore.hosts import base, restorer_list, upscaler_list
from lib_facerestore.hosts.upscaler_list import HostUpscalers, Offered


class Entry:
    """As the hosts' UpscalerData."""

    def __init__(self, name, path, upscaler=None, scale=4, model=None):
        self.name, self.data_path, self.local_data_path, self.scaler, self.scale = name, path, path, upscaler, scale


class Doubling:
    """An upscaler; clears the stop buttons when it begins, as one host does, and notes its calls."""

    def __init__(self, state):
        self.state, self.calls = state, []

    def upscale(self, img, scale, selected_model=None):
        self.state.interrupted = self.state.stopping_generation = False
        self.calls.append((img.size, scale, selected_model))
        return img.resize((int(img.width * scale), int(img.height * scale)))


class Restorer:
    def __init__(self, name, is_ours):
        self._name, self.is_of_facerestore = name, is_ours

    def name(self):
        return self._name

    def restore(self, np_image):
        raise AssertionError("no picture is restored here")


@pytest.fixture
def shared(monkeypatch):
    """The host's shared state, with an empty list of each kind."""
    made: Any = types.ModuleType("modules.shared")
    made.state = types.SimpleNamespace(interrupted=False, stopping_generation=False)
    made.opts = types.SimpleNamespace(data={}, data_labels={})
    made.sd_upscalers, made.face_restorers = [], []
    package: Any = types.ModuleType("modules")
    package.shared = made
    package.upscaler = types.ModuleType("modules.upscaler")
    package.upscaler.UpscalerData = Entry
    for name, module in (("", package), (".shared", made), (".upscaler", package.upscaler)):
        monkeypatch.setitem(sys.modules, f"modules{name}", module)
    return made


@pytest.fixture
def doubling(shared):
    return Doubling(shared.state)


def test_plain_resizes_and_broken_entries_are_not_offered(shared, doubling):
    plain = [Entry(name, None, doubling) for name in ("None", "Lanczos", "Nearest")]
    shared.sd_upscalers = [*plain, Entry("SwinIR 4x", "x", doubling), Entry("Half built", "y"), Entry("LDSR", "z", 7)]

    assert HostUpscalers().names() == ("SwinIR 4x",)


def test_list_is_looked_up_each_time(shared, doubling):
    port = HostUpscalers()
    shared.sd_upscalers = [Entry("One", "1", doubling)]
    before = port.names()
    shared.sd_upscalers = [Entry("Two", "2", doubling)]

    assert (before, port.names()) == (("One",), ("Two",))
    with pytest.raises(SettingsError, match="cannot be 'One': it must be an upscaler that the WebUI has"):
        port.upscale("One", Image.new("RGB", (5, 4)), 2)


def test_upscaler_is_called_with_its_path(shared, doubling):
    shared.sd_upscalers = [Entry("One", "where it is", doubling)]

    made = HostUpscalers().upscale("One", Image.new("RGB", (5, 4)), 2.5)

    assert made.size == (12, 10)
    assert doubling.calls == [((5, 4), 2.5, "where it is")]


def test_what_was_pressed_before_stays_pressed(shared, doubling):
    shared.sd_upscalers = [Entry("One", "1", doubling)]
    shared.state.stopping_generation = True

    HostUpscalers().upscale("One", Image.new("RGB", (5, 4)), 2)

    assert (shared.state.stopping_generation, shared.state.interrupted) == (True, False)


@pytest.mark.parametrize(("noted", "scale"), [(2, 2), (4.0, 4), (1, 4), (None, 4), ("4x", 4)])
def test_factor_that_no_host_can_mean_is_taken_for_four(shared, doubling, noted, scale):
    shared.sd_upscalers = [Entry("One", "1", doubling, scale=noted)]

    assert HostUpscalers().scale("One") == scale


def test_only_a_file_that_is_there_is_a_file(shared, doubling, tmp_path):
    file = tmp_path / "SwinIR.pth"
    file.write_bytes(b"weights")
    fetched = Entry("Fetched", "https://example.org/SwinIR.pth", doubling)
    fetched.local_data_path = str(file)
    shared.sd_upscalers = [fetched, Entry("Absent", "https://example.org/LDSR.pth", doubling)]

    assert HostUpscalers().file("Fetched") == file
    assert HostUpscalers().file("Absent") is None


def test_ports_are_equal_so_that_the_session_stays_warm():
    assert HostUpscalers() == HostUpscalers()
    assert hash(HostUpscalers()) == hash(HostUpscalers())


def test_ours_are_offered_once_and_never_to_ourselves(shared, doubling):
    shared.sd_upscalers = [Entry("Lanczos", None, doubling)]
    ours = [Offered("Face restore: one", "one", 4), Offered("Face restore: two", "two", 2)]

    upscaler_list.offer(ours, doubling)
    upscaler_list.offer(ours, doubling)

    entries = [(entry.name, entry.data_path, entry.scale) for entry in shared.sd_upscalers[1:]]
    assert entries == [("Face restore: one", "one", 4), ("Face restore: two", "two", 2)]
    assert HostUpscalers().names() == ()


def test_list_that_was_made_anew_gets_ours_again(shared, doubling):
    ours = [Offered("Face restore: one", "one", 4)]
    upscaler_list.offer(ours, doubling)
    shared.sd_upscalers = []

    upscaler_list.offer(ours, doubling)

    assert len(shared.sd_upscalers) == 1


def test_restorers_replace_those_of_an_earlier_load(shared):
    host = Restorer("CodeFormer", is_ours=False)
    del host.is_of_facerestore
    shared.face_restorers = kept = [host, Restorer("Face restore", True), Restorer("Face restore: gone", True)]

    restorer_list.put([Restorer("Face restore", True)])

    assert shared.face_restorers is kept
    assert [entry.name() for entry in kept] == ["CodeFormer", "Face restore"]


def test_host_without_the_lists_gets_nothing(shared, doubling):
    del shared.sd_upscalers, shared.face_restorers

    restorer_list.put([Restorer("Face restore", True)])
    upscaler_list.offer([Offered("Face restore: one", "one", 4)], doubling)

    assert HostUpscalers().names() == ()


@pytest.mark.parametrize(
    ("chosen", "restorer"),
    [("CodeFormer", "CodeFormer"), ("GFPGAN", "GFPGAN 1.4"), ("Face restore: GFPGAN 1.3", "GFPGAN 1.3"),
     ("Face restore", ""), ("Somebody's", "")],
)  # fmt: skip
def test_restorer_chosen_in_the_hosts_settings_is_our_first(shared, chosen, restorer):
    shared.opts.data["face_restoration_model"] = chosen

    assert base.first_restorer() == restorer
