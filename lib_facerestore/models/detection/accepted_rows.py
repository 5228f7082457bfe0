"""Which of a detector's rows are faces, with the landmarks of the upright face. Knows no sizes of detection.

A row is box (4), score, landmarks (5 × 2), in px of the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Pixels
from lib_facerestore.models.detection.detected_rows import (
    NESTED_PART,
    ROW_LENGTH,
    degrees_apart,
    shared_parts,
    tilt_degrees,
    without_known,
)
from lib_facerestore.models.detection.face_verification import verify_faces
from lib_facerestore.models.detection.retinaface import RetinaFaceNetwork
from lib_facerestore.models.detection.upright import set_upright, stands_as_said

# Stock accepts a face at this score and has no other threshold; here such a face needs no verification.
CERTAIN_SCORE = 0.97
# At most so many doubtful places of one picture are verified, the best-scored ones.
_MOST_DOUBTFUL = 64
# A row of this score has the right landmarks, even where verification had to confirm that it is a face.
_GOOD_POINTS_SCORE = 0.6
# With points that look upright, faces on their heads reached scores of 0.995.
_PLAIN_SCORE = 0.998
_PLAIN_TILT_DEGREES = 35.0
# Unconfirmed rows from the first score on are turned into every direction, at most so many of a picture, and are faces
# from the third value on.
_PROMISING_SCORE = 0.2
_MOST_PROMISING = 4
_SURE_UPRIGHT_SCORE = 0.95
# A nearly upright row keeps its own points where the upright view finds the face turned no further from it than this.
_SAME_TILT_DEGREES = 20.0


def accept_rows(
    network: RetinaFaceNetwork,
    pixels: Pixels,
    rows: NDArray[np.float32],
    known: NDArray[np.float32],
    threshold: float,
) -> NDArray[np.float32]:
    """Keep the rows that are faces and have not been found before, each with the landmarks of the upright face.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; rows (N, 15) best first, known (K, 15) → (M, 15).
    Rows from the score CERTAIN_SCORE on are faces; lower ones are verified, and are faces from `threshold` on.
    known: faces found already; rows that show one of them are left out.
    Raises: OutOfMemory; InferenceFailed.
    """
    certain_score = max(threshold, CERTAIN_SCORE)
    rows = without_known(rows, known)
    certain = rows[rows[:, 4] >= certain_score]
    doubtful = _not_within(rows[rows[:, 4] < certain_score], certain)[:_MOST_DOUBTFUL]
    verified = verify_faces(network, pixels, doubtful, threshold)
    accepted = _upright(network, pixels, certain, _confirmed(doubtful, verified, threshold), threshold)
    is_promising = (verified[:, 4] < threshold) & (doubtful[:, 4] >= _PROMISING_SCORE)
    promising = without_known(doubtful[is_promising], np.concatenate([accepted, known]))[:_MOST_PROMISING]
    return np.concatenate([accepted, _on_their_heads(network, pixels, promising, threshold)])


def _on_their_heads(
    network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """The rows (N, 15) that are faces in a direction which verification does not try, with upright landmarks."""
    upright = [set_upright(network, pixels, row, threshold) for row in rows]
    sure = [row for row in upright if row[4] >= max(threshold, _SURE_UPRIGHT_SCORE)]
    return np.array(sure, np.float32).reshape(-1, ROW_LENGTH)


def _upright(
    network: RetinaFaceNetwork,
    pixels: Pixels,
    certain: NDArray[np.float32],
    confirmed: NDArray[np.float32],
    threshold: float,
) -> NDArray[np.float32]:
    """Give certain (N, 15) and confirmed rows (K, 15) the landmarks of the upright face.

    A certain row that is plainly upright is not examined. A certain row without an upright view above the threshold
    stays as it is and comes last; a confirmed one is dropped, because it was a face only if that had held.
    """
    is_plain = np.array([_is_plainly_upright(row) for row in certain], bool)
    examined = np.concatenate([certain[~is_plain], confirmed])
    as_said = stands_as_said(network, pixels, examined)
    settled, unsettled = [*certain[is_plain], *examined[as_said]], []
    for row in examined[~as_said]:
        upright = set_upright(network, pixels, row, threshold)
        if upright[4] >= threshold:
            settled.append(_with_first_points(upright, row))
        elif row[4] >= max(threshold, CERTAIN_SCORE):
            unsettled.append(row)
    settled.sort(key=lambda row: -float(row[4]))
    return np.array([*settled, *unsettled], np.float32).reshape(-1, ROW_LENGTH)


def _not_within(rows: NDArray[np.float32], certain: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (N, 15) whose box neither lies in the box of a certain row (K, 15) nor holds it.

    Doubtful rows are not compared with each other before they are verified: false ones would push real faces out.
    """
    is_free = [(shared_parts(row, certain) < NESTED_PART).all() for row in rows]
    return np.asarray(rows[np.array(is_free, bool)], np.float32)


def _confirmed(doubtful: NDArray[np.float32], verified: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The doubtful rows (N, 15) that verification (N, 15) scored at the threshold or higher, with that score.

    Where the detector's own score was low, box and landmarks are those of the verification too.
    """
    rows = np.where(doubtful[:, 4:5] >= _GOOD_POINTS_SCORE, doubtful, verified)
    rows[:, 4] = verified[:, 4]
    return np.asarray(rows[verified[:, 4] >= threshold], np.float32)


def _is_plainly_upright(row: NDArray[np.float32]) -> bool:
    """Whether score and landmarks of a row (15,) leave no doubt that the face stands upright."""
    return float(row[4]) >= _PLAIN_SCORE and abs(tilt_degrees(row)) <= _PLAIN_TILT_DEGREES


def _with_first_points(upright: NDArray[np.float32], row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The detector's row (15,) where it is nearly upright and the upright view agrees, else the view's row (15,)."""
    tilt = tilt_degrees(row)
    is_right = abs(tilt) <= _PLAIN_TILT_DEGREES and degrees_apart(tilt, tilt_degrees(upright)) <= _SAME_TILT_DEGREES
    return row if is_right else upright
