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

    Raises: SettingsError when this machine lacks the device.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingsError("device", name, "auto, cpu, or a device that this machine has, such as cuda:0") from error
    return device


class OnDevice:
    """A network and where it is; it runs there. network: a module, or spandrel's descriptor of one."""

    def __init__(self, network: Any, device: torch.device) -> None:
        self.network, self.device = network, device

    def move(self, device: torch.device) -> None:
        """Take the weights to another device; does nothing where they are there already."""
        if device != self.device:
            self.network.to(device)
            self.device = device

    def fall_back(self) -> bool:
        """See `engine.ports.Restorer`."""
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
        with torch.inference_mode():
            yield
    except torch.cuda.OutOfMemoryError as error:  # its name in torch 2.3 too
        raise OutOfMemory(model, str(device)) from error
    except RuntimeError as error:
        # The CPU's allocator raises a plain RuntimeError with this text.
        if "not enough memory" in str(error) or "can't allocate memory" in str(error):
            raise OutOfMemory(model, str(device)) from error
        raise InferenceFailed(model, str(error).splitlines()[0]) from error
