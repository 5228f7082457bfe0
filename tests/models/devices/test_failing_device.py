"""A device that fails where the CPU can: one retry, told in the report, remembered for the pictures that follow.

The networks are real. The device is torch's "meta", which holds no numbers: reading a result from it fails with torch's
NotImplementedError, as an operation does that MPS lacks; and what is moved there does not come back, as from a GPU
after an error that ends its use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from helpers.support import CountingMemory
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.ports import NoProgress
from lib_facerestore.errors import InferenceFailed, Interrupted
from lib_facerestore.models import devices
from lib_facerestore.models.detection.retinaface import RetinaFaceNetwork
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings

UPSCALER = "Real-ESRGAN animevideov3 (embedded)"
RESTORER = "Real-ESRGAN x4plus (embedded)"
SETTINGS = RestoreSettings(restorer=RESTORER, upscaler=UPSCALER, scale=1.5, upscale_strength=1.0)
PROBLEM = "Cannot copy out of meta tensor; no data!"


@pytest.fixture(scope="module")
def portrait(photograph) -> Picture:
    """The astronaut's face in a picture of 96×108 px."""
    part = Image.fromarray(photograph).crop((128, 15, 320, 231)).resize((96, 108), Image.Resampling.BOX)
    return Picture(np.asarray(part))


@pytest.fixture(scope="module")
def expected(portrait) -> np.ndarray:
    """The portrait as the CPU makes it."""
    (result,) = Session(Runtime(device="cpu")).restore([portrait], SETTINGS)
    assert result.report.count("restored") == 1
    return result.picture.pixels


@pytest.fixture
def broken(monkeypatch, tmp_path) -> Runtime:
    """A machine whose GPU takes networks and never gives them back."""
    monkeypatch.setattr(devices, "torch_device", lambda name: torch.device("cpu" if name == "cpu" else "meta"))
    return Runtime(device="gpu", cache_folder=tmp_path, models_folder=tmp_path / "models")


@pytest.fixture
def failing(broken, monkeypatch) -> Runtime:
    """A machine whose GPU gives networks back, but no results."""
    to = nn.Module.to

    def move(module: nn.Module, *args: Any, **more: Any) -> Any:
        target = more.get("device", args[0] if args else None)
        return module if str(target) == "meta" else to(module, *args, **more)

    monkeypatch.setattr(nn.Module, "to", move)
    return broken


def failures(result) -> list[str]:
    return [warning for warning in result.report.warnings if "meta" in warning]


def test_a_device_that_fails_gets_one_retry_on_the_cpu_and_every_byte_is_the_cpus(failing, portrait, expected):
    (result,) = Session(failing).restore([portrait], SETTINGS)

    assert np.array_equal(result.picture.pixels, expected)
    assert result.report.device == "cpu"
    assert result.report.count("restored") == 1
    said = failures(result)
    assert len(said) == 3
    for name, sentence in zip(("RetinaFace", RESTORER, UPSCALER), said):
        assert sentence.startswith(name)
        assert " failed on meta: " in sentence
        assert sentence.endswith("It went on on the CPU.")


def test_the_next_picture_starts_on_the_cpu_and_says_why(failing, portrait, expected, monkeypatch):
    job = Session(failing).job()
    job.restore(portrait, SETTINGS)
    moves: list[str] = []
    to = nn.Module.to
    monkeypatch.setattr(
        nn.Module, "to", lambda module, *args, **more: moves.append(str(args)) or to(module, *args, **more)
    )

    again = job.restore(portrait, SETTINGS)

    assert np.array_equal(again.picture.pixels, expected)
    assert again.report.device == "cpu"
    assert len(failures(again)) == 3
    assert all(" failed on meta before: " in sentence for sentence in failures(again))
    assert all(sentence.endswith("It runs on the CPU until the program starts again.") for sentence in failures(again))
    assert moves == []


def test_what_failed_is_remembered_after_the_networks_were_dropped(failing, portrait):
    session = Session(failing)
    session.job().restore(portrait, SETTINGS)

    session.release()
    again = session.job().restore(portrait, SETTINGS)

    assert session.warm
    assert all("failed on meta before" in sentence for sentence in failures(again))
    assert len(failures(again)) == 3


def test_a_device_that_gives_nothing_back_costs_a_start_of_the_picture_and_no_face(broken, portrait, expected):
    memory = CountingMemory()
    session = Session(Runtime(device="gpu", cache_folder=broken.cache_folder, memory=memory))

    first = session.job().restore(portrait, SETTINGS)
    second = session.job().restore(portrait, SETTINGS)

    for result in (first, second):
        assert np.array_equal(result.picture.pixels, expected)
        assert result.report.device == "cpu"
        (sentence,) = failures(result)
        assert sentence.startswith(f"meta failed: {PROBLEM}")
        assert sentence.endswith(" All networks run on the CPU until the program starts again.")
    # A host is not asked to free what cannot be used.
    assert memory.calls == ["room on meta"]


def test_finding_and_comparing_faces_survive_it_too(broken, portrait):
    session = Session(broken)
    found = session.job().find_faces(portrait, SETTINGS)
    other = Session(broken)
    made = other.job().compare_faces(portrait, SETTINGS, [RESTORER], [])

    assert len(found.faces) == 1
    assert any(sentence.startswith(f"meta failed: {PROBLEM}") for sentence in found.ran.warnings)
    assert isinstance(made.variants[0].faces[0], np.ndarray)
    assert any(sentence.startswith(f"meta failed: {PROBLEM}") for sentence in made.warnings)
    assert made.device == "cpu"


def test_networks_that_are_parked_on_a_lost_device_are_loaded_again(broken, portrait, expected):
    session = Session(broken)
    session.tools(SETTINGS)

    session.park()
    result = session.job().restore(portrait, SETTINGS)

    assert np.array_equal(result.picture.pixels, expected)
    assert len(failures(result)) == 1


def test_an_error_that_the_cpu_has_too_is_the_networks_and_the_device_is_not_blamed(failing, portrait, monkeypatch):
    def rows(network: RetinaFaceNetwork, *args: Any) -> None:
        with devices.inference(network.name, network.device):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    job = Session(failing).job()
    with monkeypatch.context() as patch:
        patch.setattr(RetinaFaceNetwork, "rows", rows)
        with pytest.raises(InferenceFailed, match="failed: mat1 and mat2 shapes cannot be multiplied"):
            job.restore(portrait, SETTINGS)

    # The detector is tried on the device again, as if nothing had been.
    result = job.restore(portrait, SETTINGS)
    assert failures(result)[0].startswith("RetinaFace")
    assert failures(result)[0].endswith("It went on on the CPU.")


class Stops(NoProgress):
    def check(self) -> None:
        raise Interrupted


def test_a_stop_is_no_failure_of_the_device(failing, portrait):
    job = Session(failing).job()

    with pytest.raises(Interrupted):
        job.restore(portrait, SETTINGS, Stops())
