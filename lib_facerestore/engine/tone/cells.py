"""Colours of a picture summed up in small cells. Whether they show a tone: `evidence`.

Colours are levels of 8 bits, red and blue above the brightness; green follows, because the brightness is their sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import FloatPixels, Pixels
from lib_facerestore.engine.levels import to_unit_float

LEVELS = 256
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
# Brightnesses between which a tone is a straight line. Close together near white, where clipped sepia changes blue by
# 41 levels while its brightness changes by 4.
KNOTS = np.array([*range(0, 225, 16), 232, 240, 244, 246, 248, *range(250, LEVELS)], np.float32)
_CELL_PX, _LARGE_CELL_PX, _LARGE_PX = 8, 16, 32_000_000
_BAND_PX = 1_000_000


@dataclass(frozen=True, eq=False)
class Cells:
    """Squares of `side_px` of a picture, (rows, columns) of them; those at the right and lower edge may be cut.

    weights: (rows, columns, knots) float16, how much of a cell lies at each knot's brightness; sums to 1. colour: its
    mean colour; least, most: those of its pixels, channel by channel; (rows, columns, 2) float32.
    """

    side_px: int
    weights: NDArray[np.float16]
    colour: NDArray[np.float32]
    least: NDArray[np.float32]
    most: NDArray[np.float32]

    def part(self, rows: slice, columns: slice) -> Cells:
        """The cells of a rectangle."""
        here = rows, columns
        return Cells(self.side_px, self.weights[here], self.colour[here], self.least[here], self.most[here])


def cells_of(pixels: Pixels | FloatPixels, side_px: int = 0) -> Cells:
    """The cells of a picture: (H, W, 3) uint8 or uint16, or float32 in [0, 1]. Works in bands of rows.

    side_px: 0 for 8, and 16 in a picture so large that its cells would be a burden.
    """
    height, width = pixels.shape[:2]
    side = side_px or (_CELL_PX if height * width <= _LARGE_PX else _LARGE_CELL_PX)
    rows, columns = -(-height // side), -(-width // side)
    weights = np.empty((rows, columns, len(KNOTS)), np.float16)
    colour, least, most = (np.empty((rows, columns, 2), np.float32) for _ in range(3))
    step = max(1, _BAND_PX // (width * side))
    for top in range(0, rows, step):
        band = slice(top, min(top + step, rows))
        part = pixels[top * side : (top + step) * side]
        weights[band], colour[band], least[band], most[band] = _band(part, side, columns)
    return Cells(side, weights, colour, least, most)


def _band(pixels: Pixels | FloatPixels, side: int, columns: int) -> tuple[NDArray[np.float32], ...]:
    """Weights, mean, least and most colour of the cells of a band of rows that begins at a cell's edge."""
    unit = pixels if pixels.dtype == np.float32 else to_unit_float(pixels)
    rows = -(-unit.shape[0] // side)
    missing = (0, rows * side - unit.shape[0]), (0, columns * side - unit.shape[1]), (0, 0)
    levels = np.pad(unit, missing, "edge") * np.float32(LEVELS - 1)
    luma = levels @ LUMA
    red_and_blue = [levels[..., channel] - luma for channel in (0, 2)]
    mean, least, most = (
        np.stack([_of_cells(plane, side, reduce) for plane in red_and_blue], axis=2)
        for reduce in (np.add, np.minimum, np.maximum)
    )
    return _weights(luma, side), mean / np.float32(side**2), least, most


def _of_cells(plane: NDArray[np.float32], side: int, reduce: np.ufunc) -> NDArray[np.float32]:
    """(rows·side, columns·side) → (rows, columns): rows first, which is ten times as fast as both at once."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    lines = reduce.reduce(plane.reshape(rows, side, -1), axis=1)
    return np.asarray(reduce.reduce(lines.reshape(rows, columns, side), axis=2), np.float32)


def _weights(luma: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(rows, columns, knots): each pixel shared out to the two knots beside its brightness, as a mean of each cell."""
    rows, columns, knots = luma.shape[0] // side, luma.shape[1] // side, len(KNOTS)
    below = np.searchsorted(KNOTS[1:-1], luma.ravel(), side="right")
    above = np.clip((luma.ravel() - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below]), 0.0, 1.0)
    cell = np.arange(rows).repeat(side)[:, None] * columns + np.arange(columns).repeat(side)
    index = cell.ravel() * knots + below
    count = rows * columns * knots
    total = np.bincount(index, 1 - above, count) + np.bincount(index + 1, above, count)
    return np.asarray(total.reshape(rows, columns, knots) / side**2, np.float32)
