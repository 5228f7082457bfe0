"""Device memory on the Forge family, whose manager moves models off the device on request."""

from __future__ import annotations

from typing import Any


class ForgeMemory:
    """The memory port of the Forge family; see `runtime.MemoryPort`."""

    def __init__(self, manager: Any) -> None:
        """manager: the host's module for memory; Forge, reForge, Classic and Neo name its functions alike."""
        self._manager = manager

    def make_room(self, size_bytes: int, device: str) -> None:
        """Let the host unload models until size_bytes are free; on the CPU nothing is done.

        On the CPU unloading would free nothing and cost a reload.
        """
        import torch

        if torch.device(device).type != "cpu":
            self._manager.free_memory(size_bytes, torch.device(device))

    def released(self) -> None:
        """Give unused blocks of torch's allocator back to the device."""
        self._manager.soft_empty_cache()
