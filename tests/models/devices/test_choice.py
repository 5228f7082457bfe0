"""Devices by name, on machines that have them and machines that do not. The GPUs are fakes; torch is asked for real."""

from __future__ import annotations

import pytest
import torch

from helpers.machines import put_machine
from lib_facerestore.errors import SettingsError
from lib_facerestore.models.devices import torch_device

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
NO_ROOM = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")


def refuse(*args, **more):
    raise NO_ROOM


@pytest.fixture
def gpu(monkeypatch):
    """A machine whose current device is cuda:1, as far as a name is looked up."""
    put_machine(monkeypatch, cuda=2, mps=True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)


@pytest.mark.parametrize(
    ("machine", "auto", "gpu"),
    [
        ({}, "cpu", None),
        ({"cuda": 2}, "cuda:0", "cuda:0"),
        ({"xpu": 1}, "xpu:0", "xpu:0"),
        ({"mps": True}, "mps", "mps"),
        ({"cuda": 1, "xpu": 1}, "cuda:0", "cuda:0"),
        ({"xpu": 1, "mps": True}, "xpu:0", "xpu:0"),
        ({"directml": 1}, "cpu", None),
    ],
    ids=str,
)
def test_auto_and_gpu_are_the_first_that_is_there(monkeypatch, machine, auto, gpu):
    put_machine(monkeypatch, **machine)

    assert str(torch_device(" Auto ")) == auto
    if gpu is None:
        with pytest.raises(SettingsError, match="device cannot be 'GPU': it must be auto, cpu, or a device that this"):
            torch_device("GPU")
    else:
        assert str(torch_device("GPU")) == gpu


@pytest.mark.parametrize(("name", "found"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu"), ("mps", "mps")])
def test_cuda_without_an_index_is_the_current_device(gpu, name, found):
    assert str(torch_device(name)) == found


@pytest.mark.parametrize("name", ["xpu", "XPU:0", "directml", " DML ", "privateuseone:0"])
def test_intels_gpu_and_directml_are_found_by_name(monkeypatch, name):
    put_machine(monkeypatch, xpu=1, directml=1)

    assert str(torch_device(name)) == ("xpu:0" if "xpu" in name.lower() else "privateuseone:0")


@pytest.mark.parametrize("name", ["CPU", " cpu ", "cpu:0", "Cpu:3"])
def test_the_cpu_is_one_device_however_it_is_written(name):
    assert torch_device(name) == CPU


@pytest.mark.parametrize("name", [" cuda ", "CUDA", "Cuda:1"])
def test_case_and_spaces_of_a_device_do_not_matter(gpu, name):
    assert torch_device(name) == GPU


@pytest.mark.parametrize("listed", [True, False])
def test_a_full_device_is_a_device(monkeypatch, gpu, listed):
    if not listed:
        put_machine(monkeypatch)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch, "empty", refuse)

    assert torch_device("cuda:1") == GPU


def test_a_device_that_an_earlier_error_broke_is_still_a_device(monkeypatch):
    put_machine(monkeypatch, xpu=2)

    def broken(*shape, device):
        raise RuntimeError("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)")

    monkeypatch.setattr(torch, "empty", broken)
    monkeypatch.setattr(torch.xpu, "current_device", broken)

    assert [str(torch_device(name)) for name in ("xpu:1", "xpu")] == ["xpu:1", "xpu:0"]


@pytest.mark.parametrize(
    ("machine", "name", "found"),
    [
        ({}, "mps", "cpu"),
        ({}, "cuda", "cpu"),
        ({"cuda": 2}, "xpu", "cpu, cuda:0, cuda:1"),
        ({"cuda": 1}, "cuda:7", "cpu, cuda:0"),
        ({"xpu": 1}, "cuda", "cpu, xpu:0"),
        ({"mps": True}, "directml", "cpu, mps"),
        ({"xpu": 1, "directml": 2}, "mps", "cpu, xpu:0, privateuseone:0, privateuseone:1"),
    ],
    ids=str,
)
def test_a_device_that_is_not_there_is_told_what_is(monkeypatch, machine, name, found):
    put_machine(monkeypatch, **machine)

    with pytest.raises(SettingsError) as caught:
        torch_device(name)
    assert str(caught.value) == (
        f"The setting device cannot be '{name}': it must be auto, cpu, or a device that this machine has. "
        f"Torch {torch.__version__} finds {found}."
    )


@pytest.mark.filterwarnings("ignore:'mkldnn' is no longer used")
@pytest.mark.parametrize(
    "name",
    ["", " ", "nonsense", "0", "none", "hpu", "privateuseone", "privateuseone:0", "meta", "META:0", "vulkan", "xpu",
     "xla", "ipu", "mtia", "lazy", "maia", "ve", "fpga", "hip", "opengl", "opencl", "ideep", "mkldnn", "cpu\0",
     "cuda:-1", "cuda:", "directml"],
)  # fmt: skip
def test_torch_itself_refuses_what_no_machine_of_ours_has(name):
    with pytest.raises(SettingsError) as caught:
        torch_device(name)
    assert str(caught.value).startswith(f"The setting device cannot be {name!r}: it must be auto, cpu, or a device")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("name", ["cuda", "cuda:7", " Cuda "])
def test_cuda_that_is_not_there_is_a_setting_that_cannot_be(name):
    with pytest.raises(SettingsError, match=f"device cannot be '{name}'"):
        torch_device(name)
