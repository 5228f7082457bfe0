"""What extensions import from the helpers of Forge and Neo."""

from __future__ import annotations

import memory_manager


def prepare_free_memory(aggressive: bool = False) -> None:
    """Ask the manager for room."""
    if aggressive:
        memory_manager.unload_all_models()
    else:
        memory_manager.free_memory(memory_manager.minimum_inference_memory(), memory_manager.cpu)
