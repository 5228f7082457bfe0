"""Doubtful faces are verified: each place is cut out, turned three ways and detected again at two sizes.

A real face that was too small, too tilted or too dark to be found with certainty is found with certainty then, at
either size; gravel and foliage that look like a face at one size do not at another. Over the samples the lowest score
of a true face is 0.83 and the highest of anything else 0.63; with one size they would overlap (0.83 and 0.89).
A row is box (4), score, landmarks (5 × 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Affine, Pixels
from lib_facerestore.engine.faces import warp
from lib_facerestore.engine.levels import to_levels
from lib_facerestore.models.detection.detected_rows import ROW_LENGTH, overlap
from lib_facerestore.models.detection.retinaface import RetinaFaceNetwork

FACE_SIDES_PX = (64, 96)
_WINDOW_PER_FACE = 2.5
_ANGLES_DEGREES = (0.0, -35.0, 35.0)
# A face found in a window counts where its box overlaps the expected one by more than this part of their union; a
# neighbour that fills the corner of the window is another face.
_SAME_PLACE = 0.25
_LOWEST_SCORE = 0.02
Beyond = Literal["mirrored", "flat"]
"""What a window shows beyond the picture's border: the picture mirrored, or its mean colour.

Mirrored, half a face at the border gets a second half that stands on its head, which would give a wrong answer to which
way up the face is. Flat, gravel at the border is taken for a face more often.
"""


def verify_faces(
    network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """Detect again at the place of each row: the best row found there, with score 0 where no face is found.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; rows (N, 15) in px of the picture → (N, 15) in px of the picture.
    The score is the lower one of both sizes; box and landmarks are those of the larger size. Rows that score below the
    threshold at the smaller size are not detected at the larger one; most false rows end there.
    Raises: OutOfMemory; InferenceFailed.
    """
    every = [_ANGLES_DEGREES] * len(rows)
    verified = _best_of(rows, detect_in_windows(network, pixels, rows, every, FACE_SIDES_PX[0], "mirrored"))
    promising = np.flatnonzero(verified[:, 4] >= threshold)
    windows = detect_in_windows(
        network, pixels, rows[promising], [_ANGLES_DEGREES] * len(promising), FACE_SIDES_PX[1], "mirrored"
    )
    larger = _best_of(rows[promising], windows)
    larger[:, 4] = np.minimum(larger[:, 4], verified[promising, 4])
    verified[promising] = larger
    return verified


def detect_in_windows(
    network: RetinaFaceNetwork,
    pixels: Pixels,
    rows: NDArray[np.float32],
    angles_degrees: Sequence[Sequence[float]],
    face_px: int,
    beyond: Beyond = "flat",
) -> list[NDArray[np.float32]]:
    """Cut a window around each row's box for each of the row's angles, and detect the face in the middle of each.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; rows (N, 15) in px of the picture; angles_degrees: A angles for each
    row. The result has (A, 15) for each row, in px of the picture, with score 0 where a window shows no face.
    An angle is how far the window turns the picture counter-clockwise: a face of that tilt stands upright in it.
    face_px: the longer side of the row's box in the window.
    Raises: OutOfMemory; InferenceFailed.
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
    """For each row (N, 15) the best of its views (A, 15); the row itself with score 0 where no view shows a face."""
    best_rows = rows.copy()
    best_rows[:, 4] = 0
    for target, seen in enumerate(views):
        best = seen[seen[:, 4].argmax()]
        if best[4] > 0:
            best_rows[target] = best
    return best_rows


def _window_affine(row: NDArray[np.float32], angle: float, face_px: int, window_px: int) -> Affine:
    """The affine from picture to window: centre of the row's box in the middle, its longer side face_px, turned."""
    scale = face_px / max(row[2] - row[0], row[3] - row[1], 1.0)
    centre = (float(row[0] + row[2]) / 2 - 0.5, float(row[1] + row[3]) / 2 - 0.5)
    affine = np.asarray(cv2.getRotationMatrix2D(centre, angle, float(scale)), np.float64)
    affine[:, 2] += (window_px - 1) / 2 - np.array(centre)
    return affine


def _window(pixels: Pixels, affine: Affine, window_px: int, beyond: Beyond) -> NDArray[np.uint8]:
    """The window's pixels, (window_px, window_px, 3) RGB uint8. beyond: what stands outside the picture."""
    window = to_levels(warp(pixels, affine, window_px))
    if beyond == "flat":
        is_outside = _is_outside(pixels, affine, window_px)
        window[is_outside] = np.rint(window[~is_outside].mean(axis=0)) if not is_outside.all() else 0
    return window


def _is_outside(pixels: Pixels, affine: Affine, window_px: int) -> NDArray[np.bool_]:
    """Which pixels of the window lie outside the picture, as (window_px, window_px) bool."""
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    ys, xs = np.mgrid[0:window_px, 0:window_px]
    x, y = np.tensordot(inverse[:, :2], np.stack([xs, ys]), axes=1) + inverse[:, 2, None, None]
    height, width = pixels.shape[:2]
    return np.asarray((x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5), np.bool_)


def _best_in_place(
    found: NDArray[np.float32], row: NDArray[np.float32], face_px: int, window_px: int
) -> NDArray[np.float32] | None:
    """The row found (N, 15) that fits the expected box best; None where none overlaps it enough.

    The expected box has the shape of the row's box and lies in the middle of the window. Best is the highest product of
    score and overlap.
    """
    sides = np.array([row[2] - row[0], row[3] - row[1]])
    half = sides / max(sides.max(), 1.0) * face_px / 2
    middle = window_px / 2
    wanted = np.array([middle - half[0], middle - half[1], middle + half[0], middle + half[1]])
    in_place = [candidate for candidate in found if overlap(candidate, wanted) > _SAME_PLACE]
    return max(in_place, key=lambda candidate: candidate[4] * overlap(candidate, wanted), default=None)


def _to_picture(row: NDArray[np.float32], affine: Affine) -> NDArray[np.float32]:
    """A row (15,) in px of the window as one in px of the picture.

    The box becomes the smallest upright box around the ellipse that the window's box holds, turned back.
    """
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    centre = inverse @ np.array([(row[0] + row[2]) / 2 - 0.5, (row[1] + row[3]) / 2 - 0.5, 1.0]) + 0.5
    half = np.hypot(*(inverse[:, :2] * np.array([row[2] - row[0], row[3] - row[1]]) / 2).T)
    points = np.hstack([row[5:].reshape(5, 2), np.ones((5, 1))]) @ inverse.T
    picture = np.empty(ROW_LENGTH, np.float32)
    picture[:4] = (*(centre - half), *(centre + half))
    picture[4] = row[4]
    picture[5:] = points.ravel()
    return picture
