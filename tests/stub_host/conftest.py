"""A running stub of each kind for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from stub_host import environments
from stub_host.process import StubHost

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module", params=environments.FOR_ALL_TESTS)
def stub(request, tmp_path_factory):
    """A stub with the probe, shared by the tests of a file."""
    folder = tmp_path_factory.mktemp(request.param)
    with StubHost(request.param, folder, {"probe": HERE / "probe_extension"}, "--probe-word", "said") as host:
        yield host


@pytest.fixture
def is_forge(stub) -> bool:
    """Whether the running stub is Forge-like."""
    return stub.kind == "gradio4"
