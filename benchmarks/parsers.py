"""How far the masks of BiSeNet, of ParseNet at 256 px and of ParseNet at 512 px agree, on all faces of the samples.

python benchmarks/parsers.py [--models FOLDER] prints a table. It needs the trained weights of both parsers
(facerestore fetch parsenet bisenet); masks of random weights would say nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Face, FloatPixels, Mask
from lib_facerestore.engine.faces import align
from lib_facerestore.engine.faces.mask import parsing_mask
from lib_facerestore.models import catalogue, loading
from lib_facerestore.models.adapters.parsers import FaceParser
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings

ROOT = Path(__file__).resolve().parents[1]
FEATHER = RestoreSettings().mask_feather / 100


def crops() -> list[FloatPixels]:
    """Every labelled face of the samples, aligned."""
    labels = json.loads((ROOT / "samples" / "labels.json").read_text(encoding="utf-8"))
    found = []
    for row in labels["photographs"]:
        picture = pixels.read(ROOT / "samples" / row["file"])
        for index, face in enumerate(row["faces"]):
            crop = align.align(
                picture.pixels, Face(index, tuple(face["box"]), np.array(face["landmarks"], np.float32), 1)
            )
            if crop is not None:
                found.append(crop.pixels)
    return found


def at_256(parser: FaceParser, face: FloatPixels) -> NDArray[np.uint8]:
    """ParseNet's labels (256, 256) of the face at half the size; it is fully convolutional."""
    small = cv2.resize(face, (256, 256), interpolation=cv2.INTER_AREA)
    batch = torch.from_numpy(small).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        labels: NDArray[np.uint8] = parser.network(batch)[0].argmax(dim=1)[0].to(torch.uint8).numpy()
    return labels


def main() -> None:
    """Print mean and worst difference of the soft masks from ParseNet's at 512 px, and the seconds of a face."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=Path, default=Runtime().models_folder)
    runtime, device = Runtime(device="cpu", models_folder=options.parse_args().models), torch.device("cpu")
    parsers = {
        name: loading.load_parser(catalogue.by_name(name, "parser"), runtime, device)[0]
        for name in ("ParseNet", "BiSeNet")
    }
    parsenet, bisenet = parsers["ParseNet"], parsers["BiSeNet"]
    ways = {
        "ParseNet, 512 px": lambda face: parsenet.parse([face])[0],
        "ParseNet, 256 px": lambda face: at_256(parsenet, face),  # type: ignore[arg-type]
        "BiSeNet, 512 px": lambda face: bisenet.parse([face])[0],
    }
    faces = crops()
    masks: dict[str, list[Mask]] = {}
    print("| parser | seconds a face | mean difference | worst face's mean | overlap of masks above ½ |")
    print("|---|---|---|---|---|")
    for name, labels_of in ways.items():
        classes = (bisenet if name.startswith("BiSeNet") else parsenet).classes
        started = time.perf_counter()
        labels = [labels_of(face) for face in faces]
        seconds = (time.perf_counter() - started) / len(faces)
        masks[name] = [parsing_mask(found, classes, 512, FEATHER) for found in labels]
        pairs = list(zip(masks[name], masks["ParseNet, 512 px"]))
        means = [float(np.abs(a - b).mean()) for a, b in pairs]
        overlaps = [((a > 0.5) & (b > 0.5)).sum() / max(1, ((a > 0.5) | (b > 0.5)).sum()) for a, b in pairs]
        print(f"| {name} | {seconds:.2f} | {np.mean(means):.4f} | {max(means):.4f} | {np.mean(overlaps):.3f} |")


if __name__ == "__main__":
    main()
