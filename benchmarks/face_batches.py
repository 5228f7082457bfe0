"""Four faces through a restorer one by one, two at once and four at once: what a batch costs or saves on a device.

`python benchmarks/face_batches.py [--device cpu] [--rounds 3] [GFPGAN CodeFormer RestoreFormer embedded]`. The ways
take turns after a warm-up; random weights of real size, the embedded ones trained. Prints medians; changes nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.speed.networks import restorer_state
from lib_facerestore.engine.data import Crop, Face
from lib_facerestore.models import networks
from lib_facerestore.models.adapters.restorers import restorer_for

BATCHES = (1, 2, 4)
# The face's side in the picture, which the embedded restorer goes by; the others see 512 px always.
NATIVE_SIDE_PX = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("restorers", nargs="*", default=["GFPGAN", "CodeFormer", "RestoreFormer", "embedded"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name in options.restorers:
        seconds = measure(name, torch.device(options.device), options.rounds)
        print(f"{name}: " + ", ".join(f"{size} at once {value:.1f} s" for size, value in seconds.items()), flush=True)


def measure(name: str, device: torch.device, rounds: int) -> dict[int, float]:
    """Median seconds for four faces, by the faces in a batch."""
    restorer = restorer_for(name, "0" * 64, networks.build(restorer_state(name), name, device), device)
    crops = four_crops()
    restorer.restore(crops[:1], 0.5)
    found: dict[int, list[float]] = {size: [] for size in BATCHES}
    for _ in range(rounds):
        for size, runs in found.items():
            started = time.perf_counter()
            for first in range(0, len(crops), size):
                restorer.restore(crops[first : first + size], 0.5)  # its results lie in main memory: nothing is pending
            runs.append(time.perf_counter() - started)
    return {size: statistics.median(runs) for size, runs in found.items()}


def four_crops() -> list[Crop]:
    """Noise, aligned as faces of NATIVE_SIDE_PX would be."""
    scale = 512 / NATIVE_SIDE_PX
    affine = np.array([[scale, 0, 0], [0, scale, 0]])
    face = Face(0, (0, 0, NATIVE_SIDE_PX, NATIVE_SIDE_PX), np.zeros((5, 2), np.float32), 1.0)
    noise = np.random.default_rng(3).random((4, 512, 512, 3), dtype=np.float32)
    return [Crop(face, pixels, affine) for pixels in noise]


if __name__ == "__main__":
    main()
