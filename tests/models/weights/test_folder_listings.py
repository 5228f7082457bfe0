"""How often the folders of models are looked through: once for each call of a session, however many pictures it has."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from pathlib import Path

import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from PIL import Image

from helpers.support import smooth_noise
from lib_facerestore.cli import main
from lib_facerestore.cli.inventory import print_models
from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import WeightsDamaged, WeightsMissing
from lib_facerestore.models import weights
from lib_facerestore.models.doctor import examine
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

SMALL = "Real-ESRGAN animevideov3 (embedded)"
FACES_AND_SIZE = RestoreSettings(
    restorer="own1", second_restorer="own2", mask="auto", upscaler="own1", second_upscaler="own2", scale=2.0
)


def put(folder: Path, name: str, seed: int = 1) -> Path:
    """A small network of a user's own."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, folder / name)
    return folder / name


@pytest.fixture
def places(runtime, tmp_path):
    """A runtime with two folders of a host's and one of ours, a network of a user's in each of two."""
    hosts = (tmp_path / "GFPGAN", tmp_path / "ESRGAN")
    put(hosts[0], "own1.pth", 1)
    put(hosts[1], "own2.pth", 2)
    ours = tmp_path / "ours"
    ours.mkdir()
    return dataclasses.replace(runtime, models_folder=ours, cache_folder=tmp_path / "converted", folders=hosts)


@pytest.fixture
def listings(places, monkeypatch) -> Counter[Path]:
    """How often each folder of models was listed, by whatever means."""
    counted: Counter[Path] = Counter()
    folders = (*places.folders, places.models_folder)

    def counting(call):
        def counted_call(path="."):
            counted.update({Path(path)} & set(folders))
            return call(path)

        return counted_call

    listed = os.listdir  # what Path.iterdir uses differs from one Python to the next
    monkeypatch.setattr(Path, "iterdir", counting(lambda folder: (folder / name for name in listed(folder))))
    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, counting(getattr(os, name)))
    return counted


def once_each(places) -> dict[Path, int]:
    return dict.fromkeys((*places.folders, places.models_folder), 1)


def pictures(count):
    return [Picture(smooth_noise(60, 83, seed)) for seed in range(count)]


@pytest.mark.parametrize("count", [1, 3])
def test_a_job_lists_each_folder_once(places, listings, count):
    results = list(Session(places).restore(pictures(count), FACES_AND_SIZE))

    assert [result.report.upscaler for result in results] == ["own1"] * count
    assert listings == once_each(places)


def test_finding_the_networks_of_the_settings_lists_each_folder_once(places, listings):
    tools = Session(places).tools(FACES_AND_SIZE)

    assert (tools.restorer.used.name, tools.second_restorer.used.name) == ("own1", "own2")
    assert listings == once_each(places)


def test_looking_for_faces_lists_each_folder_once(places, listings):
    Session(places).job().find_faces(pictures(1)[0], RestoreSettings())

    assert listings == once_each(places)


def test_restoring_faces_in_several_ways_lists_each_folder_once(places, listings):
    Session(places).job().compare_faces(pictures(1)[0], RestoreSettings(), ["own1", "own2"], [0.5])

    assert listings == once_each(places)


def test_the_list_of_models_looks_through_each_folder_once(places, listings, capsys):
    print_models(places)

    assert "own2.pth" in capsys.readouterr().out
    assert listings == once_each(places)


def test_a_command_over_several_pictures_lists_the_folder_once(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setenv("FACERESTORE_HOME", str(folder.parent))
    given = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(given):
        Image.fromarray(smooth_noise(30, 41, seed)).save(path)
    listed: list[Path] = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: listed.append(path) or iterdir(path))

    status = main(["upscale", *map(str, given), "--output", str(tmp_path / "out"), "--upscaler", SMALL])

    assert status == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    assert listed.count(folder) == 1


def test_doctor_looks_through_each_folder_once(places, listings):
    assert any(line.startswith("  ok       own2") for line in examine(places).lines)
    assert listings == once_each(places)


def test_a_file_that_comes_between_two_jobs_is_found_by_the_second(places):
    session, settings = Session(places), dataclasses.replace(FACES_AND_SIZE, restorer="none")
    (first,) = session.restore(pictures(1), settings)
    put(places.models_folder, "late.pth")

    (second,) = session.restore(pictures(1), dataclasses.replace(settings, upscaler="late"))

    assert [result.report.upscaler for result in (first, second)] == ["own1", "late"]


def test_a_file_that_goes_while_a_job_runs_is_missing_and_not_damaged(places):
    row = next(spec for spec in weights.available(places) if spec.name == "Real-ESRGAN x2plus")
    path = put(places.models_folder, row.remote.name)
    during = weights.listed(places)
    path.unlink()

    assert not weights.is_present(row, during)
    with pytest.raises(WeightsMissing):
        weights.resolve(row, during)


def test_a_file_that_was_moved_aside_in_a_job_is_looked_for_anew(places):
    row = next(spec for spec in weights.available(places) if spec.name == "Real-ESRGAN x2plus")
    path = put(places.models_folder, row.remote.name)
    during = weights.listed(places)
    found = weights.resolve(row, during)

    with pytest.raises(WeightsDamaged, match=r"It was renamed to RealESRGAN_x2plus\.pth\.damaged"):
        weights.fetch_again(found, WeightsDamaged(path, "bad", "good"), during)

    assert weights.find(row, during) is None


def test_a_listed_runtime_is_the_same_runtime(places):
    listed = weights.listed(places)

    assert listed == places
    assert weights.listed(listed) is listed
