"""Landmarks to crop. Knows nothing of models or masks."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Affine, Crop, Face, FloatPixels, Pixels
from lib_facerestore.engine.levels import to_unit_float
from lib_facerestore.engine.ports import CropKernel

# Left eye, right eye, nose, left and right mouth corner in a 512×512 square; (x, y) px.
# Source: the mean landmarks of aligned FFHQ as used by facexlib 0.3.0 (MIT) and every network trained on its crops.
FFHQ_TEMPLATE_512 = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ],
    np.float64,
)
CROP_SIDE_PX = 512
# Warping reads up to one pixel beyond the mapped square; the rest is room for rounding.
_SOURCE_MARGIN_PX = 4
# Bilinear sampling uses 2×2 source pixels, so a crop that shrinks the picture more than this skips pixels.
_LARGEST_PLAIN_SHRINK = 2.0


def affine_to_template(landmarks: NDArray[np.float32], side_px: int = CROP_SIDE_PX) -> Affine | None:
    """Rotation, uniform scale and shift that bring five landmarks to the template; None when they do not determine one.

    Shapes: landmarks (5, 2) (x, y) px; result (2, 3) picture → crop.
    Source: least-median fit of `cv2.estimateAffinePartial2D`, as facexlib 0.3.0 `align_warp_face` does.
    """
    if not np.isfinite(landmarks).all() or np.ptp(landmarks, axis=0).max() < 1e-3:
        return None
    affine, _ = cv2.estimateAffinePartial2D(landmarks.astype(np.float64), FFHQ_TEMPLATE_512, method=cv2.LMEDS)
    if affine is None or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:, :2])) < 1e-12:
        return None
    return at_side(np.asarray(affine, np.float64), CROP_SIDE_PX, side_px)


def align(pixels: Pixels, face: Face, side_px: int = CROP_SIDE_PX, kernel: CropKernel = "linear") -> Crop | None:
    """Warp one face to the template; None when its landmarks do not determine a crop.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; the crop's pixels (side_px, side_px, 3) float32 in [0, 1].
    What lies outside the picture is mirrored in, so that no flat border colour bleeds into the face.
    """
    affine = affine_to_template(face.landmarks, side_px)
    return None if affine is None else crop_with(pixels, face, affine, side_px, kernel)


def take_whole(pixels: Pixels, face: Face, side_px: int = CROP_SIDE_PX, kernel: CropKernel = "linear") -> Crop:
    """The whole picture as one crop, for input that is already aligned; non-square pictures are cut to their centre.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; the crop's pixels (side_px, side_px, 3) float32 in [0, 1].
    """
    height, width = pixels.shape[:2]
    scale = side_px / min(height, width)
    # Centre goes to centre; with pixel centres at integers both centres are (n − 1) / 2.
    shift_x = (side_px - 1) / 2 - scale * (width - 1) / 2
    shift_y = (side_px - 1) / 2 - scale * (height - 1) / 2
    return crop_with(pixels, face, np.array([[scale, 0, shift_x], [0, scale, shift_y]], np.float64), side_px, kernel)


def crop_with(pixels: Pixels, face: Face, affine: Affine, side_px: int, kernel: CropKernel = "linear") -> Crop:
    """One face cut out by a given affine.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16; affine (2, 3), picture → crop; the crop as in `align`.
    """
    return Crop(face, warp(pixels, affine, side_px, kernel), affine)


def at_side(affine: Affine, side_px: int, wanted_px: int) -> Affine:
    """The affine that leads to the same square of the picture with a side of `wanted_px` in place of `side_px`.

    Shapes: (2, 3) → (2, 3). An equal side gives the same numbers.
    """
    ratio = wanted_px / side_px
    resized = affine * ratio
    resized[:, 2] += (ratio - 1) / 2  # u′ = (u + ½)·ratio − ½
    return resized


def warp(pixels: Pixels, affine: Affine, side_px: int, kernel: CropKernel = "linear") -> FloatPixels:
    """The square that the affine maps the picture to; only the part that it shows is converted to float.

    Shapes: pixels (H, W, 3) RGB uint8 or uint16 → (side_px, side_px, 3) float32 in [0, 1].
    """
    left, top, right, bottom = _source_rectangle(affine, side_px, (pixels.shape[0], pixels.shape[1]))
    part = to_unit_float(pixels[top:bottom, left:right])
    part_affine = affine.copy()
    part_affine[:, 2] += affine[:, :2] @ np.array([left, top], np.float64)
    part, part_affine = _shrink_first(part, part_affine)
    flags = cv2.INTER_CUBIC if kernel == "cubic" else cv2.INTER_LINEAR
    warped = cv2.warpAffine(part, part_affine, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    # A cubic kernel overshoots at edges.
    return np.asarray(np.clip(warped, 0.0, 1.0), np.float32)


def _source_rectangle(affine: Affine, side_px: int, size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the picture's part that the crop sees; at least one pixel."""
    inverse = cv2.invertAffineTransform(affine)
    corners = np.array([[0, 0, 1], [side_px, 0, 1], [0, side_px, 1], [side_px, side_px, 1]], np.float64) @ inverse.T
    height, width = size_hw
    left, top = np.floor(corners.min(axis=0)).astype(int) - _SOURCE_MARGIN_PX
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + _SOURCE_MARGIN_PX
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return int(left), int(top), int(min(max(right, left + 1), width)), int(min(max(bottom, top + 1), height))


def _shrink_first(part: FloatPixels, affine: Affine) -> tuple[FloatPixels, Affine]:
    """Average whole blocks of pixels before a warp that would skip over them."""
    shrink = 1.0 / math.sqrt(abs(np.linalg.det(affine[:, :2])))
    if shrink <= _LARGEST_PLAIN_SHRINK:
        return part, affine
    height, width = part.shape[:2]
    small_h, small_w = max(1, round(height / shrink)), max(1, round(width / shrink))
    small = cv2.resize(part, (small_w, small_h), interpolation=cv2.INTER_AREA)
    # u = (x + ½)·small/large − ½, so x = (u + ½)·large/small − ½.
    ratio_x, ratio_y = width / small_w, height / small_h
    back = np.array([[ratio_x, 0, (ratio_x - 1) / 2], [0, ratio_y, (ratio_y - 1) / 2], [0, 0, 1]], np.float64)
    return np.asarray(small, np.float32), affine @ back
