"""Seconds and peak memory of reading and writing a picture of 100 megapixels, beside another checkout of the project.

Run: python benchmarks/reading_and_writing.py [--other FOLDER] [--rounds 3]. Every figure comes from a process of its
own; both checkouts take turns. Writes benchmarks/results/reading_and_writing.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reading_and_writing.md"
HEIGHT, WIDTH = 8660, 11547  # 100.0 megapixels, 4:3
FILES = (("JPEG", ".jpg", 8), ("PNG", ".png", 8), ("PNG", ".png", 16), ("TIFF", ".tif", 8), ("TIFF", ".tif", 16))


def canvas(bits: int) -> np.ndarray:
    """Gentle slopes with fine grain, as a photograph compresses."""
    slope = np.linspace(60, 200, HEIGHT, dtype=np.float32)[:, None, None]
    grain = np.random.default_rng(1).normal(0, 3, (512, WIDTH, 3)).astype(np.float32)
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for top in range(0, HEIGHT, 512):
        pixels[top : top + 512] = slope[top : top + 512] + grain[: min(512, HEIGHT - top)]
    return pixels if bits == 8 else pixels.astype(np.uint16) * 257


def child(task: str, path: Path, bits: int) -> None:
    """Read or write once, and print seconds and the growth of the peak in bytes."""
    from lib_facerestore.engine import pixels
    from lib_facerestore.engine.data import Picture

    picture = Picture(canvas(bits)) if task == "write" else None
    # The peak of making the canvas is forgotten, or it would hide what writing needs. Linux only.
    Path("/proc/self/clear_refs").write_text("5")
    before, started = _status_bytes("VmRSS"), time.perf_counter()
    if picture is None:
        pixels.read(path)
    else:
        pixels.write(picture, path, overwrite=True)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "bytes": _status_bytes("VmHWM") - before}))


def _status_bytes(name: str) -> int:
    """VmRSS: memory in use now; VmHWM: its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def measure(checkout: Path, task: str, path: Path, bits: int) -> dict[str, float]:
    """One process of that checkout."""
    command = [sys.executable, __file__, "--child", task, "--file", str(path), "--bits", str(bits)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin"}
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """All files, both tasks, the checkouts in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", type=Path, help="another checkout, measured in turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=("read", "write"))
    parser.add_argument("--file", type=Path)
    parser.add_argument("--bits", type=int, default=8)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.file, options.bits)
        return
    checkouts = {"now": ROOT} | ({"before": options.other.resolve()} if options.other else {})
    lines = [
        "# Reading and writing 100 megapixels",
        "",
        f"Written by `python benchmarks/reading_and_writing.py`; medians of {options.rounds}, each in a process of its",
        "own, checkouts in turn. Memory: growth of the peak, as a multiple of the decoded pixels (reading: with them).",
        f"{platform.machine()}, Python {platform.python_version()}.",
        "",
        "| file | task | " + " | ".join(f"{name}: s | {name}: × pixels" for name in checkouts) + " |",
        "|---|---|" + "---|---|" * len(checkouts),
    ]
    with tempfile.TemporaryDirectory() as name:
        for label, suffix, bits in FILES:
            path = Path(name) / f"{bits}{suffix}"
            for task in ("write", "read"):
                rows: dict[str, list[dict[str, float]]] = {key: [] for key in checkouts}
                for _ in range(options.rounds):
                    for key, checkout in checkouts.items():
                        rows[key].append(measure(checkout, task, path, bits))
                cells = [cell for key in checkouts for cell in _cells(rows[key], bits)]
                lines.append(f"| {label} {bits} | {task} | " + " | ".join(cells) + " |")
                print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cells(rows: list[dict[str, float]], bits: int) -> tuple[str, str]:
    size = HEIGHT * WIDTH * 3 * bits // 8
    seconds = statistics.median(row["seconds"] for row in rows)
    return f"{seconds:.2f}", f"{statistics.median(row['bytes'] for row in rows) / size:.2f}"


if __name__ == "__main__":
    main()
