"""The size at which a detector sees a picture, and the way back from there to the picture's own px."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Pixels
from lib_facerestore.engine.levels import to_eight_bits
from lib_facerestore.engine.upscaling import area_downscale

# The long side is bounded too, or a 40,000×200 strip would be enlarged to 128,000×640.
_MOST_LONG_PER_SHORT = 4


def resize_for_detection(pixels: Pixels, short_side_px: int) -> NDArray[np.uint8]:
    """Bring a picture to that short side in 8 bits, by averaging where it shrinks and bilinearly where it grows.

    Shapes: (H, W, 3) RGB uint8 or uint16 → (height, width, 3) RGB uint8. The long side is at most four times
    short_side_px; the short side gets smaller where that is needed.
    Stock samples with LANCZOS4 without a filter, which aliases large pictures. Enlarging finds more small faces.
    """
    height, width = pixels.shape[:2]
    scale = short_side_px / min(height, width)
    scale = min(scale, _MOST_LONG_PER_SHORT * short_side_px / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size_wh != (width, height):
        is_smaller = size_wh[0] <= width and size_wh[1] <= height
        pixels = area_downscale(pixels, size_wh) if is_smaller else cv2.resize(pixels, size_wh)
    return np.ascontiguousarray(to_eight_bits(pixels))


def rows_in_picture_px(
    rows: NDArray[np.float32], resized: tuple[int, ...], picture: tuple[int, ...]
) -> NDArray[np.float32]:
    """Rows (N, 15) of a resized picture in px of the picture; their scores stay as they are.

    resized, picture: the shapes of the two arrays of pixels, (height, width, …).
    """
    ratio = np.array([picture[1] / resized[1], picture[0] / resized[0]], np.float32)
    # Box edges lie between pixels, landmarks on them: u = x·r for edges, u = (x + ½)·r − ½ for points.
    edges = (rows[:, :4].reshape(-1, 2, 2) * ratio).reshape(-1, 4)
    points = ((rows[:, 5:].reshape(-1, 5, 2) + 0.5) * ratio - 0.5).reshape(-1, 10)
    return np.hstack([edges, rows[:, 4:5], points]).astype(np.float32)
