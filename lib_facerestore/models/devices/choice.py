"""Which device a name means: "auto", "gpu", "directml", or torch's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_facerestore.errors import SettingsError
from lib_facerestore.models.devices.kinds import answer, devices_there, directml, is_there, module_of
from lib_facerestore.models.devices.running import errors_of_devices, is_out_of_memory

if TYPE_CHECKING:
    import torch

# What "auto" and "gpu" take, in this order. DirectML, which is at its end of life, has to be asked for.
_ORDER = ("cuda", "xpu", "mps")


def torch_device(name: str) -> torch.device:
    """The torch device that a name means.

    "auto" is the first of CUDA (NVIDIA's GPU, or AMD's by ROCm), XPU (Intel's), MPS (Apple's) and the CPU that torch
    finds; "gpu" is the same without the CPU. "directml" is what DirectML's package gives. Case and outer spaces are
    ignored. A device of CUDA or XPU always has an index: without one, torch up to 2.4 does not tell the free memory,
    and Forge frees none.
    Raises: SettingsError where this machine has no such device; it names those that are there.
    """
    import torch

    written, name = name, name.strip().lower()
    if name in ("auto", "gpu"):
        return _automatic(written, name)
    device = None
    try:
        device = _named(name)
        if device.type == "cpu":
            return torch.device("cpu")  # torch takes cpu:7 for another device, which has no meaning
        if device.type == "meta":
            raise NotImplementedError("it holds shapes and no numbers")
        torch.empty(1, device=device)
    except errors_of_devices() as error:
        # What torch lists is there, whatever it answers now: it is full, or an earlier error broke it.
        listed = next((one for one in devices_there() if name in (str(one), one.type)), None)
        if listed is None and device is not None and is_out_of_memory(error):
            return device
        if listed is None:
            raise _not_there(written) from error
        return listed
    return device


def _automatic(written: str, name: str) -> torch.device:
    """What "auto" or "gpu" means. Raises: SettingsError for "gpu" where torch finds none."""
    import torch

    found = next((kind for kind in _ORDER if is_there(kind)), None)
    if found is not None:
        return (
            torch.device(found) if found == "mps" else torch.device(found, answer(module_of(found).current_device, 0))
        )
    if name == "gpu":
        raise _not_there(written)
    return torch.device("cpu")


def _named(name: str) -> torch.device:
    """The device of a name that torch knows, or of "directml". Raises: what torch raises for another name."""
    import torch

    if name in ("directml", "dml"):
        package = directml()
        if package is None:
            raise ImportError("DirectML's package for torch is not installed")
        return torch.device(str(package.device()))
    device = torch.device(name)
    if device.index is None and device.type in ("cuda", "xpu"):
        return torch.device(device.type, module_of(device.type).current_device())
    return device


def _not_there(written: str) -> SettingsError:
    """The error that says which devices are there instead."""
    import torch

    found = ", ".join(map(str, devices_there()))
    allowed = f"auto, cpu, or a device that this machine has. Torch {torch.__version__} finds {found}"
    return SettingsError("device", written, allowed)
