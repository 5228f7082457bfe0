"""Geometry of a detector's rows: how boxes overlap, how a face is turned, whether two rows show one person.

A row is box (4), score, landmarks (5 × 2), in px.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROW_LENGTH = 15

# Points closer than this are one person's, in eye distances.
_ONE_FACE = 0.7
# Two boxes that share this part of their union are one person's, wherever the points are.
_ONE_BOX = 0.7
# A box with this part of its area inside another one shows the same face, or an eye taken for a face.
NESTED_PART = 0.85
# Both eyes of a row this close, on the mean, to eyes of two other faces are those. In eye distances. Measured: rows
# between two faces up to 0.25, true faces from 0.57.
_BORROWED_EYES = 0.4
# Eyes and mouth corners stand in a square, so a face that is turned or mirrored has them in one of eight orders.
_CYCLE = [0, 1, 4, 3]
_ORDERS = [
    [cycle[0], cycle[1], 2, cycle[3], cycle[2]]
    for step in range(4)
    for turned in [_CYCLE[step:] + _CYCLE[:step]]
    for cycle in (turned, turned[::-1])
]


def overlaps(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """Area that a box shares with each of the others (N, 4 or more), as a part of their union."""
    shared, area, areas = _areas(box, boxes)
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9), np.float64)


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Shared area of two boxes as a part of their union."""
    return float(overlaps(a, b[None])[0])


def shared_parts(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """Area that a box shares with each of the others (N, 4 or more), as a part of the smaller one's."""
    shared, area, areas = _areas(box, boxes)
    return np.asarray(shared / np.maximum(np.minimum(area, areas), 1e-9), np.float64)


def points_of(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The landmarks (5, 2) of a row."""
    return row[5:].reshape(5, 2)


def eye_distances_px(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """From eye to eye (N), or from the eyes to the mouth where that is longer, as in a face seen from the side."""
    points = rows[:, 5:].reshape(-1, 5, 2)
    eyes = points[:, 1] - points[:, 0]
    down = points[:, 3:].mean(axis=1) - points[:, :2].mean(axis=1)
    longer = np.maximum(np.hypot(*eyes.T), np.hypot(*down.T))
    return np.asarray(np.maximum(longer, 1e-6), np.float64)


def tilt_degrees(row: NDArray[np.float32]) -> float:
    """How far its landmarks say that a face is turned clockwise: 0 with the eyes above the mouth, ±180 on its head."""
    right, down = _down(row)
    return math.degrees(math.atan2(-right, down))


def degrees_apart(a: float, b: float) -> float:
    """The angle between two directions, 0 … 180."""
    return abs((a - b + 180) % 360 - 180)


def points_apart(row: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance (N) of a row's landmarks from each other row's, whichever way up each was taken.

    Shapes: row (15), others (N, 15). In eye distances of the larger face.
    """
    between = points_of(row)[_ORDERS] - others[:, None, 5:].reshape(-1, 1, 5, 2)
    nearest_px = np.hypot(between[..., 0], between[..., 1]).mean(axis=2).min(axis=1)
    return np.asarray(nearest_px / np.maximum(eye_distances_px(row[None]), eye_distances_px(others)), np.float64)


def show_one_person(row: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the other rows (N, 15) show the row's face: their points lie together, or their boxes nearly agree.

    Heads that touch share a large part of their boxes, so a smaller overlap says nothing.
    """
    return np.asarray((points_apart(row, others) < _ONE_FACE) | (overlaps(row, others) >= _ONE_BOX), np.bool_)


def first_of_each_person(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows without those that show the person of an earlier one."""
    kept: list[NDArray[np.float32]] = []
    while len(rows):
        kept.append(rows[0])
        rows = rows[1:][~show_one_person(rows[0], rows[1:])]
    return np.array(kept, np.float32).reshape(-1, ROW_LENGTH)


def not_nested(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows without those that lie inside an earlier one, or that an earlier one lies inside of."""
    kept = rows[:0]
    for row in rows:
        if (shared_parts(row, kept) < NESTED_PART).all():
            kept = np.concatenate([kept, row[None]])
    return kept


def own_eyes_only(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows without those that take the right eye of one face and the left eye of its neighbour for a pair of eyes."""
    left, right = rows[:, 5:7], rows[:, 7:9]
    # [i, j]: from the left eye of row i to the right eye of row j; the other way round for the right eye of row i.
    to_left = np.linalg.norm(left[:, None] - right[None], axis=2) / eye_distances_px(rows)[:, None]
    to_right = np.linalg.norm(right[:, None] - left[None], axis=2) / eye_distances_px(rows)[:, None]
    pairs = (to_left[:, :, None] + to_right[:, None, :]) / 2
    one_neighbour = np.eye(len(rows), dtype=bool)[None]
    is_own = np.where(one_neighbour, np.inf, pairs).min(axis=(1, 2), initial=np.inf) >= _BORROWED_EYES
    return np.asarray(rows[is_own], np.float32)


def without_known(rows: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that show none of the known rows' faces, and no part of them."""
    is_new = [not show_one_person(row, known).any() and (shared_parts(row, known) < NESTED_PART).all() for row in rows]
    return np.asarray(rows[np.array(is_new, bool)], np.float32)


def turned_back(rows: NDArray[np.float32], quarters: int, size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Rows found in `np.rot90(picture, quarters)` in px of the picture; size_hw is that of the turned one."""
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
    """What a box shares with each of the others, its own area, and theirs."""
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.maximum(width, 0) * np.maximum(height, 0), np.asarray(area, np.float64), areas


def _down(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the middle of the eyes to the middle of the mouth."""
    points = points_of(row)
    return np.asarray(points[3:].mean(axis=0) - points[:2].mean(axis=0), np.float32)
