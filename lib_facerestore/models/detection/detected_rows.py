"""Geometry of a detector's rows: how boxes overlap, how a face is turned, whether two rows show one person.

A row is 15 float32: box (left, top, right, bottom), score, and five landmarks (x, y), all in px of one picture.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROW_LENGTH = 15

# Two rows whose landmarks are closer than this on the mean show one person. In eye distances.
_ONE_FACE = 0.7
# Two boxes that share this part of their union show one person, wherever the landmarks are.
_ONE_BOX = 0.7
# A box with this part of its area inside another one shows the same face, or an eye taken for a face.
NESTED_PART = 0.85
# A row whose two eyes are this close, on the mean, to eyes of two other faces has borrowed them. In eye distances.
# Measured: rows between two faces up to 0.25, true faces from 0.57.
_BORROWED_EYES = 0.4
# Eyes and mouth corners form a square, so a face turned by quarters or mirrored has them in one of eight orders.
_CYCLE = [0, 1, 4, 3]
_ORDERS = [
    [cycle[0], cycle[1], 2, cycle[3], cycle[2]]
    for step in range(4)
    for turned in [_CYCLE[step:] + _CYCLE[:step]]
    for cycle in (turned, turned[::-1])
]


def overlaps(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """The area that a box (4 or more) shares with each of the boxes (N, 4 or more), as a part of their union: (N,)."""
    shared, area, areas = _areas(box, boxes)
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9), np.float64)


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The area that two boxes share, as a part of their union, in [0, 1].

    Shapes: each (4,) left, top, right, bottom in px, or a whole row (15,).
    """
    return float(overlaps(a, b[None])[0])


def shared_parts(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """The area that a box (4 or more) shares with each of the boxes (N, 4 or more), as a part of the smaller: (N,)."""
    shared, area, areas = _areas(box, boxes)
    return np.asarray(shared / np.maximum(np.minimum(area, areas), 1e-9), np.float64)


def points_of(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The landmarks (5, 2) of a row (15,), in px."""
    return row[5:].reshape(5, 2)


def eye_distances_px(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The distance between the eyes of each row (N, 15), in px: (N,).

    Where the distance from the eyes to the mouth is longer, as in a face seen from the side, it is taken instead.
    """
    points = rows[:, 5:].reshape(-1, 5, 2)
    eyes = points[:, 1] - points[:, 0]
    down = points[:, 3:].mean(axis=1) - points[:, :2].mean(axis=1)
    longer = np.maximum(np.hypot(*eyes.T), np.hypot(*down.T))
    return np.asarray(np.maximum(longer, 1e-6), np.float64)


def tilt_degrees(row: NDArray[np.float32]) -> float:
    """How far the landmarks of a row (15,) say that the face is turned clockwise, in degrees.

    0 means that the eyes stand above the mouth, ±180 that the face stands on its head.
    """
    right, down = _down(row)
    return math.degrees(math.atan2(-right, down))


def degrees_apart(a: float, b: float) -> float:
    """The angle between two directions, from 0 to 180 degrees."""
    return abs((a - b + 180) % 360 - 180)


def points_apart(row: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean distance of a row's landmarks from those of each other row, in eye distances of the larger face.

    Shapes: row (15,), others (N, 15) → (N,). Of the eight orders that turning and mirroring give, the nearest counts.
    """
    between = points_of(row)[_ORDERS] - others[:, None, 5:].reshape(-1, 1, 5, 2)
    nearest_px = np.hypot(between[..., 0], between[..., 1]).mean(axis=2).min(axis=1)
    return np.asarray(nearest_px / np.maximum(eye_distances_px(row[None]), eye_distances_px(others)), np.float64)


def show_one_person(row: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the other rows (N, 15) show the same person as the row (15,): (N,) bool.

    They do where their landmarks lie together or their boxes nearly agree. Heads that touch share a large part of their
    boxes, so a smaller overlap decides nothing.
    """
    return np.asarray((points_apart(row, others) < _ONE_FACE) | (overlaps(row, others) >= _ONE_BOX), np.bool_)


def first_of_each_person(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (N, 15) that do not show the person of an earlier row."""
    kept: list[NDArray[np.float32]] = []
    while len(rows):
        kept.append(rows[0])
        rows = rows[1:][~show_one_person(rows[0], rows[1:])]
    return np.array(kept, np.float32).reshape(-1, ROW_LENGTH)


def not_nested(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (N, 15) whose box neither lies inside the box of an earlier row nor holds it."""
    kept = rows[:0]
    for row in rows:
        if (shared_parts(row, kept) < NESTED_PART).all():
            kept = np.concatenate([kept, row[None]])
    return kept


def own_eyes_only(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (N, 15) without those that take one eye each of two neighbouring faces for a pair of eyes."""
    left, right = rows[:, 5:7], rows[:, 7:9]
    # [i, j]: from the left eye of row i to the right eye of row j; the other way round for the right eye of row i.
    to_left = np.linalg.norm(left[:, None] - right[None], axis=2) / eye_distances_px(rows)[:, None]
    to_right = np.linalg.norm(right[:, None] - left[None], axis=2) / eye_distances_px(rows)[:, None]
    pairs = (to_left[:, :, None] + to_right[:, None, :]) / 2
    one_neighbour = np.eye(len(rows), dtype=bool)[None]
    is_own = np.where(one_neighbour, np.inf, pairs).min(axis=(1, 2), initial=np.inf) >= _BORROWED_EYES
    return np.asarray(rows[is_own], np.float32)


def without_known(rows: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (N, 15) that show none of the faces of the known rows (K, 15), and no part of one."""
    is_new = [not show_one_person(row, known).any() and (shared_parts(row, known) < NESTED_PART).all() for row in rows]
    return np.asarray(rows[np.array(is_new, bool)], np.float32)


def turned_back(rows: NDArray[np.float32], quarters: int, size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Rows (N, 15) found in `np.rot90(picture, quarters)`, in px of the picture.

    size_hw: (height, width) of the turned picture.
    """
    height, width = size_hw
    for _ in range(quarters):
        left, top, right, bottom, score = rows[:, :5].T
        # A quarter turn clockwise: (x, y) goes to (height − y, x) for edges and to (height − 1 − y, x) for points.
        points = np.stack([height - 1 - rows[:, 6::2], rows[:, 5::2]], axis=2).reshape(-1, 10)
        rows = np.hstack([np.stack([height - bottom, left, height - top, right, score], axis=1), points])
        height, width = width, height
    return np.asarray(rows, np.float32)


def _areas(
    box: NDArray[Any], boxes: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The area that a box shares with each of the boxes (N,), its own area, and theirs (N,), in px²."""
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.maximum(width, 0) * np.maximum(height, 0), np.asarray(area, np.float64), areas


def _down(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector (x, y) from the middle of the eyes to the middle of the mouth of a row (15,), in px."""
    points = points_of(row)
    return np.asarray(points[3:].mean(axis=0) - points[:2].mean(axis=0), np.float32)
