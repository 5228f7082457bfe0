"""Doubtful faces are looked at again, each at two sizes of its own and turned three ways.

A real face that was too small, too tilted or too dark for the first look is a plain face now, at either size; gravel
and foliage that look like a face at one size do not at another. Over the samples the lowest score of a true face is
0.83 and the highest of anything else 0.63; with one size they would overlap (0.83 and 0.89).
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.align import warp
from lib_facerestore.engine.data import Affine, Pixels
from lib_facerestore.models.retinaface import ROW_LENGTH, RetinaFaceNetwork

_FACE_SIDES_PX = (64, 96)
_WINDOW_PER_FACE = 2.5
_ANGLES_DEGREES = (0.0, -35.0, 35.0)
# The face must be found where it was looked for; a neighbour that fills the window's corner is another face.
_SAME_PLACE = 0.25
_LOWEST_SCORE = 0.02


def look_again(
    network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """For each row (N, 15) in picture px the best row of a closer look; score 0 where that shows no face.

    The score is the lower one of both sizes, the box and points are those of the larger. What the smaller size
    scores below the threshold is not looked at in the larger: most of gravel ends there.
    """
    again = _look_at_size(network, pixels, rows, _FACE_SIDES_PX[0])
    promising = np.flatnonzero(again[:, 4] >= threshold)
    larger = _look_at_size(network, pixels, rows[promising], _FACE_SIDES_PX[1])
    larger[:, 4] = np.minimum(larger[:, 4], again[promising, 4])
    again[promising] = larger
    return again


def _look_at_size(
    network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32], face_px: int
) -> NDArray[np.float32]:
    """For each row the best row over all angles, with the face that many px large."""
    again = rows.copy()
    again[:, 4] = 0
    if len(rows) == 0:
        return again
    window_px = round(_WINDOW_PER_FACE * face_px)
    affines = [_window_affine(row, angle, face_px, window_px) for row in rows for angle in _ANGLES_DEGREES]
    windows = np.stack([_window(pixels, affine, window_px) for affine in affines])
    for index, (affine, found) in enumerate(zip(affines, network.rows(windows, _LOWEST_SCORE))):
        target = index // len(_ANGLES_DEGREES)
        best = _best_in_place(found, rows[target], face_px, window_px)
        if best is not None and best[4] > again[target, 4]:
            again[target] = _to_picture(best, affine)
    return again


def _window_affine(row: NDArray[np.float32], angle: float, face_px: int, window_px: int) -> Affine:
    """picture → window: the box's centre in the middle, its longer side at the wanted size, turned by the angle."""
    scale = face_px / max(row[2] - row[0], row[3] - row[1], 1.0)
    centre = (float(row[0] + row[2]) / 2 - 0.5, float(row[1] + row[3]) / 2 - 0.5)
    affine = np.asarray(cv2.getRotationMatrix2D(centre, angle, float(scale)), np.float64)
    affine[:, 2] += (window_px - 1) / 2 - np.array(centre)
    return affine


def _window(pixels: Pixels, affine: Affine, window_px: int) -> NDArray[np.uint8]:
    return np.rint(warp(pixels, affine, window_px) * 255).clip(0, 255).astype(np.uint8)


def _best_in_place(
    found: NDArray[np.float32], row: NDArray[np.float32], face_px: int, window_px: int
) -> NDArray[np.float32] | None:
    """The best-scored row that overlaps the middle of the window, where the doubtful face should be."""
    sides = np.array([row[2] - row[0], row[3] - row[1]])
    half = sides / max(sides.max(), 1.0) * face_px / 2
    middle = window_px / 2
    wanted = np.array([middle - half[0], middle - half[1], middle + half[0], middle + half[1]])
    in_place = [candidate for candidate in found if overlap(candidate, wanted) > _SAME_PLACE]
    return in_place[0] if in_place else None


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Shared area of two boxes as a part of their union."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / max(union, 1e-9))


def _to_picture(row: NDArray[np.float32], affine: Affine) -> NDArray[np.float32]:
    """A row of the window in picture px. The box keeps its sides and turns with its centre only."""
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    scale = math.sqrt(abs(np.linalg.det(inverse[:, :2])))
    centre = inverse @ np.array([(row[0] + row[2]) / 2 - 0.5, (row[1] + row[3]) / 2 - 0.5, 1.0]) + 0.5
    half = scale * np.array([row[2] - row[0], row[3] - row[1]]) / 2
    points = np.hstack([row[5:].reshape(5, 2), np.ones((5, 1))]) @ inverse.T
    picture = np.empty(ROW_LENGTH, np.float32)
    picture[:4] = (*(centre - half), *(centre + half))
    picture[4] = row[4]
    picture[5:] = points.ravel()
    return picture
