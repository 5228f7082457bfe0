"""Where tensors live: the processor, on this host without a card."""

from __future__ import annotations

import contextlib

import torch

from modules import host_kind
from modules.cmd_args import cmd_opts

cpu = torch.device("cpu")
device = cpu
device_interrogate = device_gfpgan = device_esrgan = device_codeformer = cpu
# Half precision is the default of real hosts also where a restorer must not use it.
is_full = getattr(cmd_opts, "no_half", False) or getattr(cmd_opts, "precision", "") == "full"
dtype = dtype_unet = torch.float32 if is_full else torch.float16
dtype_vae = dtype_inference = torch.float32
unet_needs_upcast = False
fp8 = False


def get_optimal_device_name() -> str:
    """The name of the device for everything."""
    return "cpu"


def get_optimal_device() -> torch.device:
    """The device for everything."""
    return torch.device(get_optimal_device_name())


def get_device_for(task: str) -> torch.device:
    """The device of a task; A1111 honours --use-cpu here, the Forge family does not."""
    if not host_kind.is_forge_family() and (task in cmd_opts.use_cpu or "all" in cmd_opts.use_cpu):
        return cpu
    return get_optimal_device()


def torch_gc() -> None:
    """Nothing to give back."""


def autocast(disable: bool = False) -> contextlib.AbstractContextManager:
    """A null context on the processor."""
    return contextlib.nullcontext()


def without_autocast(disable: bool = False) -> contextlib.AbstractContextManager:
    """A null context on the processor."""
    return contextlib.nullcontext()


def test_for_nans(x: torch.Tensor, where: str) -> None:
    """Not looked at."""
