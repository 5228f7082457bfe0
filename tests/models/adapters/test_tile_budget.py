"""Tile budgets: what a device's memory allows, and what is tried when it is refused."""

import torch

from lib_facerestore.models.adapters.tile_budget import TileBudget, fallback_steps, first_budget


def test_the_fallback_steps_end_on_the_cpu():
    # Floor: (2·48 + 32)² = 16,384.
    assert list(fallback_steps(TileBudget("cuda:0", 60_000, 4), 48)) == [
        TileBudget("cuda:0", 60_000, 4),
        TileBudget("cuda:0", 60_000, 2),
        TileBudget("cuda:0", 60_000, 1),
        TileBudget("cuda:0", 30_000, 1),
        TileBudget("cuda:0", 16_384, 1),
        TileBudget("cpu", 60_000, 1),
        TileBudget("cpu", 30_000, 1),
        TileBudget("cpu", 16_384, 1),
    ]


def test_the_first_budget_follows_the_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**9, 8 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * 10**8)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 10**8)

    # 0.7 of 1.2 GB, and the stated 2 GiB of the CPU.
    assert first_budget("cuda:0", 10_000) == TileBudget("cuda:0", 84_000, 1)
    assert first_budget("cuda:0", 100) == TileBudget("cuda:0", 1 << 20, 8)
    assert first_budget("cpu", 10_000) == TileBudget("cpu", 214_748, 1)
