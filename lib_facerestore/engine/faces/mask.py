"""What of a restored crop is shown. Every mask is (S, S) float32 in [0, 1] on the crop's own grid."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Crop, Mask, read_only

# What stock shows of the restored crop (facexlib 0.3.0 drops background, hat, neck, necklace and cloth), by name.
KEPT_PARTS = frozenset(
    "skin left_brow right_brow left_eye right_eye glasses left_ear right_ear earring "
    "nose mouth upper_lip lower_lip hair".split()
)
# The crop's outermost pixels are the least certain of every network; stock blacks out the same part, 10 px of 512.
_INSET = 10 / 512
# A blur this wide is made at half the size and brought back, 20× faster. No value changes by more than 0.004, one level
# of 8 bits where black is pasted over white.
_WIDE_SIGMA_PX = 7.0
# An oval whose edge is at least this soft is made on a grid of that side and enlarged: what changes is less than one
# level of 8 bits where black is pasted over white.
_SOFT_FEATHER, _OVAL_SIDE_PX = 0.03, 256


@functools.lru_cache(maxsize=4)
def feather_mask(side_px: int, feather: float) -> Mask:
    """An inset square with a soft edge; read-only, since all faces of a size share it.

    Shapes: (S, S) float32 in [0, 1], S being side_px.
    feather: width of the edge as a part of the side, in [0, 0.2]; 0 gives a hard edge.
    """
    inset = _INSET * side_px
    width = max(feather * side_px, 1e-6)
    distance = np.minimum(np.arange(side_px) + 0.5, side_px - np.arange(side_px) - 0.5).astype(np.float32) - inset
    return read_only(smooth_step(np.minimum(distance[:, None], distance[None, :]) / np.float32(width)))


def landmark_mask(crop: Crop, feather: float) -> Mask:
    """An oval around the face as its own landmarks give it, cut by the inset square.

    Shapes: (S, S) float32 in [0, 1], S being the crop's side.
    feather: width of the soft edge as a part of the side, in [0, 0.2]; it grows inwards and outwards alike.
    """
    points = np.hstack([crop.face.landmarks, np.ones((5, 1), np.float32)]) @ crop.affine.T
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    # In the FFHQ template eyes and mouth are 131 px apart, brow to chin about 330, temple to temple about 270. The
    # oval spans that with a rim; a profile's eyes are close together, so only the eye-to-mouth line sets the size.
    height = float(np.hypot(*down))
    centre = eyes + 0.40 * down
    axis_along, axis_across = 1.72 * height, 1.30 * height
    direction = down / max(height, 1e-6)
    across = np.array([direction[1], -direction[0]])
    side = crop.side_px
    grid_side = min(side, _OVAL_SIDE_PX) if feather >= _SOFT_FEATHER else side
    # Where the grid's points lie in the crop; columns and rows apart, so that only their sums are squares.
    at = (np.arange(grid_side) + 0.5) * (side / grid_side) - 0.5 - centre[:, None]
    along, across = (
        np.add.outer(*(at[::-1] * towards[::-1, None] / axis).astype(np.float32))
        for towards, axis in ((direction, axis_along), (across, axis_across))
    )
    inwards = (1 - np.sqrt(along**2 + across**2)) * np.float32(axis_across)
    width = max(feather * side, 1e-6)
    oval = smooth_step(inwards / np.float32(2 * width) + np.float32(0.5))
    if grid_side != side:
        oval = np.asarray(cv2.resize(oval, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.minimum(oval, feather_mask(side, feather))


def parsing_mask(labels: NDArray[np.uint8], classes: tuple[str, ...], side_px: int, feather: float) -> Mask:
    """The kept face parts within the inset square, with a soft edge.

    Shapes: labels (H, H), indices into `classes`. feather: width of the soft edge as a part of the side, in [0, 0.2].
    """
    is_kept = np.zeros(len(classes), np.float32)  # by label
    is_kept[[index for index, name in enumerate(classes) if name in KEPT_PARTS]] = 1
    kept: NDArray[Any] = is_kept[labels]
    sigma = feather * kept.shape[0] / 2
    while sigma >= _WIDE_SIGMA_PX and kept.shape[0] % 2 == 0:
        kept = cv2.resize(kept, (kept.shape[1] // 2, kept.shape[0] // 2), interpolation=cv2.INTER_AREA)
        sigma /= 2
    if sigma > 0:
        kept = cv2.GaussianBlur(kept, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    kept = cv2.resize(kept, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return np.minimum(np.asarray(kept, np.float32), feather_mask(side_px, feather))


def smooth_step(t: NDArray[np.float32]) -> Mask:
    """0 below 0, 1 above 1, and 3t² − 2t³ between: no visible start or end of the edge.

    Shapes: any float32 → the same, in [0, 1].
    """
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
