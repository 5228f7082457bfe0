"""Finds out which way of freeing device memory the running host has."""

from __future__ import annotations

from lib_facerestore.hosts import base
from lib_facerestore.hosts.a1111 import A1111Memory
from lib_facerestore.hosts.forge import ForgeMemory
from lib_facerestore.runtime import MemoryPort

# Modules of Forge and Neo, then of reForge and Classic.
_MANAGERS = ("backend.memory_management", "ldm_patched.modules.model_management")


def memory_port() -> MemoryPort:
    """The memory port of this host: the Forge family's where a memory manager is found, else A1111's."""
    for name in _MANAGERS:
        manager = base.imported(name)
        if hasattr(manager, "free_memory"):
            return ForgeMemory(manager)
    return A1111Memory()
