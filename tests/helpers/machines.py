"""Machines with other GPUs than this one, as far as torch is asked about them."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import torch


def put_machine(
    monkeypatch: pytest.MonkeyPatch, cuda: int = 0, xpu: int = 0, mps: bool = False, directml: int = 0
) -> None:
    """Let torch find so many GPUs of each kind, and be able to make tensors on them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: xpu > 0)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: xpu)
    monkeypatch.setattr(torch.xpu, "current_device", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    package: Any = None  # which makes its import fail
    if directml:
        package = types.ModuleType("torch_directml")
        package.device_count = lambda: directml
        package.device = lambda: torch.device("privateuseone", 0)
        package.device_name = lambda index: f"Radeon RX {index}\0"
    monkeypatch.setitem(sys.modules, "torch_directml", package)
    counts = {"cpu": 1, "cuda": cuda, "xpu": xpu, "mps": int(mps), "privateuseone": directml}
    empty = torch.empty

    def made(*shape: Any, device: Any = None, **more: Any) -> Any:
        where = torch.device(device or "cpu")
        if (where.index or 0) >= counts.get(where.type, 0):
            raise RuntimeError(f"there is no {where}")
        return empty(*shape, **more)

    monkeypatch.setattr(torch, "empty", made)
