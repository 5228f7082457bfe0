"""Memory of upscaling large pictures: 16 megapixels in, 64 out, each run in a process of its own.

python benchmarks/large_upscale.py writes benchmarks/results/large_upscale.md. The peak is ru_maxrss less what the
process held when the picture was there and nothing had run yet. A network of three small convolutions stands in for the
real ones at 16 MP: what it computes does not matter to how tiles and canvas are held. Real weights run on 2 MP.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "results" / "large_upscale.md"


@dataclass(frozen=True)
class Case:
    """One row. network_scale: of the stand-in; 0 for Lanczos alone, −1 for the embedded animevideov3."""

    name: str
    size_hw: tuple[int, int]
    scale: float
    network_scale: int
    strength: float = 1.0
    dtype: str = "uint8"


CASES = (
    Case("Lanczos", (3464, 4620), 2, 0),
    Case("small network ×2", (3464, 4620), 2, 2),
    Case("small network ×2", (3464, 4620), 2, 2, 0.75),
    Case("small network ×2", (3464, 4620), 2, 2, 0.75, "uint16"),
    Case("small network ×4", (3464, 4620), 2, 4),
    Case("small network ×4", (3464, 4620), 2, 4, 0.75),
    Case("small network ×4", (1732, 2310), 4, 4),
    Case("animevideov3 ×4", (1224, 1632), 2, -1, 0.75),
)


def child(case: Case) -> None:
    """One run in this process; prints MB, seconds and tiles."""
    from lib_facerestore.engine.data import Picture
    from lib_facerestore.engine.ports import NoProgress, Tools
    from lib_facerestore.engine.upscaling import background, upscale_picture
    from lib_facerestore.settings import RestoreSettings

    upscaler = _upscaler(case)
    settings = RestoreSettings(restorer="none", scale=case.scale, upscale_strength=case.strength)
    tools = Tools(None, None, upscaler=upscaler)

    def enlarged(picture: Picture) -> background.Background:
        plan = background.size_plan(picture.size_hw, settings, upscaler)
        return upscale_picture(picture, plan, tools, settings, NoProgress())

    enlarged(Picture(np.zeros((48, 64, 3), case.dtype)))  # warm
    row = np.linspace(0, np.iinfo(case.dtype).max, case.size_hw[1]).astype(case.dtype)
    picture = Picture(np.ascontiguousarray(np.broadcast_to(row[None, :, None], (*case.size_hw, 3))))
    before = _peak_mb()
    started = time.perf_counter()
    done = enlarged(picture)
    seconds = time.perf_counter() - started
    sizes = picture.pixels.nbytes / 1e6, done.pixels.nbytes / 1e6
    record = {
        "in": sizes[0],
        "out": sizes[1],
        "grown": _peak_mb() - before,
        "seconds": seconds,
        "tiles": done.ran.tiles,
    }
    print(json.dumps(record))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _upscaler(case: Case) -> Any:
    """The stand-in or the embedded network behind our own adapter; None for Lanczos."""
    if case.network_scale == 0:
        return None
    import torch

    from lib_facerestore.models import networks, weights
    from lib_facerestore.models.adapters.tiled_upscaler import TiledUpscaler
    from lib_facerestore.models.catalogue.spec import ModelSpec
    from lib_facerestore.runtime import Runtime

    cpu = torch.device("cpu")
    if case.network_scale > 0:
        spec = ModelSpec(case.name, ("upscaler",), "compact", "MIT", context_px=4)
        return TiledUpscaler(spec, "", networks.build(small_network(case.network_scale), case.name, cpu), cpu)
    runtime = Runtime(device="cpu")
    spec = weights.choose("Real-ESRGAN animevideov3 (embedded)", "upscaler", runtime)
    found = weights.resolve(spec, runtime)
    return TiledUpscaler(spec, found.sha256, networks.build(weights.load(found, runtime), spec.name, cpu), cpu)


def small_network(scale: int) -> dict[str, Any]:
    """Weights of the smallest network of the Compact kind: 8 features, and after them the pixel shuffle."""
    import torch

    generator = torch.Generator().manual_seed(0)
    shapes = {
        "body.0.weight": (8, 3, 3, 3), "body.0.bias": (8,), "body.1.weight": (8,),
        "body.2.weight": (8, 8, 3, 3), "body.2.bias": (8,), "body.3.weight": (8,),
        "body.4.weight": (3 * scale**2, 8, 3, 3), "body.4.bias": (3 * scale**2,),
    }  # fmt: skip
    return {name: torch.randn(shape, generator=generator) * 0.01 for name, shape in shapes.items()}


def row(case: Case, record: dict[str, Any]) -> str:
    """One Markdown row."""
    height, width = case.size_hw
    megapixels = f"{height * width / 1e6:.1f} → {height * width * case.scale**2 / 1e6:.0f}"
    held = record["in"] + record["out"]
    peak = record["in"] + record["grown"]
    return (
        f"| {case.name} | {case.dtype} | {megapixels} | {case.strength:g} | {record['tiles']} | {held:.0f} "
        f"| {peak:.0f} | {peak / held:.1f}× | {record['seconds']:.0f} |"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", type=int)
    chosen = parser.parse_args()
    if chosen.child is not None:
        child(CASES[chosen.child])
        return
    table = []
    for index, case in enumerate(CASES):
        command = [sys.executable, __file__, "--child", str(index)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        table.append(row(case, json.loads(output.splitlines()[-1])))
        print(table[-1], flush=True)
        PAGE.write_text("\n".join([*HEAD, *table, "", *NOTES, ""]), encoding="utf-8")


HEAD = (
    "# Memory of large pictures",
    "",
    "`python benchmarks/large_upscale.py`: sizes in MB (10⁶ bytes), CPU; peak: the picture plus "
    "the growth of ru_maxrss while it was enlarged, after a small picture had warmed everything.",
    "",
    "| upscaler | depth | megapixels | strength | tiles | in + out | peak | peak / (in + out) | seconds |",
    "|---|---|---|---|---|---|---|---|---|",
)
NOTES = (
    "The bound, by the code: picture and finished picture, a second finished-size picture where the strength is "
    "between 0 and 1, one row of tiles of the network's own canvas (its last run is reduced row by row; runs before "
    "it are whole), and a tile's activations and float output, budgeted at 2 GiB on a CPU. No float copy of the whole "
    "picture is part of it, and no canvas of the network's own factor.",
)

if __name__ == "__main__":
    main()
