"""Where the host keeps models and how its writer is called, on hosts that differ. The hosts' modules are fakes."""

import sys
import types

import pytest
from PIL import Image

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
