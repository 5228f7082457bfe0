"""Peak memory of a 100 megapixel picture: of `session.restore` on a decoded one, and of the whole command line.

Run: python benchmarks/memory.py. Each row runs in a process of its own; writes benchmarks/results/memory.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
RESULTS = ROOT / "benchmarks" / "results" / "memory.md"
HEIGHT, WIDTH = 8660, 11547  # 100.0 megapixels, 4:3
FACES = 10
# Source: design §8.
ENGINE_TARGET, COMMAND_TARGET = 2.2, 4.5
FACE_PHOTOGRAPH = ROOT / "samples" / "photographs" / "astronaut.jpg"


def canvas(dtype: type = np.uint8) -> np.ndarray:
    """A photograph of a face, small in a large picture of gentle slopes and fine grain."""
    from PIL import Image

    rows = np.linspace(60, 200, HEIGHT, dtype=np.float32)[:, None, None]
    grain = np.random.default_rng(1).normal(0, 3, (512, WIDTH, 3)).astype(np.float32)
    pixels = np.empty((HEIGHT, WIDTH, 3), dtype)
    for top in range(0, HEIGHT, 512):
        band = rows[top : top + 512] + grain[: min(512, HEIGHT - top)]
        pixels[top : top + 512] = np.clip(band, 0, 255).astype(np.uint8)
    with Image.open(FACE_PHOTOGRAPH) as image:
        face = np.asarray(image.convert("RGB").resize((image.width * 6, image.height * 6)))
    pixels[1000 : 1000 + face.shape[0], 3000 : 3000 + face.shape[1]] = face
    return pixels if dtype == np.uint8 else pixels * dtype(257)


def engine_row(dtype_name: str) -> dict[str, float]:
    """`session.restore` with a fake detector of ten faces and a fake restorer."""
    from helpers.support import FakeDetector, FakeRestorer, face_at
    from lib_facerestore.engine.data import Picture
    from lib_facerestore.engine.ports import Tools
    from lib_facerestore.session.session import Session
    from lib_facerestore.settings import RestoreSettings

    faces = [face_at(1000 + 1000 * i, 3000 + 300 * i, 700 + 60 * i, 7 * i, i) for i in range(FACES)]
    tools = Tools(FakeDetector(*faces), FakeRestorer())
    session = Session()
    session.tools = lambda settings: tools  # type: ignore[method-assign]
    picture = Picture(canvas(np.dtype(dtype_name).type))
    start = current_bytes()
    reset_peak()
    (result,) = session.restore([picture], RestoreSettings())
    assert result.report.count("restored") == FACES
    return {"picture": picture.pixels.nbytes, "start": start, "peak": peak_now()}


def current_bytes() -> int:
    """Resident memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def reset_peak() -> None:
    """Let the kernel count the peak anew, because making the picture took more than the picture."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_now() -> int:
    """The peak since `reset_peak`."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def command_row(suffix: str, dtype_name: str, options: list[str]) -> dict[str, float]:
    """`facerestore restore` on a file, as a user would run it."""
    from lib_facerestore.engine import pixels
    from lib_facerestore.engine.data import Picture

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"large{suffix}"
        picture = Picture(canvas(np.dtype(dtype_name).type))
        size = picture.pixels.nbytes
        pixels.write(picture, source)
        del picture
        file_bytes = source.stat().st_size
        command = [sys.executable, "-m", "lib_facerestore", "restore", str(source), "-o", folder + "/out", *options]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.read().splitlines()[0]
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, said
    return {"picture": size, "file": file_bytes, "peak": usage.ru_maxrss * 1024, "said": said}  # type: ignore[dict-item]


def floor_row(options: list[str]) -> dict[str, float]:
    """The same command on a small picture: Python, torch and the networks, with their activations for one face."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lib_facerestore", "restore", str(FACE_PHOTOGRAPH), "-o", folder, *options]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.read().splitlines()[0]
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, said
    return {"picture": 0, "peak": usage.ru_maxrss * 1024}


ROWS = {
    "session.restore, 8 bits": ("engine", "uint8"),
    "session.restore, 16 bits": ("engine", "uint16"),
    "command, small photograph, no restorer": ("floor", "--restorer", "none"),
    "command, small photograph, x4plus": ("floor",),
    "command, JPEG, no restorer": ("command", ".jpg", "uint8", "--restorer", "none"),
    "command, PNG, no restorer": ("command", ".png", "uint8", "--restorer", "none"),
    "command, PNG 16, no restorer": ("command", ".png", "uint16", "--restorer", "none"),
    "command, TIFF 16, no restorer": ("command", ".tif", "uint16", "--restorer", "none"),
    "command, JPEG, x4plus": ("command", ".jpg", "uint8"),
}


def measured(row: tuple[str, ...]) -> dict[str, float]:
    """The row's figures, from a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--row", json.dumps(row)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise SystemExit(f"{row} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(names: list[str]) -> str:
    """The document."""
    import cv2
    import PIL
    import torch

    found = {name: measured(ROWS[name]) for name in names}
    lines = [
        "# Memory of a 100 megapixel picture",
        "",
        f"`python benchmarks/memory.py` on {time.strftime('%Y-%m-%d')}: {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {np.__version__}, OpenCV {cv2.__version__}, "
        f"Pillow {PIL.__version__}, PyTorch {torch.__version__}, CPU only.",
        f"{WIDTH}×{HEIGHT} px; factor: peak (above the start, for `session.restore`) / decoded pixels. The command's",
        "budget beside its factor is the peak of the same command on a small photograph: Python, torch, networks and",
        "their activations for one face.",
        "",
        "| what | pixels MB | file MB | peak MB | factor | target |",
        "|---|---|---|---|---|---|",
    ]
    floors = {name.rsplit(", ", 1)[1]: row["peak"] for name, row in found.items() if "small photograph" in name}
    for name, row in found.items():
        size, above = row["picture"] / 1e6, (row["peak"] - row.get("start", 0)) / 1e6
        floor = floors.get(name.rsplit(", ", 1)[1], 0.0)
        target = f"≤ {ENGINE_TARGET}" if "start" in row else f"≤ {COMMAND_TARGET} + {floor / 1e6:.0f} MB"
        if not size:
            lines.append(f"| {name} | – | – | {above:.0f} | – | – |")
            continue
        file_mb = f"{row['file'] / 1e6:.0f}" if "file" in row else "–"
        lines.append(f"| {name} | {size:.0f} | {file_mb} | {above:.0f} | {above / size:.2f} | {target} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all rows, or the one named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--row", type=json.loads)
    options.add_argument("--only", nargs="*", choices=list(ROWS), default=list(ROWS))
    chosen = options.parse_args()
    if chosen.row:
        kind, *rest = chosen.row
        if kind == "engine":
            figures = engine_row(rest[0])
        else:
            figures = floor_row(rest) if kind == "floor" else command_row(rest[0], rest[1], rest[2:])
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    text = table(chosen.only)
    sys.stdout.write(text)
    if len(chosen.only) == len(ROWS):
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
