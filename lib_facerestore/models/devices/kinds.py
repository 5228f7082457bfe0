"""Which devices torch finds on this machine, and of which kind each is. Asks torch, and never raises."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

Kind = Literal["CPU", "CUDA", "ROCm", "ZLUDA", "XPU", "MPS", "DirectML", "other"]
"""ROCm and ZLUDA run on AMD's GPUs, XPU on Intel's, MPS on Apple's; DirectML on any of Windows. All but "other" are
told by torch's name of the device; ROCm and ZLUDA have CUDA's."""

# What torch's questions about a device that is not there, or that a build does not know, may end with.
_NO_ANSWER = (RuntimeError, AssertionError, AttributeError, TypeError, ValueError, ImportError, OSError)
# Torch's name for the device of a package from outside; DirectML's package keeps it.
_FROM_OUTSIDE = "privateuseone"


def kind_of(device: torch.device) -> Kind:
    """The kind of a device, whether this machine has it or not."""
    if device.type == "cuda":
        return _kind_of_cuda(device)
    kinds: dict[str, Kind] = {"cpu": "CPU", "xpu": "XPU", "mps": "MPS", _FROM_OUTSIDE: "DirectML"}
    return kinds.get(device.type, "other")


def devices_there() -> tuple[torch.device, ...]:
    """Every device that torch finds: the CPU, then GPUs of CUDA or ROCm, Intel's, Apple's and DirectML's.

    DirectML's are found where its package is installed, which this call imports.
    """
    import torch

    found = [torch.device("cpu")]
    if is_there("cuda"):
        found += [torch.device("cuda", index) for index in range(answer(torch.cuda.device_count, 0))]
    if is_there("xpu"):
        found += [torch.device("xpu", index) for index in range(answer(torch.xpu.device_count, 0))]
    if is_there("mps"):
        found.append(torch.device("mps"))
    package = directml()
    if package is not None:
        count = answer(package.device_count, 0)
        found += [torch.device(_FROM_OUTSIDE, index) for index in range(count)]
    return tuple(found)


def is_there(device_type: str) -> bool:
    """Whether torch finds a device of that type: "cuda", "xpu" or "mps"; False for builds that do not know it."""
    import torch

    module = torch.backends.mps if device_type == "mps" else module_of(device_type)
    return bool(answer(lambda: module.is_available(), False))


def directml() -> Any:
    """DirectML's package for torch; None where it is not installed or does not start."""
    return answer(lambda: importlib.import_module("torch_directml"), None)


def name_of(device: torch.device) -> str:
    """What the maker calls the device, such as "NVIDIA H200"; "" where torch does not tell."""
    if device.type == _FROM_OUTSIDE:
        package = directml()
        return "" if package is None else str(answer(lambda: package.device_name(device.index or 0), "")).strip("\0 ")
    if device.type not in ("cuda", "xpu"):
        return ""
    return str(answer(lambda: module_of(device.type).get_device_name(device), ""))


def module_of(device_type: str) -> Any:
    """Torch's module for a type of device, such as torch.xpu; None where this build has none."""
    import torch

    return getattr(torch, device_type, None)


def answer(ask: Callable[[], T], otherwise: T) -> T:
    """What torch answers to a question about a device; the other value where it has no answer and raises."""
    try:
        return ask()
    except _NO_ANSWER:
        return otherwise


def _kind_of_cuda(device: torch.device) -> Kind:
    """Which of the three makers' stacks stands behind torch's name "cuda"."""
    import torch

    if torch.version.hip:
        return "ROCm"
    # ZLUDA gives itself out as CUDA in everything but the name of the device: "AMD Radeon RX 6600 [ZLUDA]".
    return "ZLUDA" if "[zluda]" in name_of(device).lower() else "CUDA"
