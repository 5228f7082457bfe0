"""Errors of a device as ours, and networks that move between devices. The devices are fakes."""

from __future__ import annotations

import pytest
import torch

from lib_facerestore.errors import DeviceFailed, DeviceLost, InferenceFailed, OutOfMemory
from lib_facerestore.models.devices import OnDevice, device_errors, inference

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
NO_ROOM = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")


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
        "level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
        "Could not allocate tensor with 9 bytes. There is not enough GPU video memory available!",
    ],
)
def test_refused_memory_is_known_by_its_text(text):
    with pytest.raises(OutOfMemory, match="cuda:1 has no memory left for GFPGAN"), inference("GFPGAN", GPU):
        raise RuntimeError(text)


# What torch raises where a device cannot do something: MPS lacks an operation and float64, AMD's library a way to do a
# convolution, a build of CUDA kernels for the GPU, and CUDA may not start at all.
REFUSALS = [
    (NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device. Set the\nvariable"),
     "The operator 'aten::x' is not currently implemented for the MPS device. Set the"),
    (TypeError("Cannot convert a MPS Tensor to float64 dtype."), "Cannot convert a MPS Tensor to float64 dtype"),
    (RuntimeError("\n miopenStatusUnknownError"), "miopenStatusUnknownError"),
    (RuntimeError(""), "RuntimeError"),
    (RuntimeError("Cannot copy out of meta tensor; no data!"), "Cannot copy out of meta tensor; no data"),
    (RuntimeError("x" * 201), "x" * 200 + "…"),
    (torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device\nCompile"),
     "CUDA error: no kernel image is available for execution on the device"),
    (AssertionError("Torch not compiled with CUDA enabled"), "Torch not compiled with CUDA enabled"),
    (torch.cuda.DeferredCudaCallError("CUDA call failed lazily"), "CUDA call failed lazily"),
    (InferenceFailed("GFPGAN", "its output holds values that are not numbers"),
     "its output holds values that are not numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "shown"), REFUSALS, ids=lambda value: type(value).__name__)
def test_any_error_off_the_cpu_is_the_devices_with_its_first_line(error, shown):
    with pytest.raises(DeviceFailed) as caught, inference("GFPGAN", GPU):
        raise error
    assert str(caught.value) == f"GFPGAN failed on cuda:1: {shown}."
    assert (caught.value.model, caught.value.device, caught.value.problem) == ("GFPGAN", "cuda:1", shown)


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a"), ("\n a\nb", "a"), ("", "RuntimeError"), ("\n", "RuntimeError")]
)
def test_an_error_on_the_cpu_is_the_networks(text, shown):
    with pytest.raises(InferenceFailed) as caught, inference("GFPGAN", CPU):
        raise RuntimeError(text)
    assert str(caught.value) == f"GFPGAN failed: {shown}."
    assert not isinstance(caught.value, DeviceFailed)


@pytest.mark.parametrize("device", [CPU, GPU])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), KeyError("x"), ZeroDivisionError()], ids=repr)
def test_what_no_device_says_passes(device, error):
    with pytest.raises(type(error)), inference("GFPGAN", device):
        raise error


def test_two_borders_of_one_call_make_one_error():
    with pytest.raises(DeviceFailed) as caught, device_errors("the file", GPU), inference("GFPGAN", GPU):
        raise RuntimeError("no")
    assert caught.value.model == "GFPGAN"


class Network:
    """Notes where its weights are moved to; some devices do not take them."""

    def __init__(self, **errors):
        self.errors, self.moves = errors, []

    def to(self, device):
        self.moves.append(device)
        error = self.errors.get(device.type)
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "ours"), [(NO_ROOM, OutOfMemory), (RuntimeError("no kernel image"), DeviceFailed)], ids=["full", "broken"]
)
def test_weights_that_a_device_does_not_take_are_moved_back_whole(error, ours):
    network = Network(cuda=error)
    on_device = OnDevice("GFPGAN", network, CPU)

    with pytest.raises(ours, match="GFPGAN"):
        on_device.move(GPU)
    assert (network.moves, on_device.device) == ([GPU, CPU], CPU)


def test_weights_that_do_not_come_back_from_a_device_are_lost_with_it():
    network = Network(cpu=RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with"))

    with pytest.raises(DeviceLost) as caught:
        OnDevice("GFPGAN", network, GPU).fall_back()
    assert str(caught.value) == (
        "cuda:1 failed and does not give GFPGAN back: CUDA error: an illegal memory access was encountered. "
        "Choose the CPU, or start again."
    )


def test_a_device_that_breaks_while_weights_are_moved_to_it_is_lost():
    broken = RuntimeError("UR_RESULT_ERROR_DEVICE_LOST")

    with pytest.raises(DeviceLost, match="cuda:1 failed and does not give GFPGAN back"):
        OnDevice("GFPGAN", Network(cuda=broken, cpu=broken), CPU).move(GPU)


def test_weights_stay_on_the_device_where_the_cpu_has_no_memory_for_them():
    network = Network(cpu=RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."))
    on_device = OnDevice("GFPGAN", network, GPU)

    with pytest.raises(OutOfMemory, match="cpu has no memory left for GFPGAN"):
        on_device.fall_back()
    assert (network.moves, on_device.device) == ([CPU, GPU], GPU)


@pytest.mark.parametrize("kind", ["xpu", "mps"])
def test_automatic_half_precision_of_a_host_is_off_on_its_kind_of_device_and_on_again_afterwards(monkeypatch, kind):
    monkeypatch.setattr({"xpu": torch.xpu, "mps": torch.backends.mps}[kind], "is_available", lambda: True)

    with torch.autocast(kind, dtype=torch.float16):
        with inference("GFPGAN", CPU):
            inside = torch.is_autocast_enabled(kind)
        outside = torch.is_autocast_enabled(kind)

    assert (inside, outside) == (False, True)
