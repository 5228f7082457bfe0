"""What each kind of device can do, and what is left alone there. The one place that knows it.

Source: docs/devices.md says what each rule comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib_facerestore.models.devices.kinds import Kind, kind_of

if TYPE_CHECKING:
    import torch

# Below 4 GB and below 4 GiB, because both limits are told of.
_FOUR_GB = 4_000_000_000


@dataclass(frozen=True)
class DeviceRules:
    """What one kind of device can do. A feature that is False is not used there."""

    kind: Kind
    inference_mode: bool = True
    """Torch's inference mode; where it is not used, networks run without gradients all the same."""
    autocast: bool = True
    """Torch's automatic half precision."""
    channels_last: bool = False
    """Channels-last memory for convolutions: False where it is slow, and where nobody measured it."""
    float64: bool = True
    """Numbers of 64 bits."""
    block_bytes: int | None = None
    """What one array must stay below, in bytes; None where only the memory sets a limit."""

    def sentence(self) -> str:
        """The rules in words, for a person; "" where there is none."""
        words = [
            "no inference mode" if not self.inference_mode else "",
            "no automatic half precision" if not self.autocast else "",
            "no channels-last memory" if not self.channels_last else "",
            "no float64" if not self.float64 else "",
            "" if self.block_bytes is None else f"no array of {self.block_bytes / 1e9:g} GB or more",
        ]
        said = ", ".join(word for word in words if word)
        return f"On {self.kind} there is {said}." if said else ""


_RULES: dict[Kind, DeviceRules] = {
    "CPU": DeviceRules("CPU", channels_last=True),
    "CUDA": DeviceRules("CUDA", channels_last=True),
    "ROCm": DeviceRules("ROCm"),
    "ZLUDA": DeviceRules("ZLUDA"),
    "XPU": DeviceRules("XPU", float64=False, block_bytes=_FOUR_GB),
    "MPS": DeviceRules("MPS", autocast=False, float64=False, block_bytes=_FOUR_GB),
    "DirectML": DeviceRules("DirectML", inference_mode=False, autocast=False),
    # Devices of packages that nothing is known of get what works everywhere.
    "other": DeviceRules("other", inference_mode=False, autocast=False),
}


def rules_for(device: torch.device | str) -> DeviceRules:
    """The rules of a device's kind. device: torch's, or its name as torch writes it."""
    import torch

    return _RULES[kind_of(torch.device(device))]
