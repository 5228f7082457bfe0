"""Room on the device: which of the hosts' ways of freeing memory this one has."""

from __future__ import annotations

from lib_facerestore.hosts import base
from lib_facerestore.hosts.a1111 import A1111Memory
from lib_facerestore.hosts.forge import ForgeMemory
from lib_facerestore.runtime import MemoryPort

# Forge and Neo, then reForge and Classic.
_MANAGERS = ("backend.memory_management", "ldm_patched.modules.model_management")


def memory_port() -> MemoryPort:
    """The port that fits: the Forge family's memory manager where there is one, else A1111's switches."""
    for name in _MANAGERS:
        manager = base.imported(name)
        if hasattr(manager, "free_memory"):
            return ForgeMemory(manager)
    return A1111Memory()
