"""Colours of a picture summed up in small cells, and whether a place has one colour for each brightness.

Colours are levels of 8 bits, red and blue above the brightness; green follows, because the brightness is their sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import FloatPixels, Pixels, read_only
from lib_facerestore.engine.levels import to_unit_float

LEVELS = 256
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
# Brightnesses between which a tone is a straight line. Close together near white, where clipped sepia changes blue by
# 41 levels while its brightness changes by 4.
KNOTS = np.array([*range(0, 225, 16), 232, 240, 244, 246, 248, *range(250, LEVELS)], np.float32)
# Brightnesses that do not occur lie on a line between their neighbours: what a bend, or a rise, costs beside the cells.
_BEND_COST, _RISE_COST = 1e-4, 1e-9
# A knot counts as seen where it has a twentieth of a cell; beyond the last one seen a tone stays what it is there.
_SEEN_CELLS = 0.05
_KNOTS_PER_STEP = np.minimum(KNOTS // 16, 15).astype(int)
_CELL_PX, _LARGE_CELL_PX, _LARGE_PX = 8, 16, 32_000_000
_BAND_PX, _CHUNK = 1_000_000, 20_000

# How far cells may lie from a tone, in levels; the median says how much noise there is. Measured on the samples as
# sepia and as a strong duotone, saved as JPEG with 4:2:0: means of 3×3 cells lie within 1.2 in 99 of 100 cells and
# within 2.2 in all at quality 75, within 1.7 and 3.0 at 50, faces of 80 to 300 px within 1.5 and 2.7. Photographs
# with 20 % of their colour have 11 and more, faces of those sizes with 30 % have 2.6 and more.
_LARGEST_MEDIAN, _LARGEST_99TH, _LARGEST = 2.75, 7.5, 16.0
_CLEAN_99TH, _99TH_PER_MEDIAN = 2.5, 3.0
_CLEAN, _PER_MEDIAN = 7.0, 8.0
_AROUND_99TH, _LARGEST_AROUND = 2.0, 3.5
_PIXEL_CLEAN, _PIXEL_PER_MEDIAN, _PIXEL_LARGEST = 20.0, 20.0, 48.0
_GREY_CELL, _GREY_PIXEL = 1.0, 8.0
_BLACK = 32.0
_NEARLY_GREY = 5.0
# The evidence of any other: a photograph has all brightnesses between its darkest and its lightest, a flag a few.
_LEAST_STEPS, _LEAST_PART, _TAIL = 5, 0.004, 0.02


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


def fit(cells: Cells) -> NDArray[np.float32]:
    """The colour (knots, 2) at each knot's brightness that fits all cells best, by least squares."""
    weights, colour = cells.weights.reshape(-1, len(KNOTS)), cells.colour.reshape(-1, 2)
    normal, wanted = np.zeros((len(KNOTS), len(KNOTS))), np.zeros((len(KNOTS), 2))
    for start in range(0, len(weights), _CHUNK):
        some = weights[start : start + _CHUNK].astype(np.float64)
        # No matrix product: how BLAS sums depends on the number of threads.
        normal += np.einsum("ij,ik->jk", some, some)
        wanted += np.einsum("ij,ik->jk", some, colour[start : start + _CHUNK].astype(np.float64))
    tone = np.asarray(np.linalg.solve(normal / len(weights) + _STIFF, wanted / len(weights)), np.float32)
    seen = np.flatnonzero(weights.sum(axis=0, dtype=np.float64) >= _SEEN_CELLS)
    tone[: seen[0]], tone[seen[-1] :] = tone[seen[0]], tone[seen[-1]]
    return tone


@dataclass(frozen=True)
class Limits:
    """How far from a tone is noise, in levels: the mean of a cell, the mean of it and those around, single pixels."""

    cell: float
    around: float
    pixel: float


def agree(cells: Cells, tone: NDArray[np.float32]) -> bool:
    """Whether every colour of the cells is the tone's, within the noise that they have. Shapes: tone (knots, 2)."""
    off = deviation(cells, tone)
    noise = float(np.median(off.cell))
    strict = strict_limits(noise)
    if noise > _LARGEST_MEDIAN or not _mostly(off.clear <= strict.cell) or not _mostly(off.around <= strict.around):
        return False
    limits = Limits(min(_CLEAN + _PER_MEDIAN * noise, _LARGEST), _LARGEST_AROUND, strict.pixel)
    return bool(within(cells, tone, limits).all())


def noise_of(cells: Cells, tone: NDArray[np.float32]) -> float:
    """How far the mean of a cell is from the tone in the median, in levels. Shapes: tone (knots, 2)."""
    return float(np.median(deviation(cells, tone).cell))


def strict_limits(noise: float) -> Limits:
    """What 99 in 100 of cells with a tone and so much noise do not exceed."""
    pixel = min(_PIXEL_CLEAN + _PIXEL_PER_MEDIAN * noise, _PIXEL_LARGEST)
    return Limits(min(_CLEAN_99TH + _99TH_PER_MEDIAN * noise, _LARGEST_99TH), _AROUND_99TH, pixel)


