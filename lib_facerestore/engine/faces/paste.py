"""Crop, mask and affine to canvas, inside the face's rectangle only. Knows nothing of models."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np

from lib_facerestore.engine.data import Affine, FloatPixels, Mask, Pixels, RestoredCrop
from lib_facerestore.engine.levels import float_levels, largest_level, to_unit_float, write_rounded
from lib_facerestore.errors import SettingsError

Scale: TypeAlias = float | tuple[float, float]
"""One factor, or one for x and one for y."""
# A mask value below half a level of 16 bits changes no pixel.
_INVISIBLE = 0.5 / 65535
# 0.5 leaves a plain bilinear warp down to half size; below, samples stay at most two crop pixels apart.
_SAMPLES_PER_CROP_PIXEL = 0.5
# Pixels of one band of the blend: 200 kB of float32 a channel, three arrays of them at a time.
_BAND_PX = 1 << 14


def crop_to_canvas(affine: Affine, enlarged: float = 1.0, canvas_scale: Scale = 1.0) -> Affine:
    """The affine from a restored crop to the canvas.

    Shapes: affine (2, 3), picture → crop; the result (2, 3), restored crop → canvas.
    enlarged: k, restored side / crop side. canvas_scale: s, canvas px per picture px.
    With pixel centres at integers a k times larger crop has u′ = (u + ½)·k − ½, and the canvas of scale s has
    x′ = (x + ½)·s − ½; so the way back is s·A⁻¹ + (s − 1)/2 after undoing k.
    Source: half-pixel convention of OpenCV; facexlib 0.3.0 adds 0.5·s instead, which shifts the face.
    """
    inverse = cv2.invertAffineTransform(affine)
    undo = np.array([[1 / enlarged, 0, (1 / enlarged - 1) / 2], [0, 1 / enlarged, (1 / enlarged - 1) / 2], [0, 0, 1]])
    scale_xy = np.broadcast_to(np.asarray(canvas_scale, np.float64), 2)
    back = scale_xy[:, None] * (np.asarray(inverse, np.float64) @ undo)
    back[:, 2] += (scale_xy - 1) / 2
    return np.asarray(back, np.float64)


def paste_face(
    canvas: Pixels, restored: RestoredCrop, visibility: float, canvas_scale: Scale = 1.0, keep_detail: bool = False
) -> None:
    """Blend one restored face into the canvas, in place.

    Shapes: canvas (H, W, 3) RGB, uint8 or uint16, writable; restored as in `RestoredCrop`. Rounds once.
    visibility in [0, 1]; 0 leaves the canvas bit for bit. Pixels outside the mask are not touched.
    canvas_scale: canvas px per picture px; two values, for x and y, where a size in whole px makes them differ.
    keep_detail: add the canvas' own detail that is finer than the restored crop's pixels.
    Raises: SettingsError if visibility is outside [0, 1].
    """
    if not 0.0 <= visibility <= 1.0:
        raise SettingsError("visibility", visibility, "a number from 0 to 1")
    if visibility == 0.0:
        return
    enlarged = restored.pixels.shape[0] / restored.crop.side_px
    affine = crop_to_canvas(restored.crop.affine, enlarged, canvas_scale)
    rectangle = _mask_rectangle(restored.mask, affine, (canvas.shape[0], canvas.shape[1]))
    if rectangle is None:
        return
    left, top, right, bottom = rectangle
    pixels, mask = _warp(restored, affine, rectangle)
    place = canvas[top:bottom, left:right]
    if keep_detail:
        pixels = pixels + finer_detail(place, math.sqrt(abs(np.linalg.det(affine[:, :2]))))
    _blend(place, pixels, mask * np.float32(visibility))


def finer_detail(place: Pixels, shrink: float) -> FloatPixels:
    """What of the pixels is lost when they are reduced by that factor: their high band, float32 around 0.

    Shapes: place (H, W, 3) uint8 or uint16.
    """
    height, width = place.shape[:2]
    if shrink <= 1:
        return np.zeros(place.shape, np.float32)
    values = to_unit_float(place)
    small_wh = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(values, small_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(values - cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _blend(place: Pixels, pixels: FloatPixels, weight: Mask) -> None:
    """place += (pixels − place)·weight where the weight can be seen; the only rounding on the way.

    In bands of rows that stay in the processor's cache, and without picking out pixels: twice as fast as an index.
    """
    largest = largest_level(place.dtype)
    rows = max(1, _BAND_PX // place.shape[1])
    for top in range(0, place.shape[0], rows):
        part = place[top : top + rows]
        seen = weight[top : top + rows]
        # A weight of 0 leaves integers what they are: base + (…)·0 is base, in float32 too.
        seen = np.where(seen > _INVISIBLE, seen, np.float32(0))
        base = float_levels(part)
        blended = pixels[top : top + rows] * largest
        blended -= base
        blended *= cv2.merge((seen, seen, seen))  # faster than a factor that has to be repeated for each channel
        blended += base
        write_rounded(blended, part)


def _warp(restored: RestoredCrop, affine: Affine, rectangle: tuple[int, int, int, int]) -> tuple[FloatPixels, Mask]:
    """Restored pixels and mask, warped into the rectangle of the canvas.

    A crop that shrinks is sampled n×n times per canvas pixel and averaged: a restored crop carries detail up to its
    last pixel, and sampling it at every third pixel would turn that into noise.
    """
    left, top, right, bottom = rectangle
    n = max(1, math.ceil(_SAMPLES_PER_CROP_PIXEL / math.sqrt(abs(np.linalg.det(affine[:, :2]))) - 1e-6))
    local = affine.copy()
    local[:, 2] -= (left, top)
    local = n * local
    local[:, 2] += (n - 1) / 2
    size_wh = ((right - left) * n, (bottom - top) * n)
    # Pixels repeat beyond the crop, so that a mask reaching its border does not blend towards black.
    pixels = cv2.warpAffine(restored.pixels, local, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(restored.mask, local, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    if n > 1:
        pixels = cv2.resize(pixels, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, np.float32), np.clip(mask, 0.0, 1.0)


def _mask_rectangle(mask: Mask, affine: Affine, size_hw: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """left, top, right, bottom on the canvas of all that the mask can show; None if that is nothing."""
    rows, columns = np.flatnonzero(mask.max(axis=1)), np.flatnonzero(mask.max(axis=0))
    if rows.size == 0:
        return None
    x0, x1, y0, y1 = columns[0] - 1, columns[-1] + 1, rows[0] - 1, rows[-1] + 1
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]], np.float64) @ affine.T
    height, width = size_hw
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    right, bottom = min(right, width), min(bottom, height)
    return None if left >= right or top >= bottom else (int(left), int(top), int(right), int(bottom))
