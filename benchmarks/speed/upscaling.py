"""×4 upscaling with nine tiles forced, beside the host's recipe, and what a host's start-up costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import tiles

ROOT = Path(__file__).resolve().parents[2]
_PHOTOGRAPH = ROOT / "samples" / "photographs" / "astronaut.jpg"


def measure_tiles(rounds: int) -> Iterator[dict[str, Any]]:
    """One row for each network and way; each run is a process of its own, the ways take turns."""
    threads = torch.get_num_threads()
    for model in tiles.MODELS:
        with tempfile.TemporaryDirectory() as folder:
            runs: dict[str, list[dict[str, Any]]] = {method: [] for method in tiles.METHODS}
            for _ in range(rounds):
                for method, done in runs.items():
                    done.append(tiles.measure(method, model, _PHOTOGRAPH, Path(folder), threads))
            untiled = runs["ours"][0]
            if untiled["tiles"] > 1:
                untiled = tiles.measure("untiled", model, _PHOTOGRAPH, Path(folder), threads)
        stock = statistics.median(run["wall"] for run in runs["host 192/8"])
        for method, done in runs.items():
            error = np.abs(done[0]["pixels"].astype(np.int16) - untiled["pixels"])
            seconds = statistics.median(run["wall"] for run in done)
            yield {
                "network": model,
                "method": method,
                "rounds": rounds,
                "tiles": done[0]["tiles"],
                "computed": done[0]["computed"],
                "seconds": seconds,
                "ratio": stock / seconds,
                "max_error": int(error.max()),
                "mean_error": float(error.mean()),
            }


def startup_lines() -> list[str]:
    """What `benchmarks/startup.py` says, a line for each environment of the stub host."""
    done = subprocess.run(
        [sys.executable, "benchmarks/startup.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()
