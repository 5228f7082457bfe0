"""A device in words, for a person who looks for the reason why it is slow or not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_facerestore.models.devices.kinds import devices_there, name_of
from lib_facerestore.models.devices.memory import free_bytes, total_bytes
from lib_facerestore.models.devices.rules import rules_for

if TYPE_CHECKING:
    import torch


def described(device: torch.device) -> tuple[str, ...]:
    """Lines on a device: its name and memory; torch's build and all that it finds; the rules that hold there."""
    rules = rules_for(device)
    parts = [str(device), rules.kind if rules.kind not in ("CPU", "other") else "", name_of(device), _memory(device)]
    lines = [f"device {' · '.join(part for part in parts if part)}", f"  {build()}"]
    if device.type != "cpu":
        lines += [f"  {sentence}" for sentence in (rules.sentence(), _FALLBACK) if sentence]
    return tuple(lines)


_FALLBACK = "What fails there is tried once on the CPU, which the report says."


def build() -> str:
    """One sentence: torch's version, what it was built for, and the devices that it finds."""
    import torch

    version = torch.version
    made_for = [
        f"ROCm {version.hip}" if getattr(version, "hip", None) else "",
        f"CUDA {version.cuda}" if getattr(version, "cuda", None) else "",
        f"XPU {version.xpu}" if getattr(version, "xpu", None) else "",
        "MPS" if torch.backends.mps.is_built() else "",
    ]
    built = ", ".join(part for part in made_for if part) or "the CPU alone"
    return f"torch {torch.__version__} was built for {built} and finds {', '.join(map(str, devices_there()))}."


def _memory(device: torch.device) -> str:
    """What is free of the device's memory; "" where nobody tells."""
    free, total = free_bytes(device), total_bytes(device)
    if free is None or total is None:
        return ""
    return f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
