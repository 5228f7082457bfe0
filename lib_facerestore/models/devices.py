"""The device that a name means, and errors of a device turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lib_facerestore.errors import InferenceFailed, OutOfMemory, SettingsError

if TYPE_CHECKING:
    import torch


def resolve(name: str) -> torch.device:
    """The torch device of a name; auto is CUDA where torch finds it, else Apple's GPU, else the CPU.

    Case and spaces around the name do not matter. CUDA always has its index: without one, torch up to 2.4 does not tell
    its free memory, and Forge frees nothing.
    Raises: SettingsError when this machine lacks the device.
    """
    import torch

    written, name = name, name.strip().lower()
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise NotImplementedError("it holds shapes and no numbers")
        if device.type == "cpu":
            return torch.device("cpu")  # torch takes cpu:7 for another device, which has no meaning
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", torch.cuda.current_device())
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:  # ImportError: hpu, privateuseone
        if is_out_of_memory(error):
            return device  # it is there, and the host has not been asked for room yet
        raise SettingsError(
            "device", written, "auto, cpu, or a device that this machine has, such as cuda:0"
        ) from error
    return device


# What a refusal of memory says where it is a plain RuntimeError: CUDA near its limit, Apple's GPU, DirectML, the CPU.
_REFUSALS = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine",
    "not enough memory",
    "not enough GPU video memory",
    "can't allocate memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that a device refused memory."""
    import torch

    # The class has this name in torch 2.1 too.
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(text in str(error) for text in _REFUSALS)


@contextmanager
def refusals(what: str, device: torch.device | str) -> Iterator[None]:
    """Refused memory comes out as our error, all other errors as they are.

    Raises: OutOfMemory.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(what, str(device)) from error


def move_weights(name: str, network: Any, old: torch.device | str, new: torch.device | str) -> None:
    """Take all weights of a network from one device to another, or none.

    Raises: OutOfMemory.
    """
    with refusals(name, new):
        try:
            network.to(new)
        except RuntimeError:
            network.to(old)  # some of the weights are on the new one already
            raise


class OnDevice:
    """A network and where it is; it runs there. network: a module, or spandrel's descriptor of one."""

    def __init__(self, name: str, network: Any, device: torch.device) -> None:
        self.name, self.network, self.device = name, network, device

    def move(self, device: torch.device) -> None:
        """Take the weights to another device; does nothing where they are there already.

        Raises: OutOfMemory; then the weights are where they were.
        """
        if device != self.device:
            move_weights(self.name, self.network, self.device, device)
            self.device = device

    def fall_back(self) -> bool:
        """See `engine.ports.HasFallback`."""
        import torch

        if self.device.type == "cpu":
            return False
        self.move(torch.device("cpu"))
        return True


@contextmanager
def inference(model: str, device: torch.device) -> Iterator[None]:
    """Run a network without gradients; its errors come out as ours.

    Raises: OutOfMemory; InferenceFailed.
    """
    import torch

    try:
        with refusals(model, device), torch.inference_mode():
            yield
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InferenceFailed(model, lines[0]) from error
