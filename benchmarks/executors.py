"""What OpenVINO costs and gains for each face network: capture, load from the cache, a face, memory. Writes a table.

python -m benchmarks.executors [NAME ...]     from the root of the repository; each measurement is a process of its own
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed import machine, networks
from benchmarks.speed.ours import Forced
from lib_facerestore.engine.data import Crop, Face
from lib_facerestore.models import networks as our_networks
from lib_facerestore.models.adapters.restorers import restorer_for
from lib_facerestore.models.executors.program import HowToRun, Way

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "executors.md"
NAMES = ("GFPGAN", "RestoreFormer", "CodeFormer")
RUNS = 5


def crop(seed: int) -> Crop:
    pixels = np.random.default_rng(seed).random((512, 512, 3)).astype(np.float32)
    return Crop(Face(0, (0, 0, 512, 512), np.zeros((5, 2), np.float32), 1.0), pixels, np.eye(2, 3))


def child(name: str, executor: str, folder: Path) -> dict[str, Any]:
    """Seconds of the first face, of a warm one and of a second fidelity weight, and the process's largest memory."""
    cpu = torch.device("cpu")
    model = our_networks.build(networks.restorer_state(name), name, cpu)
    how = HowToRun(executor="openvino" if executor == "openvino" else "torch", cache_folder=folder)
    restorer: Any = restorer_for(name, name.ljust(64, "0"), model, cpu, how)
    for runner in restorer._runners:
        runner._verdicts = Forced(Way.OPENVINO_FULL if executor == "openvino" else Way.TORCH_FULL)
    first_s, output = timed(lambda: restorer.restore([crop(0)], 0.5))
    warm, again = [], []
    for seed in range(1, RUNS + 1):
        face = crop(seed)
        warm.append(timed(lambda face=face: restorer.restore([face], 0.5))[0])
        again.append(timed(lambda face=face: restorer.restore([face], 0.7))[0])
    np.save(folder / f"{executor}.npy", output[0])
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {
        "first": first_s, "warm": statistics.median(warm), "again": statistics.median(again),
        "peak_mb": int(peak.split()[1]) / 1024, "ways": [runner.used.name for runner in restorer._runners],
    }  # fmt: skip


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def row(name: str) -> str:
    """One line of the table: torch, then OpenVINO with an empty cache, then in a new process with a full one."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        found = {}
        for label, executor in (("torch", "torch"), ("captured", "openvino"), ("cached", "openvino")):
            command = [sys.executable, "-m", "benchmarks.executors", "--child", name, executor, text]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found[label] = json.loads(done.stdout.splitlines()[-1])
            if label == "captured":
                captured = np.load(folder / "openvino.npy")
        cached, torchs = np.load(folder / "openvino.npy"), np.load(folder / "torch.npy")
    assert set(found["cached"]["ways"]) == {"OPENVINO_FULL"}, found
    decibels = 10 * np.log10(1 / max(float(np.mean((cached - torchs) ** 2)), 1e-20))
    torch_row, one, two = found["torch"], found["captured"], found["cached"]
    return (
        f"| {name} | {torch_row['warm']:.2f} | {two['warm']:.2f} | {torch_row['warm'] / two['warm']:.2f}× "
        f"| {torch_row['again'] / torch_row['warm']:.2f} | {two['again'] / two['warm']:.2f} "
        f"| {one['first'] - one['warm']:.1f} | {two['first'] - two['warm']:.1f} "
        f"| {torch_row['peak_mb']:.0f} | {two['peak_mb']:.0f} | {decibels:.0f} dB "
        f"| {'yes' if np.array_equal(captured, cached) else 'no'} |"
    )


def main(names: list[str]) -> None:
    """Measure, print and write."""
    lines = [
        "# OpenVINO beside torch, full precision",
        "",
        "`python -m benchmarks.executors` writes this page. A face of 512×512 px, random weights of real size, medians "
        f"of {RUNS}, each executor in processes of its own, one after the other. Second weight: seconds of another "
        "fidelity weight of the same crop for each second of the first (CodeFormer alone has one). Capture: what the "
        "first face took longer with an empty cache; load: with a full one, in a new process.",
        "",
        *(f"* {key}: {value}" for key, value in machine.machine("cpu").items()),
        f"* commit: {machine.commit()}",
        "",
        "| network | torch s | OpenVINO s | ratio | second weight, torch | second weight, OpenVINO | capture s "
        "| load s | peak MB, torch | peak MB, OpenVINO | agreement | same bytes in two processes |",
        "|---" * 12 + "|",
    ]
    for name in names or NAMES:
        lines.append(row(name))
        print(lines[-1], flush=True)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
    else:
        main(sys.argv[1:])
