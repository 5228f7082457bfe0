"""Loads and frees nothing; remembers what was asked, for tests."""

from __future__ import annotations

import torch

cpu = torch.device("cpu")
calls: list[tuple] = []


def get_torch_device() -> torch.device:
    """Where models run."""
    return cpu


def get_free_memory(dev: torch.device | None = None, torch_free_too: bool = False) -> int | tuple[int, int]:
    """Bytes: an invented, constant amount."""
    free = 8 * 1024**3
    return (free, free) if torch_free_too else free


def minimum_inference_memory() -> int:
    """Bytes that stay free for computing."""
    return 1024**3


def free_memory(
    memory_required: float, device: torch.device, keep_loaded: list | None = None, free_all: bool = False
) -> None:
    """Remembered."""
    calls.append(("free_memory", memory_required, device, free_all))


def load_models_gpu(models: list, memory_required: float = 0, **options: object) -> None:
    """Remembered."""
    calls.append(("load_models_gpu", models, memory_required))


def soft_empty_cache(force: bool = False) -> None:
    """Remembered."""
    calls.append(("soft_empty_cache", force))


def unload_all_models() -> None:
    """Remembered."""
    calls.append(("unload_all_models",))
