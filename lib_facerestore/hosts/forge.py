"""Memory on the Forge family, whose manager moves models off the device when somebody asks for room."""

from __future__ import annotations

from typing import Any


class ForgeMemory:
    """See `runtime.MemoryPort`. manager: the host's module; its names are the same on Forge, reForge, Classic, Neo."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def make_room(self, size_bytes: int, device: str) -> None:
        """Let the host unload what stands in the way; nothing on the CPU, where it would only cost a reload."""
        import torch

        if torch.device(device).type != "cpu":
            self._manager.free_memory(size_bytes, torch.device(device))

    def released(self) -> None:
        """Give blocks that nobody uses back to the device."""
        self._manager.soft_empty_cache()
