"""Where the host keeps models and how its writer is called, on hosts that differ. The hosts' modules are fakes."""

import os
import sys
import types

import pytest
from PIL import Image

from lib_facerestore.errors import PictureError
from lib_facerestore.hosts import base, files


def module(monkeypatch, name, **members):
    """A module of `modules` with these members, for as long as the test lasts."""
    parent = sys.modules.get("modules") or types.ModuleType("modules")
    parent.__path__ = []
    monkeypatch.setitem(sys.modules, "modules", parent)
    made = types.ModuleType(f"modules.{name}")
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, made.__name__, made)
    monkeypatch.setattr(parent, name, made, raising=False)


class Writer:
    """Both kinds of save_image; each writes the picture and keeps the words that it was called with."""

    def __init__(self):
        self.words = {}

    def of_a1111(self, image, path, basename, seed=None, prompt=None, extension="png", info=None, short_filename=False,
                 grid=False, p=None, forced_filename=None, save_to_dirs=None):  # fmt: skip
        self.words = {"short_filename": short_filename, "save_to_dirs": save_to_dirs}
        return self._written(image, f"{path}/{forced_filename}.{extension}")

    def of_a1111_under_linux(self, image, path, basename, seed=None, prompt=None, extension="png", info=None, p=None,
                             short_filename=False, grid=False, forced_filename=None, save_to_dirs=None):  # fmt: skip
        stem = f"{path}/{forced_filename}"[: os.statvfs(path).f_namemax - max(4, len(extension) + 1)]
        return self._written(image, f"{stem}.{extension}")

    def of_sdnext(self, image, path=None, basename="", seed=None, prompt=None, extension="jpg", info=None, grid=False,
                  p=None, forced_filename=None, save_to_dirs=None):  # fmt: skip
        self.words = {"save_to_dirs": save_to_dirs}
        return self._written(image, f"{path}/00001-{forced_filename}.{extension}")

    def _written(self, image, name):
        image.save(name)
        return name, None, ""


@pytest.fixture
def writer(monkeypatch):
    opts = types.SimpleNamespace(samples_format="png", grid_format="png")
    module(monkeypatch, "shared", opts=opts)
    return Writer()


def test_models_folder_is_found_where_paths_internal_is_empty(monkeypatch):
    module(monkeypatch, "paths_internal")
    module(monkeypatch, "paths", models_path="/somewhere/models")

    assert str(base.models_path()) == "/somewhere/models"


def test_folder_of_the_base_file_is_kept_on_both_kinds_of_writer(monkeypatch, writer, tmp_path):
    image = Image.new("RGB", (60, 42))
    expected = {"of_a1111": {"short_filename": True, "save_to_dirs": False}, "of_sdnext": {"save_to_dirs": "."}}

    for name, words in expected.items():
        module(monkeypatch, "images", save_image=getattr(writer, name))
        files.save_grid_beside(image, tmp_path / "grid.png", "a text", None)
        assert writer.words == words


def test_file_is_overwritten_by_a_host_that_makes_up_its_own_names(monkeypatch, writer, tmp_path):
    module(monkeypatch, "images", save_image=writer.of_sdnext)
    target = tmp_path / "a.png"
    Image.new("RGB", (60, 42)).save(target)

    files.overwrite(Image.new("RGB", (120, 84)), target, "a text")

    assert Image.open(target).size == (120, 84)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def folder_of(letters, tmp_path):
    """A folder whose path has so many letters."""
    folder = tmp_path / ("x" * (letters - len(str(tmp_path)) - 1))
    folder.mkdir()
    return folder


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="hosts cut paths where statvfs is")
@pytest.mark.parametrize("letters", [240, 248, 251])
def test_file_whose_path_the_host_cuts_is_not_written_over(monkeypatch, writer, tmp_path, letters):
    module(monkeypatch, "images", save_image=writer.of_a1111_under_linux)
    folder = folder_of(225, tmp_path)
    target = folder / f"{'a' * (letters - 226)}.png"
    Image.new("RGB", (60, 42)).save(target)
    assert len(str(target.with_suffix(""))) == letters

    files.save_next_to(Image.new("RGB", (120, 84)), target, "a text")
    files.save_next_to(Image.new("RGB", (180, 126)), target, "a text")

    assert Image.open(target).size == (60, 42)
    second, first = sorted(set(folder.iterdir()) - {target}, key=lambda path: Image.open(path).width, reverse=True)
    assert (Image.open(first).size, Image.open(second).size) == ((120, 84), (180, 126))
    assert first.stem.endswith("-restored")
    assert second.stem.endswith("-restored-2")


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="hosts cut paths where statvfs is")
def test_folder_that_leaves_no_room_for_a_name_is_said(monkeypatch, writer, tmp_path):
    module(monkeypatch, "images", save_image=writer.of_a1111_under_linux)
    target = folder_of(245, tmp_path) / "a.png"
    Image.new("RGB", (60, 42)).save(target)

    with pytest.raises(
        PictureError, match=r"a\.png has no room for a file beside it: the path of its folder is longer"
    ):
        files.save_next_to(Image.new("RGB", (120, 84)), target, "a text")

    assert [path.name for path in target.parent.iterdir()] == ["a.png"]
    assert Image.open(target).size == (60, 42)
