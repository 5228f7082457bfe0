"""The memory manager under the name that reForge and Classic have it by; free_memory takes one argument less."""

from __future__ import annotations

import torch
from memory_manager import (
    calls,
    cpu,
    get_free_memory,
    get_torch_device,
    load_models_gpu,
    minimum_inference_memory,
    soft_empty_cache,
    unload_all_models,
)

__all__ = [
    "calls",
    "cpu",
    "free_memory",
    "get_free_memory",
    "get_torch_device",
    "load_models_gpu",
    "minimum_inference_memory",
    "soft_empty_cache",
    "unload_all_models",
]


def free_memory(memory_required: float, device: torch.device, keep_loaded: list | None = None) -> None:
    """Remembered."""
    calls.append(("free_memory", memory_required, device, False))
