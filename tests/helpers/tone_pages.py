"""Pages for tests of tones, made of samples and of drawing; a restorer and an upscaler that colour all they see.

Each page says where a face is looked for and whether that place, and which part of the page, has a tone.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from helpers.support import FakeRestorer
from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed, Pixels
from lib_facerestore.engine.ports import Progress, UpscaledPixels

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LUMA = np.array([0.299, 0.587, 0.114])
# The sepia of many picture editors, on linear weights of red, green and blue.
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
RED, BLUE, INK = (200, 20, 30), (30, 40, 190), (20, 20, 24)


@functools.cache
def photograph(name: str, folder: str = "photographs") -> np.ndarray:
    with Image.open(SAMPLES / folder / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def _levels(values: np.ndarray) -> np.ndarray:
    """The nearest of 256 levels."""
    levels: np.ndarray = np.rint(values).clip(0, 255).astype(np.uint8)
    return levels


def grey(rgb: np.ndarray) -> np.ndarray:
    return _levels(np.repeat((rgb @ LUMA)[..., None], 3, axis=2))


def sepia(rgb: np.ndarray) -> np.ndarray:
    return _levels(rgb @ SEPIA.T)


def duotone(rgb: np.ndarray, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
    part = (rgb @ LUMA)[..., None] / 255
    return _levels(np.array(dark) * (1 - part) + np.array(light) * part)


def faded(rgb: np.ndarray, share: float) -> np.ndarray:
    """With that share of its colour."""
    luma = (rgb @ LUMA)[..., None]
    return _levels(luma + share * (rgb - luma))


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer).convert("RGB"))


def smaller(rgb: np.ndarray, factor: float) -> np.ndarray:
    return cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def tinted(rgb: np.ndarray, *spots: tuple[int, int, int]) -> np.ndarray:
    """Painted over by hand: soft spots (x, y, radius) of pink that leave the brightness, as on old photographs."""
    result = rgb.astype(np.float64)
    for x, y, radius in spots:
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
        strength = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))[..., None]
        result += strength * (np.array([35.0, -12.0, -5.0]) / 255 * (rgb @ LUMA)[..., None])
    return result.clip(0, 255).astype(np.uint8)


def paper(height: int, width: int, colour: tuple[int, int, int] = (252, 252, 252), lines: bool = True) -> np.ndarray:
    """A page, its lower half with lines of words."""
    page = np.full((height, width, 3), colour, np.uint8)
    dashes = np.random.default_rng(3)
    for y in range(height // 2, height - 20, 14) if lines else ():
        x = 20
        while x < width - 60:
            length = int(dashes.integers(8, 40))
            page[y : y + 4, x : x + length] = INK
            x += length + 8
    return page


def with_photograph(page: np.ndarray, photo: np.ndarray, x: int, y: int) -> np.ndarray:
    page = page.copy()
    page[y : y + photo.shape[0], x : x + photo.shape[1]] = photo
    return page


def stamped(page: np.ndarray, x: int, y: int, colour: tuple[int, int, int] = RED, radius: int = 20) -> np.ndarray:
    page = page.copy()
    cv2.circle(page, (x, y), radius, colour, 4, cv2.LINE_AA)
    cv2.line(page, (x - radius, y), (x + radius, y), colour, 3, cv2.LINE_AA)
    return page


def signed(page: np.ndarray, x: int, y: int, colour: tuple[int, int, int] = BLUE) -> np.ndarray:
    page = page.copy()
    steps = np.arange(0, 90, 2)
    points = np.stack([x + steps, y + 12 * np.sin(steps / 6)], axis=1).astype(np.int32)
    cv2.polylines(page, [points], False, colour, 2, cv2.LINE_AA)
    return page


def flag(height: int, width: int, *colours: tuple[int, int, int]) -> np.ndarray:
    stripes = np.array(colours, np.uint8)[np.arange(width) * len(colours) // width]
    return np.repeat(stripes[None], height, axis=0)


def pixel_art(height: int, width: int, seed: int, cell: int = 8) -> np.ndarray:
    palette = np.random.default_rng(seed).integers(0, 256, (6, 3))
    which = np.random.default_rng(seed + 1).integers(0, 6, (height // cell, width // cell))
    return np.repeat(np.repeat(palette[which], cell, 0), cell, 1).astype(np.uint8)


def grey_wall_with_skin(height: int, width: int) -> np.ndarray:
    """A shaded grey wall and before it a shaded oval of skin with lips and the whites of eyes."""
    rows, columns = np.mgrid[:height, :width]
    wall = np.repeat((90 + 90 * columns / width + 30 * rows / height)[..., None], 3, axis=2)
    y, x = (rows - height / 2) / (height * 0.35), (columns - width / 2) / (width * 0.22)
    inside = x**2 + y**2 < 1
    wall[inside] = (np.array([215, 165, 140]) * (1 - 0.45 * (x**2 + y**2) ** 2 - 0.15 * x)[..., None])[inside]
    for centre, size, colour in [((0.5, 0.65), 12, (165, 75, 75)), ((0.44, 0.42), 6, (230, 230, 228))]:
        at = int(centre[0] * width), int(centre[1] * height)
        cv2.ellipse(wall, at, (2 * size, size), 0, 0, 360, colour, -1)
    return wall.clip(0, 255).astype(np.uint8)


def night(rgb: np.ndarray) -> np.ndarray:
    """The picture nearly black, in deep blue, with two lamps."""
    dark = _levels(rgb * np.array([0.10, 0.12, 0.22]))
    cv2.circle(dark, (60, 60), 14, (250, 190, 90), -1, cv2.LINE_AA)
    cv2.circle(dark, (rgb.shape[1] - 70, 110), 9, (240, 120, 60), -1, cv2.LINE_AA)
    return dark


@dataclass(frozen=True)
class Page:
    """A page and what is right for it.

    face: (x, y, side) of the square in which a face is looked for, or None. face_is_toned: whether that square has a
    tone. keeps: parts (left, top, right, bottom) whose colour an upscaler may not lose. toned: parts that must stay in
    their tone.
    """

    make: Callable[[], np.ndarray]
    face: tuple[int, int, int] | None = None
    face_is_toned: bool = False
    keeps: tuple[tuple[int, int, int, int], ...] = ()
    toned: tuple[tuple[int, int, int, int], ...] = ()


class ColourfulRestorer(FakeRestorer):
    """Gives every face noise of all colours, as a network trained on colour photographs might."""

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        return [np.random.default_rng(5).random(crop.pixels.shape, np.float32) for crop in crops]


class TintingUpscaler:
    """Doubles a picture and tints it, as a network trained on colour photographs might."""

    used, scale = ModelUsed("upscaler", "tinting", "3" * 64), 2

    def __init__(self, tint: tuple[float, float, float] = (1.0, 0.9, 0.7)) -> None:
        self.tint = tint

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        doubled = np.repeat(np.repeat(pixels, 2, 0), 2, 1).astype(np.float32) * self.tint
        return UpscaledPixels(np.rint(doubled.clip(0, np.iinfo(pixels.dtype).max)).astype(pixels.dtype), 1, "cpu")
