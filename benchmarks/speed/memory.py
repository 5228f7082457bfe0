"""Peak memory of one path on one scenario, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.speed import scenes

ROOT = Path(__file__).resolve().parents[2]


def peak_factor(scenario: str, path: str) -> float:
    """Growth of the resident memory during a run, as a multiple of the picture's bytes. path: "stock" or "ours"."""
    command = [sys.executable, "-m", "benchmarks.speed.memory", scenario, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _child(scenario_name: str, path_name: str) -> float:
    from benchmarks import memory
    from benchmarks.speed.ours import FULL, OurPath
    from benchmarks.speed.stock import StockPath

    (scenario,) = [scenario for scenario in scenes.SCENARIOS if scenario.name == scenario_name]
    scene, device = scenes.scene(scenario), torch.device("cpu")
    with tempfile.TemporaryDirectory() as folder:
        path = StockPath("–", scenario, device) if path_name == "stock" else None
        path = path or OurPath("–", scenario, FULL, device, Path(folder))
        start = memory.current_bytes()
        memory.reset_peak()
        path.run(scene)
    return (memory.peak_now() - start) / scene.pixels.nbytes


if __name__ == "__main__":
    print(json.dumps(_child(*sys.argv[1:3])))
