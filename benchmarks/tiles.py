"""Our tiles beside the host's recipe: time, seam error against untiled, peak memory.

python benchmarks/tiles.py [PHOTOGRAPH] [--rounds 3] [--threads 1] writes benchmarks/results/tiles.md after each round.
Every run is a process of its own, the methods take turns, times are medians of CPU seconds (and of wall time), memory
is the growth of ru_maxrss during the run. One thread is the default, because CPU seconds of one thread hardly depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SIZE_WH = (512, 400)
MODELS = ("Real-ESRGAN animevideov3 (embedded)", "Real-ESRGAN x4plus (embedded)")
# What the host's settings are when nobody changes them (A1111 1.10, Forge): ESRGAN_tile, ESRGAN_tile_overlap.
HOST_TILE_PX, HOST_OVERLAP_PX = 192, 8
METHODS = ("ours", "ours, 9 tiles", "host 192/8")


def photograph(path: Path) -> NDArray[np.uint8]:
    """512×400 px from the middle of the photograph, reduced first when it is much larger."""
    image = Image.open(path).convert("RGB")
    cover = max(SIZE_WH[0] / image.width, SIZE_WH[1] / image.height)
    if cover < 0.8:
        image = image.resize((round(image.width * cover), round(image.height * cover)), Image.Resampling.LANCZOS)
    left, top = (image.width - SIZE_WH[0]) // 2, (image.height - SIZE_WH[1]) // 2
    return np.asarray(image.crop((left, top, left + SIZE_WH[0], top + SIZE_WH[1])))


def host_recipe(rgb: NDArray[np.uint8], model: Any) -> NDArray[np.uint8]:
    """Squares that overlap, each upscaled alone through PIL, joined with linear ramps: first to rows, then the rows.

    Source: description of split_grid, combine_grid and tiled_upscale_2 of stable-diffusion-webui 1.10 (AGPL-3.0);
    written anew.
    """
    image, scale = Image.fromarray(rgb), model.scale
    tile_wh = (min(HOST_TILE_PX, image.width), min(HOST_TILE_PX, image.height))
    lefts, tops = _starts(image.width, tile_wh[0]), _starts(image.height, tile_wh[1])
    overlap = HOST_OVERLAP_PX * scale
    ramp = np.minimum(np.arange(overlap) * 255.0 / overlap, 255).astype(np.uint8)
    finished = Image.new("RGB", (image.width * scale, image.height * scale))
    for top in tops:
        row = Image.new("RGB", (image.width * scale, tile_wh[1] * scale))
        for left in lefts:
            tile = _upscale_alone(image.crop((left, top, left + tile_wh[0], top + tile_wh[1])), model)
            mask = Image.fromarray(np.tile(ramp, (tile.height, 1)))
            _join(row, tile, (left * scale, 0), (overlap, tile.height), mask if left else None)
        mask = Image.fromarray(np.tile(ramp[:, None], (1, row.width)))
        _join(finished, row, (0, top * scale), (row.width, overlap), mask if top else None)
    return np.asarray(finished)


def _starts(length: int, tile: int) -> list[int]:
    step = tile - HOST_OVERLAP_PX
    count = math.ceil((length - HOST_OVERLAP_PX) / step)
    return [min(int(index * (length - tile) / max(count - 1, 1)), length - tile) for index in range(count)]


def _join(canvas: Image.Image, piece: Image.Image, at: tuple[int, int], seam_wh: tuple[int, int], mask: Any) -> None:
    """Paste the piece; where there is a mask, its first `seam_wh` px are blended over what is there."""
    if mask is None:
        canvas.paste(piece, at)
        return
    seam = piece.crop((0, 0, *seam_wh))
    before = canvas.crop((at[0], at[1], at[0] + seam_wh[0], at[1] + seam_wh[1]))
    canvas.paste(piece, at)
    canvas.paste(before, at)
    canvas.paste(seam, at, mask)


def _upscale_alone(tile: Image.Image, model: Any) -> Image.Image:
    """PIL → BGR → tensor → network → PIL, as the host does it."""
    import torch

    bgr = np.ascontiguousarray(np.asarray(tile)[..., ::-1])
    pixels = torch.from_numpy(bgr).permute(2, 0, 1).float().div(255).flip(0)[None]
    with torch.inference_mode():
        output = model(pixels)[0]
    return Image.fromarray((output.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy())


def child(method: str, model_name: str, path: Path, result: Path) -> None:
    """One run in this process: prints seconds and MB, stores the picture."""
    import torch

    from lib_facerestore.engine.ports import NoProgress
    from lib_facerestore.engine.upscaling import tiles
    from lib_facerestore.models import networks, weights
    from lib_facerestore.models.adapters.tiled_upscaler import TiledUpscaler
    from lib_facerestore.runtime import Runtime

    runtime, spec = Runtime(device="cpu"), weights.choose(model_name, "upscaler", Runtime(device="cpu"))
    found = weights.resolve(spec, runtime)
    model = networks.build(weights.load(found, runtime), spec.name, torch.device("cpu"))
    upscaler = TiledUpscaler(spec, found.sha256, model, torch.device("cpu"))
    rgb = photograph(path)
    if method == "ours, 9 tiles":  # the planner would not cut so small a picture so often
        grid = tiles.grid(rgb.shape[:2], (3, 3), spec.context_px)
        tiles.plan = lambda *_: grid
    if method == "untiled":
        size = rgb.shape[:2]
        tiles.plan = lambda *_: tiles.grid(size, (1, 1), 0)
    model(torch.rand(1, 3, 32, 48))  # warm
    computed: list[int] = []
    model.model.register_forward_pre_hook(lambda _, inputs: computed.append(inputs[0][:, 0].numel()))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, start = time.perf_counter(), time.process_time()
    if method == "host 192/8":
        pixels, count = host_recipe(rgb, model), 9
    else:
        done = upscaler.upscale(rgb, NoProgress())
        pixels, count = done.pixels, done.tiles
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    np.save(result, pixels)
    per_px = sum(computed) / (rgb.shape[0] * rgb.shape[1])
    print(json.dumps({"seconds": seconds, "wall": wall, "mb": grown, "tiles": count, "computed": per_px}))


def measure(method: str, model: str, path: Path, folder: Path, threads: int) -> dict[str, Any]:
    """One run in a child process, its picture included."""
    result = folder / "result.npy"
    command = [sys.executable, __file__, str(path), "--child", method, model, str(result)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": str(threads)}
    environment |= {"THP_MEM_ALLOC_ENABLE": "1"}  # for all methods alike, as the command line sets it
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return json.loads(output.splitlines()[-1]) | {"pixels": np.load(result)}


def rows(model: str, runs: dict[str, list[dict[str, Any]]], untiled: NDArray[np.uint8]) -> list[str]:
    """Rows of the table for one network."""
    host = statistics.median(run["seconds"] for run in runs["host 192/8"])
    table = []
    for method, done in runs.items():
        first = done[0]
        error = np.abs(first["pixels"].astype(np.int16) - untiled)
        seconds, wall, memory = (statistics.median(run[key] for run in done) for key in ("seconds", "wall", "mb"))
        table.append(
            f"| {model} | {method} | {first['tiles']} | {first['computed']:.2f}× | {len(done)} "
            f"| {seconds:.1f} ({wall:.1f}) | {host / seconds:.2f}× | {error.max()} | {error.mean():.4f} "
            f"| {memory:.0f} |"
        )
    return table


def report(table: list[str], path: Path, threads: int) -> str:
    """The Markdown page."""
    import torch

    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}, NumPy {np.__version__}"
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {threads} thread(s)"
    return "\n".join(
        [
            "# Tiles",
            "",
            f"`python benchmarks/tiles.py`: {SIZE_WH[0]}×{SIZE_WH[1]} px of {path.name}, ×4, float32, CPU; interleaved "
            "rounds, medians of CPU seconds (wall time in brackets); computed: px that the network sees for each px "
            "of the picture; error in levels of 255 against untiled; memory: growth of ru_maxrss. Huge pages as the "
            "command line asks for them (THP_MEM_ALLOC_ENABLE=1), for all methods alike.",
            "",
            f"{machine}; {versions}; load average at the end {os.getloadavg()[0]:.1f}.",
            "",
            "| network | method | tiles | computed | rounds | seconds | host's time / this | max error | mean error "
            "| MB |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *table,
            "",
        ]
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photograph", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--child", nargs=3, metavar=("METHOD", "MODEL", "RESULT"))
    arguments = parser.parse_args()
    path = arguments.photograph or min((ROOT / "samples" / "photographs").glob("*.[jp][pn]g"))
    if arguments.child:
        child(arguments.child[0], arguments.child[1], path, Path(arguments.child[2]))
        return
    finished: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            runs: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
            for _ in range(arguments.rounds):
                for method in METHODS:
                    runs[method].append(measure(method, model, path, Path(folder), arguments.threads))
                if runs["ours"][0]["tiles"] == 1:
                    untiled = runs["ours"][0]["pixels"]
                else:
                    untiled = measure("untiled", model, path, Path(folder), arguments.threads)["pixels"]
                page = report(finished + rows(model, runs, untiled), path, arguments.threads)
                (ROOT / "benchmarks" / "results" / "tiles.md").write_text(page, encoding="utf-8")
            finished += rows(model, runs, untiled)
    print(page)


if __name__ == "__main__":
    main()
