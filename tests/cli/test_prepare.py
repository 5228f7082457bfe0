"""`facerestore prepare`: what it compiles is kept, counted by doctor, and can be cleared."""

from __future__ import annotations

import pytest

from lib_facerestore.cli import main, prepare
from lib_facerestore.models.adapters import restorers
from lib_facerestore.models.executors import CompiledFiles
from lib_facerestore.runtime import Runtime

EMBEDDED = "Real-ESRGAN x4plus (embedded)"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, and one small input side: the others only take longer."""
    monkeypatch.setenv("FACERESTORE_HOME", str(tmp_path))
    monkeypatch.setattr(restorers, "NATIVE_SIDES_PX", (32,))


def test_a_restorer_is_compiled_compared_kept_counted_and_cleared(capsys):
    assert main(["prepare", EMBEDDED]) == 0

    told, kept = capsys.readouterr().out.splitlines()
    assert told.startswith(f"{EMBEDDED}, 1×3×32×32, OpenVINO: agrees to 1")  # 100 dB and more
    files = CompiledFiles.in_cache(Runtime().cache_folder)
    count, size = files.count()
    assert count == 1
    assert kept == f"{files.folder}: 1 compiled networks, {size / 1e6:.0f} MB"

    assert main(["doctor"]) == 0
    assert f"· 1 compiled networks, {size / 1e6:.0f} MB" in capsys.readouterr().out

    assert main(["prepare", "--clear"]) == 0
    assert capsys.readouterr().out == f"1 compiled networks were removed from {files.folder}\n"
    assert files.count() == (0, 0)


def test_without_openvino_it_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setattr(prepare, "openvino_version", lambda: "")

    assert main(["prepare"]) == 1
    assert "OpenVINO is not installed; networks run in torch. Install it with: " in capsys.readouterr().err


def test_torch_alone_has_nothing_to_compile(capsys):
    assert main(["prepare", EMBEDDED, "--executor", "torch"]) == 0
    assert capsys.readouterr().out.startswith(f"{EMBEDDED}: nothing to compile on cpu\n")


def test_an_unknown_restorer_is_wrong_use(capsys):
    assert main(["prepare", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_a_failure_of_one_does_not_stop_the_others(capsys):
    assert main(["prepare", "GFPGAN 1.4", EMBEDDED]) == 1

    said = capsys.readouterr()
    assert "GFPGANv1.4.pth are missing" in said.err
    assert said.out.startswith(f"{EMBEDDED}, 1×3×32×32, OpenVINO: ")
