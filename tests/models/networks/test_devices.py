"""Devices by name, errors of a full device as ours, and networks that go on on the CPU. The GPU is a fake."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from facexlib.detection import retinaface
from facexlib.parsing.bisenet import BiSeNet
from torch import nn

from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import InferenceFailed, OutOfMemory, SettingsError
from lib_facerestore.models.networks import devices
from lib_facerestore.models.networks.devices import OnDevice, inference, torch_device
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
NO_ROOM = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")


def refuse(*args, **more):
    raise NO_ROOM


@pytest.fixture
def gpu(monkeypatch):
    """A machine whose current device is cuda:1, as far as a name is looked up."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch, "empty", lambda *shape, device: None)


@pytest.mark.parametrize(("name", "found"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu"), ("mps", "mps")])
def test_cuda_without_an_index_is_the_current_device(gpu, name, found):
    assert str(torch_device(name)) == found


@pytest.mark.parametrize("name", ["CPU", " cpu ", "cpu:0", "Cpu:3"])
def test_the_cpu_is_one_device_however_it_is_written(name):
    assert torch_device(name) == CPU


@pytest.mark.parametrize("name", [" cuda ", "CUDA", "Cuda:1"])
def test_case_and_spaces_of_a_device_do_not_matter(gpu, name):
    assert torch_device(name) == GPU


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has Apple's GPU")
def test_apples_gpu_elsewhere_is_a_setting_that_cannot_be():
    with pytest.raises(SettingsError, match="device cannot be 'mps'"):
        torch_device("mps")


def test_a_full_device_is_a_device(gpu, monkeypatch):
    monkeypatch.setattr(torch, "empty", refuse)

    assert torch_device("cuda") == GPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("name", ["cuda", "cuda:7", " Cuda ", "cuda:-1", "cuda:"])
def test_cuda_that_is_not_there_is_a_setting_that_cannot_be(name):
    with pytest.raises(
        SettingsError, match=f"device cannot be '{name}': it must be auto, cpu, or a device that this m"
    ):
        torch_device(name)


@pytest.mark.filterwarnings("ignore:'mkldnn' is no longer used")
@pytest.mark.parametrize(
    "name",
    ["", " ", "nonsense", "0", "none", "hpu", "privateuseone", "privateuseone:0", "meta", "META:0", "vulkan", "xpu",
     "xla", "ipu", "mtia", "lazy", "maia", "ve", "fpga", "hip", "opengl", "opencl", "ideep", "mkldnn", "cpu\0"],
)  # fmt: skip
def test_a_device_that_is_not_there_is_a_setting_that_cannot_be(name):
    with pytest.raises(SettingsError) as caught:
        torch_device(name)
    assert str(caught.value).startswith(f"The setting device cannot be {name!r}: it must be auto, cpu, or a device")


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "FIND was unable to find an engine to execute this computation",
        "MPS backend out of memory (MPS allocated: 8.00 GB)",
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 B.",
        "[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
        "Could not allocate tensor with 9 bytes. There is not enough GPU video memory available!",
    ],
)
def test_refused_memory_is_known_by_its_text(text):
    with pytest.raises(OutOfMemory, match="cuda:1 has no memory left for GFPGAN"), inference("GFPGAN", GPU):
        raise RuntimeError(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a"), ("\n a\nb", "a"), ("", "RuntimeError"), ("\n", "RuntimeError")]
)
def test_other_errors_are_failures_with_their_first_line(text, shown):
    with pytest.raises(InferenceFailed) as caught, inference("GFPGAN", GPU):
        raise RuntimeError(text)
    assert str(caught.value) == f"GFPGAN failed: {shown}."


class Network:
    """Notes where its weights are moved to; one device has no room."""

    def __init__(self, full=GPU):
        self.full, self.moves = full, []

    def to(self, device):
        self.moves.append(device)
        if device == self.full:
            raise NO_ROOM


def test_weights_that_do_not_fit_are_moved_back_whole():
    network = Network()
    on_device = OnDevice("GFPGAN", network, CPU)

    with pytest.raises(OutOfMemory, match="cuda:1 has no memory left for GFPGAN"):
        on_device.move(GPU)
    assert (network.moves, on_device.device) == ([GPU, CPU], CPU)


def test_an_error_of_another_kind_stays_what_it_is():
    class Broken(Network):
        def to(self, device):
            raise RuntimeError("no such device")

    with pytest.raises(RuntimeError, match="no such device"):
        OnDevice("GFPGAN", Broken(), CPU).move(GPU)


@pytest.fixture(scope="module")
def runtime_on_gpu(tmp_path_factory) -> Runtime:
    folder = tmp_path_factory.mktemp("gpu")
    torch.save(BiSeNet(num_class=19).state_dict(), folder / "79999_iter.pth")
    return Runtime(device="cuda", models_folder=folder, cache_folder=folder / "converted")


@pytest.fixture
def full_gpu(gpu, monkeypatch):
    """No weights find room on the GPU, neither when they are loaded nor later."""
    to, build = nn.Module.to, retinaface.RetinaFace.__init__

    def move(module, *args, **more):
        target = more.get("device", args[0] if args else None)
        return refuse() if isinstance(target, torch.device) and target.type == "cuda" else to(module, *args, **more)

    monkeypatch.undo()  # torch.empty, which networks are built with
    monkeypatch.setattr(devices, "torch_device", lambda name: GPU)
    monkeypatch.setattr(nn.Module, "to", move)
    # Its constructor makes a tensor on the device before it moves its weights.
    monkeypatch.setattr(
        retinaface.RetinaFace,
        "__init__",
        lambda self, device, **more: refuse() if device == GPU else build(self, device=device, **more),
    )


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
