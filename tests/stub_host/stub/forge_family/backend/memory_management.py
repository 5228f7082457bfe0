"""The memory manager under the name that Forge and Neo have it by."""

from __future__ import annotations

from memory_manager import (
    calls,
    cpu,
    free_memory,
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
