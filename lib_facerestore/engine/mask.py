"""What of a restored crop is shown. Every mask is (S, S) float32 in [0, 1] on the crop's own grid."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Crop, Mask

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


def feather_mask(side_px: int, feather: float) -> Mask:
    """An inset square with a soft edge.

    feather: width of the edge as a part of the side, in [0, 0.2]; 0 gives a hard edge.
    """
    inset = _INSET * side_px
    width = max(feather * side_px, 1e-6)
    distance = np.minimum(np.arange(side_px) + 0.5, side_px - np.arange(side_px) - 0.5).astype(np.float32) - inset
    return smooth_step(np.minimum(distance[:, None], distance[None, :]) / np.float32(width))


def landmark_mask(crop: Crop, feather: float) -> Mask:
    """An oval around the face as its own landmarks give it, cut by the inset square.

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
    ys, xs = np.mgrid[0 : crop.side_px, 0 : crop.side_px].astype(np.float32)
    along_px = (xs - centre[0]) * direction[0] + (ys - centre[1]) * direction[1]
    across_px = (xs - centre[0]) * across[0] + (ys - centre[1]) * across[1]
    radius = np.sqrt((along_px / axis_along) ** 2 + (across_px / axis_across) ** 2)
    inwards = ((1 - radius) * axis_across).astype(np.float32)
    width = max(feather * crop.side_px, 1e-6)
    return np.minimum(smooth_step(inwards / np.float32(2 * width) + 0.5), feather_mask(crop.side_px, feather))


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
    """0 below 0, 1 above 1, and 3t² − 2t³ between: no visible start or end of the edge."""
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
