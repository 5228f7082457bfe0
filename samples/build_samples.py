#!/usr/bin/env python3
"""Rebuild the sample pictures, their degraded copies and labels.json.

    python build_samples.py FOLDER [--out samples]

FOLDER holds the source pictures listed in SOURCES.  source_labels.json holds their hand-made
labels; the labels of every sample follow by the same affine map that moved the pixels.
Coordinates are continuous: pixel i covers [i, i + 1).  Angles are degrees, clockwise.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

SKIMAGE = "PyPI scikit-image 0.26.0, skimage/data"
MATPLOTLIB = "PyPI matplotlib 3.11.2, matplotlib/mpl-data/sample_data"
VISP = "Debian visp-images-data 3.5.0-1, ViSP-images/Solvay"
US_WORK = "public domain (work of the US government)"
US_1927 = "public domain in the USA (published in 1927)"
CC0, PD = "CC0", "public domain (released by its author)"
# key: (file, where the file comes from, author and subject, licence)
SOURCES: dict[str, tuple[str, str, str, str]] = {
    "solvay": ("Solvay_conference_1927_Version2_2126x1463.png", VISP, "Benjamin Couprie, Solvay, 1927", US_1927),
    "hopper": ("grace_hopper.jpg", MATPLOTLIB, "US Navy, portrait of Grace Hopper", US_WORK),
    "astronaut": ("astronaut.png", SKIMAGE, "NASA, portrait of Eileen Collins", US_WORK),
    "camera": ("camera.png", SKIMAGE, "Lav Varshney, man with a camera", CC0),
    "brick": ("brick.png", SKIMAGE, "CC0Textures, brick wall", CC0),
    "grass": ("grass.png", SKIMAGE, "linolafett, grass", CC0),
    "gravel": ("gravel.png", SKIMAGE, "CC0Textures, gravel", CC0),
    "coffee": ("coffee.png", SKIMAGE, "Rachel Michetti, cup of coffee", CC0),
    "rocket": ("rocket.jpg", SKIMAGE, "SpaceX, rocket with DSCOVR before its launch", PD),
    "hubble": ("hubble_deep_field.jpg", SKIMAGE, "NASA, Hubble eXtreme Deep Field", US_WORK),
    "text": ("text.png", SKIMAGE, "Wikipedia, photograph of a written page", PD),
}


class Base(NamedTuple):
    """The ground of a picture: a view of a source around the point (cx, cy)."""

    source: str
    cx: float
    cy: float
    scale: float = 1.0
    angle: float = 0.0

    def map_to(self, width: int, height: int) -> np.ndarray:
        """The map from the source to a picture of this size."""
        return affine(self.scale, self.angle, False, (self.cx, self.cy), (width / 2, height / 2))


class Patch(NamedTuple):
    """A face cut out of a source and laid on the ground as a soft oval."""

    source: str
    index: int
    x: float
    y: float
    width: float
    angle: float = 0.0
    mirror: bool = False


# name: (width, height, grey, ground, patches)
PHOTOGRAPHS: dict[str, tuple[int, int, bool, Base, list[Patch]]] = {
    "solvay_1927": (2000, 1376, True, Base("solvay", 1063, 731.5, 2000 / 2126), []),
    "solvay_tilted": (860, 580, True, Base("solvay", 1692, 690, 1.2, 20), []),
    "astronaut": (512, 440, False, Base("astronaut", 256, 220), []),
    "hopper": (512, 600, False, Base("hopper", 256, 300), []),
    "cameraman": (512, 384, True, Base("camera", 256, 232), []),
    "montage_sizes": (
        1400,
        900,
        False,
        Base("brick", 256, 256, 2.8),
        [
            Patch("hopper", 0, 300, 350, 370, -12),
            Patch("astronaut", 0, 850, 260, 220, 25, True),
            Patch("hopper", 0, 1200, 250, 130, 40, True),
            Patch("astronaut", 0, 700, 660, 110, -42),
            Patch("hopper", 0, 960, 680, 64, 20),
            Patch("astronaut", 0, 1110, 640, 44),
            Patch("hopper", 0, 1230, 600, 28, -30),
            Patch("astronaut", 0, 1320, 700, 24, 45),
            Patch("hopper", 0, 1150, 800, 20, 8, True),
            Patch("astronaut", 0, 1270, 830, 16),
        ],
    ),
    "montage_angles": (
        1200,
        800,
        True,
        Base("gravel", 256, 256, 2.4),
        [
            Patch("solvay", 8, 160, 170, 120, -25),
            Patch("solvay", 14, 440, 190, 110, 30),
            Patch("solvay", 4, 690, 180, 90),
            Patch("solvay", 26, 930, 180, 84, 45),
            Patch("solvay", 20, 160, 480, 92, 10),
            Patch("solvay", 0, 380, 500, 64, -45),
            Patch("solvay", 11, 560, 470, 52, 15),
            Patch("solvay", 23, 730, 480, 40, -10),
            Patch("solvay", 13, 880, 470, 32, 30),
            Patch("solvay", 15, 1010, 500, 24, -20, True),
            Patch("solvay", 1, 1100, 420, 20),
            Patch("solvay", 28, 1120, 640, 16),
            Patch("camera", 0, 250, 690, 70, -15, True),
            Patch("solvay", 16, 560, 680, 76, 38, True),
        ],
    ),
    "montage_border": (
        900,
        640,
        False,
        Base("grass", 256, 256, 1.8),
        [
            Patch("hopper", 0, 105, 190, 260, 10),
            Patch("astronaut", 0, 805, 250, 210, -18),
            Patch("camera", 0, 420, 200, 96, -20),
            Patch("solvay", 8, 560, 470, 72, 38),
            Patch("solvay", 9, 330, 560, 56, -15),
            Patch("astronaut", 0, 440, 420, 48, 12, True),
        ],
    ),
}

FACELESS: dict[str, tuple[int, int, Base]] = {
    "coffee": (600, 400, Base("coffee", 300, 200)),
    "rocket": (640, 427, Base("rocket", 320, 213.5)),
    "galaxies": (800, 600, Base("hubble", 500, 436, 0.8)),
    "brick_wall": (512, 384, Base("brick", 256, 256)),
    "grass": (384, 512, Base("grass", 256, 256)),
    "gravel": (512, 400, Base("gravel", 256, 256)),
    "written_page": (448, 172, Base("text", 224, 86)),
    "skyline": (208, 400, Base("camera", 408, 300)),
    "stone_front": (800, 440, Base("solvay", 1720, 226)),
    "foliage": (500, 400, Base("solvay", 256, 230)),
}


def affine(scale: float, angle: float, mirror: bool, source: tuple, target: tuple) -> np.ndarray:
    """2x3 map: mirror, scale and turn about source, then move it to target."""
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    linear = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    return np.hstack([linear, (np.array(target) - linear @ np.array(source))[:, None]])


def warp(image: np.ndarray, matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """Apply a 2x3 map, black outside the source; where it shrinks, average the area."""
    steps = max(1, math.ceil(1 / math.sqrt(abs(np.linalg.det(matrix[:, :2]))) - 0.01))
    fine = matrix * steps
    fine[:, 2] += fine[:, :2] @ (0.5, 0.5) - 0.5
    big = cv2.warpAffine(image, fine, (width * steps, height * steps), flags=cv2.INTER_CUBIC)
    return cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)


def move(face: dict[str, Any], matrix: np.ndarray, mirror: bool, width: int, height: int) -> dict[str, Any] | None:
    """The label after the map, or None when under a tenth of it is in view."""
    left, top, right, bottom = face["box"]
    cx, cy = matrix @ ((left + right) / 2, (top + bottom) / 2, 1)
    hx, hy = np.hypot(*(matrix[:, :2] * ((right - left) / 2, (bottom - top) / 2)).T)
    box = [max(cx - hx, 0), max(cy - hy, 0), min(cx + hx, width), min(cy + hy, height)]
    if box[2] <= box[0] or box[3] <= box[1] or (box[2] - box[0]) * (box[3] - box[1]) < 0.4 * hx * hy:
        return None
    points = [matrix @ (x, y, 1) for x, y in face["landmarks"]]
    order = (1, 0, 2, 4, 3) if mirror else range(5)
    return {
        "box": [round(float(v), 1) for v in box],
        "landmarks": [[round(float(v), 1) for v in points[k]] for k in order],
    }


def paste(canvas: np.ndarray, source: np.ndarray, face: dict[str, Any], patch: Patch) -> np.ndarray:
    """Lay one face on the canvas; returns the map that was used."""
    left, top, right, bottom = face["box"]
    w, h = right - left, bottom - top
    x, y = (left + right) / 2, (top + bottom) / 2
    matrix = affine(patch.width / w, patch.angle, patch.mirror, (x, y), (patch.x, patch.y))
    mask = np.zeros(source.shape[:2], np.float32)
    axes = (round(0.74 * w), round(0.72 * h))
    cv2.ellipse(mask, (round(x), round(top + 0.46 * h)), axes, 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.04 * w)
    reach = math.ceil(1.2 * patch.width * h / w) + 2
    x0, y0 = max(int(patch.x) - reach, 0), max(int(patch.y) - reach, 0)
    view = canvas[y0 : int(patch.y) + reach, x0 : int(patch.x) + reach]
    local, size = matrix - np.array([[0, 0, x0], [0, 0, y0]]), view.shape[1::-1]
    alpha = warp(mask, local, *size).clip(0, 1)[..., None]
    view[:] = np.rint(alpha * warp(source, local, *size) + (1 - alpha) * view)
    return matrix


def credit(keys: list[str]) -> dict[str, str]:
    """Origin and licence of a picture made from these sources."""
    used = [SOURCES[key] for key in dict.fromkeys(keys)]
    return {
        "origin": "; ".join(f"{s[2]} ({s[1]}/{s[0]})" for s in used),
        "licence": "; ".join(dict.fromkeys(s[3] for s in used)),
    }


def main() -> None:
    """Write every picture and labels.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args, jpeg = parser.parse_args(), cv2.IMWRITE_JPEG_QUALITY
    hand = json.loads(Path(__file__).with_name("source_labels.json").read_text())
    images = {key: cv2.imread(str(args.sources / entry[0])) for key, entry in SOURCES.items()}
    for folder in ("photographs", "degraded", "faceless"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    labels: dict[str, list[dict[str, Any]]] = {"photographs": [], "faceless": []}
    for name, (width, height, grey, base, patches) in PHOTOGRAPHS.items():
        matrix = base.map_to(width, height)
        canvas = warp(images[base.source], matrix, width, height)
        found = [move(face, matrix, False, width, height) for face in hand.get(base.source, [])]
        for patch in patches:
            matrix = paste(canvas, images[patch.source], (face := hand[patch.source][patch.index]), patch)
            found.append(move(face, matrix, patch.mirror, width, height))
        faces = [face for face in found if face]
        canvas = cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY) if grey else canvas
        factor = 4 if max(f["box"][2] - f["box"][0] for f in faces) >= 80 else 2
        small = cv2.resize(canvas, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(args.out / f"photographs/{name}.jpg"), canvas, [jpeg, 92])
        cv2.imwrite(str(args.out / f"degraded/{name}.jpg"), small, [jpeg, 40])
        labels["photographs"].append(
            {
                "file": f"photographs/{name}.jpg",
                "size_hw": [height, width],
                **credit([base.source] + [patch.source for patch in patches]),
                "degraded": f"degraded/{name}.jpg",
                "degraded_factor": factor,
                "faces": faces,
            }
        )
    for name, (width, height, base) in FACELESS.items():
        view = warp(images[base.source], base.map_to(width, height), width, height)
        cv2.imwrite(str(args.out / f"faceless/{name}.jpg"), view, [jpeg, 90])
        labels["faceless"].append({"file": f"faceless/{name}.jpg", **credit([base.source])})
    (args.out / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")


if __name__ == "__main__":
    main()
