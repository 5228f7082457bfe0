"""Restores samples with every combination, with the lib_facerestore that Python finds first; one session for all.

python benchmarks/same/driver.py FOLDER RESULT [TEXT]: pictures of FOLDER; digests and texts go to RESULT, a JSON file.
`same_pixels.py` runs it once for each commit. Of the project it imports only names that outlast a move of files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from combinations import COMBINATIONS, TINY_1X, TINY_2X, Combination
from safetensors.torch import save_file

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings

# Where the text that a WebUI writes is made, before and after the page got a room of its own.
RECORDS = ("lib_facerestore.webui.infotext", "lib_facerestore.webui.page.infotext")
Record = Callable[[Any, RestoreSettings], Mapping[str, str]]


def tiny_network(scale: int) -> dict[str, torch.Tensor]:
    """Weights of an SRVGGNetCompact of 8 features, fixed random numbers.

    Shapes: first layer (8, 3, 3, 3), last one (3·scale², 8, 3, 3).
    Source: names of keys as Real-ESRGAN 0.3 (BSD-3-Clause) gives them.
    """
    numbers = torch.Generator().manual_seed(scale)
    sizes = [(3, 8), (8, 8), (8, 3 * scale**2)]
    state = {}
    for index, (taken, given) in enumerate(sizes):
        state[f"body.{2 * index}.weight"] = torch.randn(given, taken, 3, 3, generator=numbers) * 0.05
        state[f"body.{2 * index}.bias"] = torch.zeros(given)
        if index < len(sizes) - 1:
            state[f"body.{2 * index + 1}.weight"] = torch.full((given,), 0.25)
    return state


def reduced(array: np.ndarray, side_px: int) -> np.ndarray:
    """Means of squares, rounded, of n px, n the least that brings the longest side to `side_px`; what is over is cut.

    Shapes: (H, W, 3) uint8 to (H // n, W // n, 3) uint8.
    """
    n = -(-max(array.shape[:2]) // side_px)
    height, width = array.shape[0] // n, array.shape[1] // n
    squares = array[: height * n, : width * n].astype(np.int64).reshape(height, n, width, n, 3)
    means: np.ndarray = (squares.sum(axis=(1, 3)) + n * n // 2) // (n * n)
    return means.astype(np.uint8)


def picture_for(combination: Combination, sample: Path) -> Picture:
    """The sample as that combination wants it."""
    picture = pixels.read(sample)
    small = reduced(picture.pixels, combination.side_px)
    if not combination.is_deep:
        return dataclasses.replace(picture, pixels=small)
    places = np.arange(small.shape[0] * small.shape[1]).reshape(small.shape[:2])
    # Values between those of 8 bits, equal in all channels so that grey stays grey; a quarter of the rows transparent.
    deep = np.minimum(small.astype(np.int64) * 257 + (places * 37 % 200)[..., None], 65535).astype(np.uint16)
    alpha = (places * 101 % 65536).astype(np.uint16)
    alpha[: len(alpha) // 4] = 0
    return dataclasses.replace(picture, pixels=deep, alpha=alpha)


def digest(picture: Picture) -> str:
    """SHA-256 of a picture's size, type, channels, pixels, alpha, and of its 8-bit image."""
    parts = [f"{picture.size_hw} {picture.pixels.dtype} {picture.is_grey}".encode(), picture.pixels.tobytes()]
    parts += [b"no alpha" if picture.alpha is None else picture.alpha.tobytes()]
    image = pixels.to_pil(picture)
    parts += [f"{image.mode} {image.size}".encode(), image.tobytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def report_text(report: Any) -> str:
    """The report as indented JSON and its status line, without seconds."""
    plain = to_plain(report)
    del plain["seconds"]
    plain["status"] = re.sub(r"\d+\.\d+ s\b", "… s", status_line(report))
    return json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)


def find_record() -> tuple[Record | None, str]:
    """The function that makes a WebUI's record, and where it was found or why it was not."""
    for name in RECORDS:
        try:
            record: Record = importlib.import_module(name).record
        except ModuleNotFoundError as error:
            if error.name is not None and name.startswith(error.name):
                continue  # that name is the other layout's
            return None, f"records are not compared: {name} needs {error.name}, which is not installed"
        return record, name
    return None, f"records are not compared: there is neither {' nor '.join(RECORDS)}"


def run(session: Session, combination: Combination, sample: Path, record: Record | None) -> dict[str, str]:
    """One picture with one combination."""
    settings = RestoreSettings(**combination.settings)
    (result,) = session.restore([picture_for(combination, sample)], settings)
    found = {} if record is None else record(result.report, settings)
    return {
        "combination": combination.name,
        "picture": f"{sample.parent.name}/{sample.name}",
        "pixels": digest(result.picture),
        "report": report_text(result.report),
        "record": "\n".join(f"{key}: {value}" for key, value in found.items()),
    }


def main(folder: Path, target: Path, only: str = "") -> None:
    """Run all combinations, or those whose name holds a text, and write what they gave."""
    samples = sorted(folder.glob("*/*.jpg"))
    record, where = find_record()
    results, seconds = [], {}
    with tempfile.TemporaryDirectory() as own:
        models = Path(own) / "models"
        models.mkdir()
        for name, scale in ((TINY_1X, 1), (TINY_2X, 2)):
            save_file(tiny_network(scale), models / f"{name}.safetensors")
        session = Session(Runtime(device="cpu", models_folder=models, cache_folder=Path(own) / "converted"))
        for number, combination in enumerate(COMBINATIONS):
            if only not in combination.name:
                continue
            started = time.perf_counter()
            done = [run(session, combination, sample, record) for sample in combination.pictures(samples, number)]
            # Folders of this run only: a warning may name a file in them.
            results += [{key: text.replace(own, "FOLDER") for key, text in result.items()} for result in done]
            seconds[combination.name] = time.perf_counter() - started
            words = f"{number + 1}/{len(COMBINATIONS)} {combination.name}: {len(done)} pictures"
            print(f"{words}, {seconds[combination.name]:.1f} s", file=sys.stderr, flush=True)
    house = str(Path(pixels.__file__).resolve())
    target.write_text(json.dumps({"house": house, "records": where, "results": results, "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
