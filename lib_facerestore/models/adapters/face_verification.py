"""Doubtful faces are looked at again, each at two sizes of its own and turned three ways.

A real face that was too small, too tilted or too dark for the first look is a plain face now, at either size; gravel
and foliage that look like a face at one size do not at another. Over the samples the lowest score of a true face is
0.83 and the highest of anything else 0.63; with one size they would overlap (0.83 and 0.89).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Affine, Pixels
from lib_facerestore.engine.faces import warp
from lib_facerestore.models.adapters.detected_rows import ROW_LENGTH, overlap
from lib_facerestore.models.adapters.retinaface import RetinaFaceNetwork

FACE_SIDES_PX = (64, 96)
_WINDOW_PER_FACE = 2.5
_ANGLES_DEGREES = (0.0, -35.0, 35.0)
# The face must be found where it was looked for; a neighbour that fills the window's corner is another face.
_SAME_PLACE = 0.25
_LOWEST_SCORE = 0.02
Beyond = Literal["mirrored", "flat"]
"""What a window shows where the picture ends. Mirrored in, half a face at the frame gets another half that stands on
its head, which must not say which way up it is; flat, gravel at the frame looks like a face more often."""


def look_again(
    network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """For each row (N, 15) in picture px the best row of a closer look; score 0 where that shows no face.

    The score is the lower one of both sizes, the box and points are those of the larger. What the smaller size
    scores below the threshold is not looked at in the larger: most of gravel ends there.
    """
    again = _best_of(rows, look(network, pixels, rows, [_ANGLES_DEGREES] * len(rows), FACE_SIDES_PX[0], "mirrored"))
    promising = np.flatnonzero(again[:, 4] >= threshold)
    angles = [_ANGLES_DEGREES] * len(promising)
    larger = _best_of(rows[promising], look(network, pixels, rows[promising], angles, FACE_SIDES_PX[1], "mirrored"))
    larger[:, 4] = np.minimum(larger[:, 4], again[promising, 4])
    again[promising] = larger
    return again


def look(
    network: RetinaFaceNetwork,
    pixels: Pixels,
    rows: NDArray[np.float32],
    angles_degrees: Sequence[Sequence[float]],
    face_px: int,
    beyond: Beyond = "flat",
) -> list[NDArray[np.float32]]:
    """For each row what every one of its angles shows in its place: (A, 15) in picture px, score 0 for no face.

    Each angle is how far the picture is turned counter-clockwise, so a face of that tilt stands upright in its window.
    """
    views = [np.zeros((len(angles), ROW_LENGTH), np.float32) for angles in angles_degrees]
    places = [(target, view) for target, angles in enumerate(angles_degrees) for view in range(len(angles))]
    if not places:
        return views
    window_px = round(_WINDOW_PER_FACE * face_px)
    affines = [
        _window_affine(rows[target], angles_degrees[target][view], face_px, window_px) for target, view in places
    ]
    windows = np.stack([_window(pixels, affine, window_px, beyond) for affine in affines])
    for (target, view), affine, found in zip(places, affines, network.rows(windows, _LOWEST_SCORE)):
        best = _best_in_place(found, rows[target], face_px, window_px)
        if best is not None:
            views[target][view] = _to_picture(best, affine)
    return views


def _best_of(rows: NDArray[np.float32], views: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """For each row its best view; the row itself with score 0 where none shows a face."""
    again = rows.copy()
    again[:, 4] = 0
    for target, seen in enumerate(views):
        best = seen[seen[:, 4].argmax()]
        if best[4] > 0:
            again[target] = best
    return again


def _window_affine(row: NDArray[np.float32], angle: float, face_px: int, window_px: int) -> Affine:
    """picture → window: the box's centre in the middle, its longer side at the wanted size, turned by the angle."""
    scale = face_px / max(row[2] - row[0], row[3] - row[1], 1.0)
    centre = (float(row[0] + row[2]) / 2 - 0.5, float(row[1] + row[3]) / 2 - 0.5)
    affine = np.asarray(cv2.getRotationMatrix2D(centre, angle, float(scale)), np.float64)
    affine[:, 2] += (window_px - 1) / 2 - np.array(centre)
    return affine


def _window(pixels: Pixels, affine: Affine, window_px: int, beyond: Beyond) -> NDArray[np.uint8]:
    """The window's pixels; where the picture ends they are mirrored, or as bright as the others on the mean."""
    window = np.rint(warp(pixels, affine, window_px) * 255).clip(0, 255).astype(np.uint8)
    if beyond == "flat":
        is_outside = _is_outside(pixels, affine, window_px)
        window[is_outside] = np.rint(window[~is_outside].mean(axis=0)) if not is_outside.all() else 0
    return window


def _is_outside(pixels: Pixels, affine: Affine, window_px: int) -> NDArray[np.bool_]:
    """Which pixels of the window (window_px, window_px) lie outside the picture."""
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    ys, xs = np.mgrid[0:window_px, 0:window_px]
    x, y = np.tensordot(inverse[:, :2], np.stack([xs, ys]), axes=1) + inverse[:, 2, None, None]
    height, width = pixels.shape[:2]
    return np.asarray((x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5), np.bool_)


def _best_in_place(
    found: NDArray[np.float32], row: NDArray[np.float32], face_px: int, window_px: int
) -> NDArray[np.float32] | None:
    """The best-scored row that overlaps the middle of the window, where the doubtful face should be."""
    sides = np.array([row[2] - row[0], row[3] - row[1]])
    half = sides / max(sides.max(), 1.0) * face_px / 2
    middle = window_px / 2
    wanted = np.array([middle - half[0], middle - half[1], middle + half[0], middle + half[1]])
    in_place = [candidate for candidate in found if overlap(candidate, wanted) > _SAME_PLACE]
    return max(in_place, key=lambda candidate: candidate[4] * overlap(candidate, wanted), default=None)


def _to_picture(row: NDArray[np.float32], affine: Affine) -> NDArray[np.float32]:
    """A row of the window in picture px. Its box is the one around the turned ellipse that the window's box held."""
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    centre = inverse @ np.array([(row[0] + row[2]) / 2 - 0.5, (row[1] + row[3]) / 2 - 0.5, 1.0]) + 0.5
    half = np.hypot(*(inverse[:, :2] * np.array([row[2] - row[0], row[3] - row[1]]) / 2).T)
    points = np.hstack([row[5:].reshape(5, 2), np.ones((5, 1))]) @ inverse.T
    picture = np.empty(ROW_LENGTH, np.float32)
    picture[:4] = (*(centre - half), *(centre + half))
    picture[4] = row[4]
    picture[5:] = points.ravel()
    return picture
