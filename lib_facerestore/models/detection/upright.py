"""Which way up a face stands. The network takes a face on its head for an upright one, with eyes where the mouth is.

So windows around the face turn it into every direction, at both sizes of face verification. Each window in which a face
is found votes with its score for the direction that its landmarks give; only the true direction gets the votes of
several windows. docs/decisions/016 says what was measured. A row is box (4), score, landmarks (5 × 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Pixels
from lib_facerestore.models.detection.detected_rows import degrees_apart, tilt_degrees
from lib_facerestore.models.detection.face_verification import FACE_SIDES_PX, detect_in_windows
from lib_facerestore.models.detection.retinaface import RetinaFaceNetwork

_VIEWS_DEGREES = tuple(30.0 * step for step in range(12))
# A vote counts in full for its own direction, and less for others until it counts nothing this far away.
_VOTE_WIDTH_DEGREES = 45.0
# A direction this far from the best one is another answer; it is tried too where it has at least this part of its
# votes.
_OTHER_DEGREES = 60.0
_OTHER_VOTES = 0.5
_DIRECTIONS_DEGREES = tuple(range(-180, 180, 5))
# Views this close to a direction show the face well enough to say where its middle is.
_NEAR_DEGREES = 30.0
# A face stands as its landmarks say where they tilt it by no more than the first value, it scores at least the second
# one that way, and at most the third one on its head.
_PLAIN_TILT_DEGREES = 45.0
_PLAIN_SCORE = 0.9
_ON_ITS_HEAD_SCORE = 0.5


def stands_as_said(network: RetinaFaceNetwork, pixels: Pixels, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell for each row whether the face stands the way its landmarks say; False also where that remains open.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; rows (N, 15) in px of the picture → (N,) bool.
    Two small windows decide: one turns the face upright by its landmarks, one turns it on its head.
    Raises: OutOfMemory; InferenceFailed.
    """
    tilts = [tilt_degrees(row) for row in rows]
    views = detect_in_windows(network, pixels, rows, [(tilt, tilt + 180) for tilt in tilts], FACE_SIDES_PX[0])
    return np.array(
        [
            abs(tilt) <= _PLAIN_TILT_DEGREES and seen[0, 4] >= _PLAIN_SCORE and seen[1, 4] <= _ON_ITS_HEAD_SCORE
            for tilt, seen in zip(tilts, views)
        ],
        bool,
    )


def set_upright(
    network: RetinaFaceNetwork, pixels: Pixels, row: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """Find the direction of a face, and detect it once more with that direction upright.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; row (15,) in px of the picture → (15,) in px of the picture, whose
    landmarks are those of the upright face. Its score is the lower one of both sizes. Where no small window scores the
    threshold, the result is all zeros, as for most of gravel.
    Raises: OutOfMemory; InferenceFailed.
    """
    small = detect_in_windows(network, pixels, row[None], [_VIEWS_DEGREES], FACE_SIDES_PX[0])[0]
    if small[:, 4].max() < threshold:
        return np.zeros_like(row)
    views = np.concatenate(
        [small, detect_in_windows(network, pixels, row[None], [_VIEWS_DEGREES], FACE_SIDES_PX[1])[0]]
    )
    views = views[views[:, 4] > 0]
    tilts = [tilt_degrees(view) for view in views]
    found, found_value = np.zeros_like(row), 0.0
    for direction, votes in _likely_directions(views[:, 4], tilts):
        near = [view for view, tilt in zip(views, tilts) if degrees_apart(tilt, direction) <= _NEAR_DEGREES]
        seen = _seen_at(network, pixels, max(near, key=lambda view: view[4]), direction)
        if votes * seen[4] > found_value:
            found, found_value = seen, votes * float(seen[4])
    return found


def _likely_directions(scores: NDArray[np.float32], tilts: Sequence[float]) -> list[tuple[float, float]]:
    """The direction with the most votes, and a second one that has at least half as many; each with its votes.

    scores (A) and tilts in degrees of the windows in which a face was found. Directions are in degrees.
    """
    apart = np.array([[degrees_apart(tilt, direction) for tilt in tilts] for direction in _DIRECTIONS_DEGREES])
    if not len(tilts):
        return []
    votes = (np.maximum(0, 1 - apart / _VOTE_WIDTH_DEGREES) * scores).sum(axis=1)
    best = int(votes.argmax())
    others = [degrees_apart(d, _DIRECTIONS_DEGREES[best]) >= _OTHER_DEGREES for d in _DIRECTIONS_DEGREES]
    other = int(np.where(others, votes, -1).argmax())
    chosen = [best] + [other] * bool(votes[other] >= _OTHER_VOTES * votes[best])
    return [(_mean_near(scores, tilts, apart[index]), float(votes[index])) for index in chosen]


def _mean_near(scores: NDArray[np.float32], tilts: Sequence[float], apart: NDArray[np.float64]) -> float:
    """The mean in degrees of the tilts that vote for one direction, each with the weight of its vote.

    apart (A): how far each tilt is from the direction, in degrees.
    """
    weights = np.maximum(0, 1 - apart / _VOTE_WIDTH_DEGREES) * scores
    return float(np.degrees(np.angle((weights * np.exp(1j * np.radians(tilts))).sum())))


def _seen_at(network: RetinaFaceNetwork, pixels: Pixels, row: NDArray[np.float32], tilt: float) -> NDArray[np.float32]:
    """Detect a row's face turned upright from that tilt: the larger size's row (15,), the lower score of both sizes."""
    small, large = (detect_in_windows(network, pixels, row[None], [(tilt,)], side)[0][0] for side in FACE_SIDES_PX)
    return np.array([*large[:4], min(small[4], large[4]), *large[5:]], np.float32)
