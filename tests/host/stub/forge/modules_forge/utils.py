"""What extensions import from Forge's helpers."""

from __future__ import annotations

from backend import memory_management


def prepare_free_memory(aggressive: bool = False) -> None:
    """Ask the manager for room."""
    if aggressive:
        memory_management.unload_all_models()
    else:
        memory_management.free_memory(memory_management.minimum_inference_memory(), memory_management.cpu)
