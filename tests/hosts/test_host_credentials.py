"""Who may use our routes, by the flags of hosts that differ. The hosts' modules are fakes."""

import sys
import types
from typing import Any

import pytest

from lib_facerestore.hosts import credentials


@pytest.fixture
def start(monkeypatch):
    """Gives the host these flags."""

    def with_flags(**flags):
        parent: Any = types.ModuleType("modules")
        shared: Any = types.ModuleType("modules.shared")
        parent.shared, shared.cmd_opts = shared, types.SimpleNamespace(**flags)
        monkeypatch.setitem(sys.modules, "modules", parent)
        monkeypatch.setitem(sys.modules, "modules.shared", shared)

    return with_flags


@pytest.mark.parametrize(
    ("flags", "pairs"),
    [
        ({"api_auth": "ann:secret, bob:Geheim"}, ["ann:secret", "bob:Geheim"]),
        ({"auth": 'ann:secret,"bob: Ge:heim"'}, ["ann:secret", "bob:Ge:heim"]),
        ({"api_auth": "ann:secret", "auth": "bob:Geheim"}, ["ann:secret"]),
        ({"auth": "ann"}, []),
        ({"auth": True}, []),
    ],
)
def test_those_who_are_named_are_let_in(start, flags, pairs):
    start(**flags)

    assert credentials.are_wanted()
    assert credentials.pairs() == pairs


def test_file_of_the_page_is_read_beside_its_flag(start, tmp_path):
    file = tmp_path / "users"
    file.write_text('eve:a, b\n\n"zoe:c"\n')
    start(auth="ann:secret", auth_file=str(file))

    assert credentials.pairs() == ["ann:secret", "eve:a, b", "zoe:c"]


@pytest.mark.parametrize("flags", [{}, {"auth": None, "api_auth": None}, {"gradio_auth": "ann:secret"}])
def test_api_that_the_host_leaves_open_stays_open(start, flags):
    start(**flags)

    assert not credentials.are_wanted()
