"""Networks that move between devices, and remember where they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lib_facerestore.errors import DeviceFailed, DeviceLost, OutOfMemory
from lib_facerestore.models.devices.running import device_errors, errors_of_devices, first_line
from lib_facerestore.models.devices.torch_state import own_state

if TYPE_CHECKING:
    import torch


def move_weights(name: str, network: Any, old: torch.device | str, new: torch.device | str) -> None:
    """Move all weights of a network from one device to another; where that fails, they all stay.

    name: the model's, for errors. network: a module, or spandrel's descriptor of one.
    Raises: OutOfMemory; DeviceFailed where the new device gives an error; DeviceLost where weights cannot be taken off
    a device any more, which ends their use.
    """
    with own_state():
        try:
            with device_errors(name, new):
                network.to(new)
        except (OutOfMemory, DeviceFailed):
            _move_back(name, network, old, new)  # a part of the weights may be on the new device already
            raise
        except errors_of_devices() as error:  # the new one is the CPU, so it is the old one that fails
            raise DeviceLost(name, str(old), first_line(error)) from error


def _move_back(name: str, network: Any, old: torch.device | str, new: torch.device | str) -> None:
    """Move weights to where they were. Raises: DeviceLost."""
    try:
        network.to(old)
    except errors_of_devices() as error:
        lost = new if str(old) == "cpu" else old
        raise DeviceLost(name, str(lost), first_line(error)) from error


class Movable(Protocol):
    """A network that can be taken to another device."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""

    def move(self, device: torch.device) -> None:
        """Take it to another device."""


class FallsBack:
    """What every network does whose device fails or refuses memory; see `engine.ports.HasFallback`."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        """Devices that failed where the CPU gave a result, each with what it said."""

    def fall_back(self: Movable) -> bool:
        """Move the network to the CPU after its device failed or had no memory; False where it is there already.

        Raises: what moving raises.
        """
        import torch

        if self.device.type == "cpu":
            return False
        self.move(torch.device("cpu"))
        return True

    def avoid(self, device: str, problem: str) -> None:
        """Remember that a device failed where the CPU gave a result; see `engine.ports.HasFallback`."""
        self.failures[device] = problem


class OnDevice(FallsBack):
    """A network and the device on which its weights are and where it runs."""

    def __init__(self, name: str, network: Any, device: torch.device) -> None:
        """name: the model's, for errors. network: a module, or spandrel's descriptor of one, on that device."""
        super().__init__()
        self.name, self.network, self.device = name, network, device

    def move(self, device: torch.device) -> None:
        """Move the weights to another device; nothing happens where they are there already.

        Raises: OutOfMemory or DeviceFailed, and the weights are where they were; DeviceLost.
        """
        if device != self.device:
            move_weights(self.name, self.network, self.device, device)
            self.device = device
