"""Results replace ordinary files alone, and what cannot be written is said before the work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib_facerestore.cli import main
from lib_facerestore.engine.pixels import write_atomically
from lib_facerestore.errors import PictureError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices, pipes and links of POSIX")


def a_link(path: Path) -> Path:
    """To a file that is dear to somebody; gives that file."""
    dear = path.with_name(f"dear-{path.name}")
    dear.write_bytes(b"dear")
    path.symlink_to(dear)
    return dear


def a_link_to_nothing(path: Path) -> Path:
    path.symlink_to(path.with_name("nothing"))
    return path


def a_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def a_folder(path: Path) -> Path:
    (path / "inside").mkdir(parents=True)
    return path / "inside"


def a_link_to_a_device(path: Path) -> Path:
    path.symlink_to(os.devnull)
    return Path(os.devnull)


ODD = [a_link, a_link_to_nothing, a_pipe, a_folder, a_link_to_a_device]


def state(path: Path) -> tuple[object, ...]:
    """Node, kind and target of whatever stands there, not followed."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, os.readlink(path) if path.is_symlink() else ""


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("make", ODD)
def test_only_an_ordinary_file_is_ever_replaced(make, overwrite, tmp_path):
    path = tmp_path / "a.png"
    behind = make(path)
    before = state(path), state(behind)

    with pytest.raises(PictureError, match=r"is a (link|pipe|folder); only an ordinary file is replaced"):
        write_atomically(path, b"new", overwrite)

    assert (state(path), state(behind)) == before
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def pictures(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(np.full((42, 60, 3), 90, np.uint8)).save(folder / name)
    return [folder / name for name in names]


def restore(*words: object) -> int:
    return main(["restore", *map(str, words), "--restorer", "none", "--device", "cpu"])


@pytest.mark.parametrize("name", ["b.png", "b-compare.png", "b-faces"])
@pytest.mark.parametrize("make", [*ODD, None])
def test_an_odd_place_costs_its_own_picture_only(make, name, tmp_path, capsys):
    sources, out = pictures(tmp_path / "p", "a.png", "b.png", "c.png"), tmp_path / "o"
    out.mkdir()
    if make is None:
        (out / name).write_bytes(b"a file" * (name == "b-faces"))
    elif make is not a_folder or name != "b-faces":
        make(out / name)
    else:
        (out / name / "01-after.png").mkdir(parents=True)
    before = state(out / name)
    replaced = make is None and name != "b-faces"

    status = restore(*sources, "-o", out, "--overwrite", "--compare", "--faces")

    assert status == (0 if replaced else 1)
    assert (out / "a.png").is_file()
    assert (out / "c-compare.png").is_file()
    if not replaced:
        assert state(out / name) == before
        assert capsys.readouterr().err.count("\n") == 1
        assert name == "b.png" or not (out / "b.png").exists()


@pytest.mark.parametrize("place", ["file", "/dev/null", "file/below", "/proc", "/proc/new", "zero\0"])
def test_an_output_that_takes_no_files_is_said_before_the_work(place, tmp_path, capsys, monkeypatch):
    (source,) = pictures(tmp_path / "p", "a.png")
    (tmp_path / "file").write_bytes(b"precious")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lib_facerestore.engine.pixels.read", None)  # no picture is read

    status = restore(source, "-o", place)

    assert status == 1
    said = capsys.readouterr().err
    assert said.startswith(place.replace("\0", "\\x00"))
    assert said.count("\n") == 1
    assert (tmp_path / "file").read_bytes() == b"precious"


def test_an_output_that_is_a_link_to_a_folder_is_that_folder(tmp_path):
    (source,) = pictures(tmp_path / "p", "a.png")
    (tmp_path / "real").mkdir()
    (tmp_path / "o").symlink_to(tmp_path / "real")

    assert restore(source, "-o", tmp_path / "o") == 0
    assert (tmp_path / "real/a.png").is_file()
