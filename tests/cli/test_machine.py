"""What the command line sets for its own process, which a host's process decides for itself."""

import os

import pytest

from lib_facerestore.cli import main


@pytest.mark.parametrize(("before", "after"), [(None, "2"), ("1", "1")])
def test_rocm_takes_the_quick_way_unless_the_user_chose_one(monkeypatch, capsys, before, after):
    monkeypatch.setenv("MIOPEN_FIND_MODE", before or "")
    if before is None:
        monkeypatch.delenv("MIOPEN_FIND_MODE")

    assert main(["models", "--markdown"]) == 0

    assert os.environ["MIOPEN_FIND_MODE"] == after