def within(cells: Cells, tone: NDArray[np.float32], limits: Limits) -> NDArray[np.bool_]:
    """Whether each cell and all of its pixels have the tone's colours but for noise.

    Shapes: tone (knots, 2); the result (R, C), rows and columns of cells.
    """
    off = deviation(cells, tone)
    is_near = (off.clear <= limits.cell) & (off.around <= limits.around)
    return np.asarray(is_near & (_outside(cells, tone) <= limits.pixel))


def is_grey(cells: Cells) -> NDArray[np.bool_]:
    """Whether each cell is grey, as paper and printed words are. Shapes: (R, C), rows and columns of cells."""
    extreme = np.maximum(_largest(cells.least), _largest(cells.most))
    return np.asarray((_largest(cells.colour) <= _GREY_CELL) & (extreme <= _GREY_PIXEL))


def is_black(cells: Cells) -> NDArray[np.bool_]:
    """Whether each cell is so dark that it could be black in any tone. Shapes: (R, C), rows and columns of cells."""
    return np.asarray(cells.weights[..., KNOTS > _BLACK].sum(axis=2, dtype=np.float32) == 0)


def believed(cells: Cells, has_grey: bool = False) -> NDArray[np.float32] | None:
    """The tone (knots, 2) that the cells show without doubt, or None.

    One near to grey needs no evidence but that all cells agree: between two greys there are greys. Any other needs all
    brightnesses of a wide range. has_grey: plain grey is among the cells; with a photograph that would be two tones.
    """
    found = fit(cells)
    pale = found * np.minimum(_NEARLY_GREY / np.maximum(_largest(found), _NEARLY_GREY), 1)[:, None]
    if agree(cells, pale):
        return np.asarray(pale, np.float32)
    is_shown = not has_grey and has_all_brightnesses(cells)
    return found if is_shown and agree(cells, found) else None


def has_all_brightnesses(cells: Cells) -> bool:
    """Whether the cells show enough of a tone to believe in it: all brightnesses of a wide range, as photographs do."""
    part = cells.weights.reshape(-1, len(KNOTS)).mean(axis=0, dtype=np.float64)
    steps = np.bincount(_KNOTS_PER_STEP, part)
    total = np.cumsum(steps)
    first, last = int(np.searchsorted(total, _TAIL)), int(np.searchsorted(total, 1 - _TAIL))
    return last - first + 1 >= _LEAST_STEPS and bool((steps[first : last + 1] >= _LEAST_PART).all())


@dataclass(frozen=True, eq=False)
class Deviation:
    """How far cells are from a tone at their brightnesses, (rows, columns) each, in levels.

    cell: the mean of each. clear: what of it is beyond doubt; brightness is known to within a level, in which a steep
    tone moves by ten, as near white in sepia. around: the same for the mean of 3×3 cells, where noise is gone and
    what is left is colour.
    """

    cell: NDArray[np.float32]
    clear: NDArray[np.float32]
    around: NDArray[np.float32]


def deviation(cells: Cells, tone: NDArray[np.float32]) -> Deviation:
    """How far the cells are from the tone. Shapes: tone (knots, 2)."""
    slope = _largest(np.diff(tone, axis=0) / np.diff(KNOTS)[:, None])
    steepest = np.maximum(np.append(slope, 0), np.insert(slope, 0, 0)).astype(np.float32)
    expected = np.einsum("ijk,kl->ijl", cells.weights.astype(np.float32), np.column_stack([tone, steepest]))
    off, doubt = cells.colour - expected[..., :2], expected[..., 2]
    apart, around = _largest(off), _largest(cv2.blur(off, (3, 3)).reshape(off.shape))
    return Deviation(apart, apart - doubt, around - cv2.blur(doubt, (3, 3)))


def _mostly(holds: NDArray[np.bool_]) -> bool:
    return float(holds.mean()) >= 0.99


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


def _outside(cells: Cells, tone: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns): how far pixels lie outside the colours that the tone has there or in the cells around.

    At an edge a JPEG mixes the colours of both sides, but it makes none that neither side has.
    """
    shape = (*cells.weights.shape[:2], 2)
    lowest, highest = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    around = np.ones((3, 3), np.uint8)
    for knot, colour in enumerate(tone):
        occurs = cv2.dilate((cells.weights[..., knot] > 0).view(np.uint8), around)[..., None] > 0
        np.minimum(lowest, colour, out=lowest, where=occurs)
        np.maximum(highest, colour, out=highest, where=occurs)
    return np.asarray(np.maximum(lowest - cells.least, cells.most - highest).max(axis=2), np.float32)


def _largest(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """(…, 2) → (…): the largest of what red, green and blue differ by."""
    red, blue = colour[..., 0], colour[..., 1]
    green = (LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    return np.asarray(np.maximum(np.maximum(np.abs(red), np.abs(blue)), np.abs(green)), np.float32)


def _stiff() -> NDArray[np.float64]:
    """The matrix of Σ cost · (bend)² + Σ cost · (rise)², in steps of 16 levels."""
    gaps = np.diff(KNOTS).astype(np.float64) / 16
    rises = np.diff(np.eye(len(KNOTS)), axis=0) / gaps[:, None]
    bends = np.diff(rises, axis=0)
    return np.asarray(_BEND_COST * bends.T @ (bends * gaps[1:, None]) + _RISE_COST * rises.T @ rises, np.float64)


_STIFF = read_only(_stiff())
