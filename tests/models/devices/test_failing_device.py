"""A device that fails where the CPU can: one retry, told in the report, remembered for the pictures that follow.

The networks are real. The device is torch's "meta", which holds no numbers: reading a result from it fails with torch's
NotImplementedError, as an operation does that MPS lacks; and what is moved there does not come back, as from a GPU
after an error that ends its use.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from helpers.support import CountingMemory
from lib_facerestore.engine.data import Picture, Result
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
ENLARGING = RestoreSettings(restorer="none", upscaler=UPSCALER, scale=1.5, upscale_strength=1.0)
PROBLEM = "Cannot copy out of meta tensor; no data!"


@pytest.fixture(scope="module")
def portrait(photograph) -> Picture:
    """The astronaut's face in a picture of 96×108 px."""
    part = Image.fromarray(photograph).crop((128, 15, 320, 231)).resize((96, 108), Image.Resampling.BOX)
    return Picture(np.asarray(part))


@pytest.fixture(scope="module")
def expected(portrait, session) -> np.ndarray:
    """The portrait as the CPU makes it."""
    (result,) = session.restore([portrait], SETTINGS)
    assert result.report.count("restored") == 1
    return result.picture.pixels


@pytest.fixture
def broken(monkeypatch, runtime) -> Runtime:
    """A machine whose GPU takes networks and never gives them back."""
    put_gpu(monkeypatch)
    return dataclasses.replace(runtime, device="gpu")


@pytest.fixture
def failing(broken, monkeypatch) -> Runtime:
    """A machine whose GPU gives networks back, but no results."""
    let_gpu_give_back(monkeypatch)
    return broken


def put_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the device of the session be torch's "meta"."""
    monkeypatch.setattr(devices, "torch_device", lambda name: torch.device("meta"))


def let_gpu_give_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the weights of all networks where they are, while their inputs go to the GPU."""
    to = nn.Module.to

    def move(module: nn.Module, *args: Any, **more: Any) -> Any:
        target = more.get("device", args[0] if args else None)
        return module if str(target) == "meta" else to(module, *args, **more)

    monkeypatch.setattr(nn.Module, "to", move)


@pytest.fixture(scope="module")
def results(portrait, runtime) -> list[Result]:
    """One picture three times in a session on a GPU that fails; after the first time all networks were dropped."""
    with pytest.MonkeyPatch.context() as patch:
        put_gpu(patch)
        let_gpu_give_back(patch)
        session = Session(dataclasses.replace(runtime, device="gpu"))
        job = session.job()
        first = job.restore(portrait, SETTINGS)
        session.release()
        return [first, job.restore(portrait, SETTINGS), job.restore(portrait, SETTINGS)]


def failures(result: Result) -> list[str]:
    return [warning for warning in result.report.warnings if "meta" in warning]


def test_a_device_that_fails_gets_one_retry_on_the_cpu_and_every_byte_is_the_cpus(results, expected):
    first = results[0]

    assert np.array_equal(first.picture.pixels, expected)
    assert first.report.count("restored") == 1
    assert first.report.device.startswith("cpu")
    assert len(failures(first)) == 3
    for name, sentence in zip(("RetinaFace", RESTORER, UPSCALER), failures(first)):
        assert sentence.startswith(name)
        assert " failed on meta: " in sentence
        assert sentence.endswith("It went on on the CPU.")


@pytest.mark.parametrize("number", [1, 2], ids=["networks loaded again", "networks still warm"])
def test_a_later_picture_starts_on_the_cpu_and_says_why(results, expected, number):
    later = results[number]

    assert np.array_equal(later.picture.pixels, expected)
    assert later.report.device.startswith("cpu")
    assert len(failures(later)) == 3
    for sentence in failures(later):
        assert " failed on meta before: " in sentence
        assert sentence.endswith("It runs on the CPU until the program starts again.")


def test_a_device_that_gives_nothing_back_costs_a_start_of_the_picture_and_no_face(broken, portrait, expected):
    memory = CountingMemory()
    session = Session(dataclasses.replace(broken, memory=memory))

    first = session.job().restore(portrait, SETTINGS)
    second = session.job().restore(portrait, ENLARGING)

    assert np.array_equal(first.picture.pixels, expected)
    for result in (first, second):
        assert result.report.device.startswith("cpu")
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
    assert made.device.startswith("cpu")


def test_networks_that_are_parked_on_a_lost_device_are_loaded_again(broken, portrait, session):
    (expected,) = session.restore([portrait], ENLARGING)
    on_gpu = Session(broken)
    on_gpu.tools(ENLARGING)

    on_gpu.park()
    result = on_gpu.job().restore(portrait, ENLARGING)

    assert np.array_equal(result.picture.pixels, expected.picture.pixels)
    assert len(failures(result)) == 1


def test_an_error_that_the_cpu_has_too_is_the_networks_and_the_device_is_not_blamed(failing, portrait, monkeypatch):
    def rows(network: RetinaFaceNetwork, *args: Any) -> None:
        with devices.inference(network.name, network.device):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    job = Session(failing).job()
    with monkeypatch.context() as patch:
        patch.setattr(RetinaFaceNetwork, "rows", rows)
        with pytest.raises(InferenceFailed, match="failed: mat1 and mat2 shapes cannot be multiplied"):
            job.find_faces(portrait, SETTINGS)

    # The detector is tried on the device again, as if nothing had been.
    found = job.find_faces(portrait, SETTINGS)
    assert len(found.faces) == 1
    (sentence,) = found.ran.warnings
    assert sentence.startswith("RetinaFace")
    assert sentence.endswith("It went on on the CPU.")


class StopsAtTheSecondQuestion(NoProgress):
    def __init__(self) -> None:
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked == 2:  # faces are found, and none is restored yet
            raise Interrupted


def test_a_stop_goes_through_and_what_failed_before_it_is_remembered(failing, portrait):
    job = Session(failing).job()

    with pytest.raises(Interrupted):
        job.restore(portrait, SETTINGS, StopsAtTheSecondQuestion())

    (sentence,) = job.find_faces(portrait, SETTINGS).ran.warnings
    assert sentence.startswith("RetinaFace")
    assert " failed on meta before: " in sentence
