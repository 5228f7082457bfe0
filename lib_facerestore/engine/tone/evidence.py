"""Whether cells of a picture have one colour for each brightness, and which: the evidence for a tone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import read_only
from lib_facerestore.engine.tone.cells import KNOTS, LUMA, Cells

# Brightnesses that do not occur lie on a line between their neighbours: what a bend, or a rise, costs beside the cells.
_BEND_COST, _RISE_COST = 1e-4, 1e-9
# A knot counts as seen where it has a twentieth of a cell; beyond the last one seen a tone stays what it is there.
_SEEN_CELLS = 0.05
_KNOTS_PER_STEP = np.minimum(KNOTS // 16, 15).astype(int)
_CHUNK = 20_000

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
