"""Pictures with labelled faces in them, made of the samples' photographs: the same for both paths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lib_facerestore.engine.data import Face, Pixels

ROOT = Path(__file__).resolve().parents[2]
# Photographs of one large face each, in the order in which they fill a picture.
_SITTERS = ("astronaut", "hopper", "cameraman")
_PATCH_PER_FACE = 3.2


@dataclass(frozen=True)
class Scenario:
    """What is restored. face_px: longer side of each face's box; restored side by side on a grid of that many columns.

    pictures: how many such pictures one run restores. has_networks: False replaces every network by its known answer.
    """

    name: str
    size_hw: tuple[int, int]
    faces: int
    face_px: int = 230
    columns: int = 1
    pictures: int = 1
    has_networks: bool = True

    @property
    def megapixels(self) -> float:
        """Of one picture."""
        return self.size_hw[0] * self.size_hw[1] / 1e6


PORTRAIT = Scenario("portrait, 512×512", (512, 512), 1)
EIGHT = Scenario("8 portraits, 512×512", (512, 512), 1, pictures=8)
GROUP = Scenario("8 faces, 4 MP", (1732, 2310), 8, 170, 4)
LARGE = Scenario("10 faces, 16 MP", (3464, 4620), 10, 250, 5)
HUGE = Scenario("10 faces, 100 MP", (8660, 11546), 10, 250, 5)
NO_FACE = Scenario("no face, 4 MP", (1732, 2310), 0)
AROUND_LARGE = Scenario("all but the networks, 10 faces, 16 MP", LARGE.size_hw, 10, 250, 5, has_networks=False)
AROUND_HUGE = Scenario("all but the networks, 10 faces, 100 MP", HUGE.size_hw, 10, 250, 5, has_networks=False)
SCENARIOS = (PORTRAIT, EIGHT, GROUP, LARGE, HUGE, NO_FACE, AROUND_LARGE, AROUND_HUGE)


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture of a scenario: pixels (H, W, 3) RGB uint8, and where its faces are."""

    pixels: Pixels
    faces: tuple[Face, ...]


def scene(scenario: Scenario) -> Scene:
    """The scenario's picture, the same every time: gentle slopes with the photographs' faces on a grid."""
    height, width = scenario.size_hw
    slope = np.linspace(60, 200, height, dtype=np.float32)[:, None, None] + np.zeros((1, 64, 3), np.float32)
    pixels = np.ascontiguousarray(cv2.resize(slope, (width, height)).astype(np.uint8))
    faces = []
    rows = -(-scenario.faces // scenario.columns)
    for index in range(scenario.faces):
        patch, landmarks, box = _sitter(_SITTERS[index % len(_SITTERS)], scenario.face_px)
        centre_x = (index % scenario.columns + 0.5) * width / scenario.columns
        centre_y = (index // scenario.columns + 0.5) * height / rows
        left, top = round(centre_x - patch.shape[1] / 2), round(centre_y - patch.shape[0] / 2)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + patch.shape[1]), min(height, top + patch.shape[0])
        pixels[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]
        edges = (box[0] + left, box[1] + top, box[2] + left, box[3] + top)
        points = (landmarks + (left, top)).astype(np.float32)
        faces.append(Face(index, tuple(float(edge) for edge in edges), points, 0.99))  # type: ignore[arg-type]
    return Scene(pixels, tuple(faces))


def _sitter(name: str, face_px: int) -> tuple[Pixels, np.ndarray, np.ndarray]:
    """Patch around the face, its landmarks (5, 2) and box (4,) in px of the patch."""
    labels = json.loads((ROOT / "samples" / "labels.json").read_text(encoding="utf-8"))
    (row,) = [row for row in labels["photographs"] if Path(row["file"]).stem == name]
    with Image.open(ROOT / "samples" / row["file"]) as image:
        rgb = np.asarray(image.convert("RGB"))
    box, landmarks = np.array(row["faces"][0]["box"]), np.array(row["faces"][0]["landmarks"])
    ratio = face_px / max(box[2] - box[0], box[3] - box[1])
    centre = (box[:2] + box[2:]) / 2
    half = _PATCH_PER_FACE * face_px / 2 / ratio
    x0, y0 = np.maximum(np.floor(centre - half), 0).astype(int)
    x1, y1 = np.ceil(centre + half).astype(int)
    part = np.ascontiguousarray(rgb[y0:y1, x0:x1])
    size_wh = (round(part.shape[1] * ratio), round(part.shape[0] * ratio))
    patch = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC)
    points = (landmarks - (x0, y0) + 0.5) * ratio - 0.5
    # The face comes to the patch's centre, so that a small picture cuts the surroundings and never the face.
    edges = (box - (x0, y0, x0, y0)) * ratio
    return _centred(patch, points, edges)


def _centred(patch: Pixels, points: np.ndarray, box: np.ndarray) -> tuple[Pixels, np.ndarray, np.ndarray]:
    """The patch with its rim repeated until the face is in its middle."""
    height, width = patch.shape[:2]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, right = max(0, round(width - 2 * x)), max(0, round(2 * x - width))
    top, bottom = max(0, round(height - 2 * y)), max(0, round(2 * y - height))
    larger = cv2.copyMakeBorder(patch, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return larger, points + (left, top), box + (left, top, left, top)
