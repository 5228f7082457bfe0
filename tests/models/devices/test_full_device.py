"""Weights that find no room on the GPU go on on the CPU, and the report is told. The GPU is a fake."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from facexlib.detection import retinaface
from facexlib.parsing.bisenet import BiSeNet
from torch import nn

from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import OutOfMemory
from lib_facerestore.models import devices
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
NO_ROOM = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")


def refuse(*args, **more):
    raise NO_ROOM


@pytest.fixture(scope="module")
def runtime_on_gpu(tmp_path_factory) -> Runtime:
    folder = tmp_path_factory.mktemp("gpu")
    torch.save(BiSeNet(num_class=19).state_dict(), folder / "79999_iter.pth")
    return Runtime(device="cuda", models_folder=folder, cache_folder=folder / "converted")


def put_gpu(monkeypatch, error):
    """Let the machine have a GPU which answers so to all weights, when they are loaded and later."""
    to = nn.Module.to

    def move(module, *args, **more):
        target = more.get("device", args[0] if args else None)
        if isinstance(target, torch.device) and target.type == "cuda":
            raise error
        return to(module, *args, **more)

    monkeypatch.setattr(devices, "torch_device", lambda name: GPU)
    monkeypatch.setattr(nn.Module, "to", move)


@pytest.fixture
def full_gpu(monkeypatch):
    """No weights find room on the GPU."""
    put_gpu(monkeypatch, NO_ROOM)


def test_what_a_full_device_refuses_is_loaded_on_the_cpu_and_the_report_is_told(runtime_on_gpu, full_gpu):
    session = Session(runtime_on_gpu)
    settings = RestoreSettings(mask="parsing", scale=2.0, upscaler="Real-ESRGAN animevideov3 (embedded)")

    # The second time all are loaded, and only moving them back is refused.
    for tools in (session.tools(settings), session.tools(settings)):
        assert [tools.restorer.device, tools.detector.device, tools.parser.device] == [CPU] * 3
        upscaler: Any = tools.upscaler
        assert str(upscaler._model.device) == "cpu"
        words = "cuda:1 has no memory left for {}. Choose a smaller batch or the CPU. It went on on the CPU."
        for network in (tools.detector.used.name, "BiSeNet"):
            assert any(words.format(network) in warning for warning in tools.warnings)
        assert sum("It went on on the CPU." in warning for warning in tools.warnings) == 4


def test_a_gpu_that_takes_no_weights_is_not_a_wrong_file_and_is_asked_once_for_each(runtime_on_gpu, monkeypatch):
    put_gpu(monkeypatch, RuntimeError("HIP error: invalid device function\nHIP kernel errors might be"))
    session = Session(runtime_on_gpu)
    settings = RestoreSettings(mask="parsing", scale=2.0, upscaler="Real-ESRGAN animevideov3 (embedded)")

    first, second = session.tools(settings), session.tools(settings)

    said = "failed on cuda:1: HIP error: invalid device function. It went on on the CPU."
    before = "failed on cuda:1 before: HIP error: invalid device function. It runs on the CPU until the program starts"
    for tools, sentence in ((first, said), (second, before)):
        assert [tools.restorer.device, tools.detector.device, tools.parser.device] == [CPU] * 3
        assert sum(sentence in warning for warning in tools.warnings) == 4
        assert any(warning.startswith(f"BiSeNet {sentence}") for warning in tools.warnings)
        # One face at a time, as a CPU takes them.
        assert tools.face_batch == 1


def test_finding_faces_and_comparing_models_tell_it_too(runtime_on_gpu, full_gpu, small_photograph):
    session = Session(runtime_on_gpu)
    picture = Picture(small_photograph)

    found = session.job().find_faces(picture, RestoreSettings())
    made = session.job().compare_faces(picture, RestoreSettings(), ["Real-ESRGAN x4plus (embedded)"], [])

    assert len(found.faces) == len(made.variants[0].faces) == 1
    went_on = [warning for warning in made.warnings if warning.endswith("It went on on the CPU.")]
    assert len(found.ran.warnings) == 1
    assert went_on[0] == found.ran.warnings[0]
    assert ["RetinaFace" in went_on[0], "REALESRGAN_X4PLUS" in went_on[1]] == [True, True]


def test_memory_that_the_cpu_has_not_either_is_our_error(runtime_on_gpu, full_gpu, monkeypatch):
    monkeypatch.setattr(retinaface.RetinaFace, "__init__", refuse)

    with pytest.raises(OutOfMemory, match="cpu has no memory left for RetinaFace"):
        Session(runtime_on_gpu).tools(RestoreSettings())


def test_a_file_of_another_network_is_still_no_bisenet(runtime_on_gpu, tmp_path):
    from lib_facerestore.errors import WeightsUnknown

    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "79999_iter.pth")
    runtime = dataclasses.replace(runtime_on_gpu, device="cpu", models_folder=tmp_path, cache_folder=tmp_path / "c")

    with pytest.raises(WeightsUnknown, match="is no BiSeNet"):
        Session(runtime).tools(RestoreSettings(mask="parsing", aligned_input=True))


def test_faces_go_one_by_one_on_a_cpu_and_several_at_once_on_a_gpu(runtime):
    on_cpu = Session(runtime).tools(RestoreSettings(restorer="none"))

    assert on_cpu.face_batch == 1
    assert runtime.faces_at_once("cuda") == runtime.face_batch == 4
