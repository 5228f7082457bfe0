"""The one exact resize, of a picture that is there or of one that comes row by row, and a quick one for looking at.

Knows nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib_facerestore.engine.data import FloatPixels, Pixels
from lib_facerestore.engine.levels import float_levels, write_rounded

# Lanczos with three lobes, the radius Pillow uses; source px when the picture grows, target px when it shrinks.
LOBES = 3.0
# Source pixels of one band: bounds the float copy to about 16 MB a channel.
_BAND_PX = 4_000_000
# What halving leaves for the last step of a quick reduction. With 1 the blocks are too coarse for the target's pixels:
# in a montage at four times its size landmarks moved by up to 7 % of the eye distance, with 2.5 by 0.25 %.
_LEAST_LEFT = 2.5


@dataclass(frozen=True)
class _Band:
    """Rows [top, bottom) of the target and what they are made of: rows [first, last) of the source.

    begin, end: where the target's rows begin and end in the source, in fractions of its rows.
    """

    top: int
    bottom: int
    first: int
    last: int
    begin: float
    end: float


def resize_exact(pixels: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[Any]:
    """One Lanczos resize to (height, width), with a kernel as wide as it must be where the picture shrinks.

    Shapes: (H, W) or (H, W, 3), uint8 or uint16 → the same kind, new memory unless nothing changes. Computes in
    float32 and rounds once; overshoot is clipped. Pixel centres: u = (x + ½)·W/w − ½. Works in bands of rows, so that
    no float copy of the picture exists.
    Source: Pillow's Image.resize (mode F, LANCZOS, box); its 8-bit mode rounds between the two axes, and cv2's
    INTER_LANCZOS4 does not widen its kernel.
    """
    if pixels.shape[:2] == size_hw:
        return pixels
    result = np.empty((*size_hw, *pixels.shape[2:]), pixels.dtype)
    for band in _bands((pixels.shape[0], pixels.shape[1]), size_hw):
        _resize_band(pixels[band.first : band.last], result[band.top : band.bottom], band)
    return result


def resize_where(pixels: Pixels, canvas: Pixels, shown: NDArray[np.bool_]) -> None:
    """Write `resize_exact` of the pixels to those pixels of the canvas that are to be shown, in place.

    Shapes: pixels (H, W, 3), canvas (h, w, 3) of the same type, shown (h, w); h and w are the size to resize to.
    """
    size_hw = int(canvas.shape[0]), int(canvas.shape[1])
    if pixels.shape[:2] == size_hw:
        canvas[shown] = pixels[shown]
        return
    for band in _bands((pixels.shape[0], pixels.shape[1]), size_hw):
        rows, here = canvas[band.top : band.bottom], shown[band.top : band.bottom]
        if here.any():
            resized = np.empty_like(rows)
            _resize_band(pixels[band.first : band.last], resized, band)
            rows[here] = resized[here]


def resize_float(pixels: FloatPixels, size_hw: tuple[int, int]) -> FloatPixels:
    """`resize_exact` of (H, W, 3) float32 in [0, 1], all at once and without rounding; overshoot is clipped."""
    if pixels.shape[:2] == size_hw:
        return pixels
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(pixels, 2, 0)]
    resized = [np.asarray(plane.resize(size_hw[::-1], Image.Resampling.LANCZOS)) for plane in planes]
    return np.asarray(np.clip(np.stack(resized, axis=2), 0.0, 1.0), np.float32)


def area_downscale(pixels: Pixels, size_wh: tuple[int, int]) -> Pixels:
    """Shrink a picture by area averaging, for a detector; the steps round, so the result is never shown.

    Shapes: (H, W, 3) RGB uint8 or uint16 → (height, width, 3) of the same type; size_wh is not larger than the picture.
    The picture is halved as long as enough is left to average, which OpenCV does 3× faster than any other factor. Odd
    sizes are not halved: the row left out would shift every landmark.
    """
    width, height = size_wh
    while min(pixels.shape[0] / height, pixels.shape[1] / width) >= 2 * _LEAST_LEFT:
        if pixels.shape[0] % 2 or pixels.shape[1] % 2:
            break
        half_wh = pixels.shape[1] // 2, pixels.shape[0] // 2
        pixels = cv2.resize(pixels, half_wh, interpolation=cv2.INTER_AREA)
    return pixels if pixels.shape[:2] == (height, width) else cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA)


def resize_rows(rows: Iterable[Pixels], source_hw: tuple[int, int], size_hw: tuple[int, int]) -> Pixels:
    """`resize_exact`, bit for bit, of a picture that comes as bands of rows from the top and never exists whole.

    Shapes: each of rows (any height, W, 3), together (H, W, 3) → (height, width, 3), new memory. Holds what came last
    and the rows above it that the kernel still needs.
    """
    if source_hw == size_hw:
        return _assembled(rows, size_hw)
    result: Pixels | None = None
    bands = list(_bands(source_hw, size_hw))
    held, start = [], 0  # pieces of the source, whose first row is row `start`
    for piece in rows:
        if result is None:
            result = np.empty((*size_hw, piece.shape[2]), piece.dtype)
        held.append(piece)
        stop = start + sum(len(part) for part in held)
        while bands and bands[0].last <= stop:
            band = bands.pop(0)
            # Without a name for the rows: it would keep them while the next piece is made.
            _resize_band(_rows_of(held, band.first - start, band.last - start), result[band.top : band.bottom], band)
        needed = bands[0].first if bands else stop
        held, start = [_rows_of(held, needed - start, stop - start).copy()], needed
        del piece  # the next one is made before the name is bound again
    assert result is not None, "a picture has rows"
    assert not bands, "rows are missing"
    return result


def _assembled(rows: Iterable[Pixels], size_hw: tuple[int, int]) -> Pixels:
    result: Pixels | None = None
    top = 0
    for piece in rows:
        if result is None:
            result = np.empty((*size_hw, piece.shape[2]), piece.dtype)
        result[top : top + len(piece)] = piece
        top += len(piece)
        del piece  # the next one is made before the name is bound again
    assert result is not None, "a picture has rows"
    return result


def _rows_of(pieces: list[Pixels], first: int, last: int) -> Pixels:
    """Rows [first, last) of pieces that lie below each other; a view where they lie in one piece."""
    parts: list[Pixels] = []
    top = 0
    for piece in pieces:
        part = piece[max(0, first - top) : max(0, last - top)]
        if len(part) or not parts:
            parts.append(part)
        top += len(piece)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _bands(source_hw: tuple[int, int], size_hw: tuple[int, int]) -> Iterator[_Band]:
    """The target cut into bands of rows. The same cut for the same sizes, so that both ways round alike."""
    height, width = size_hw
    ratio = source_hw[0] / height
    reach = math.ceil(LOBES * max(ratio, 1.0)) + 1
    rows = max(1, int(_BAND_PX / (max(source_hw[1], width) * max(ratio, 1.0))))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first = max(0, math.floor(top * ratio) - reach)
        last = min(source_hw[0], math.ceil(bottom * ratio) + reach)
        yield _Band(top, bottom, first, last, top * ratio, bottom * ratio)


def _resize_band(source: NDArray[Any], target: NDArray[Any], band: _Band) -> None:
    """Fill the band's rows of the target from its rows of the source, one channel after the other."""
    source, target = np.atleast_3d(source), np.atleast_3d(target)
    height, width, channels = target.shape
    begin, end = max(0.0, band.begin - band.first), min(float(source.shape[0]), band.end - band.first)
    box = (0.0, begin, float(source.shape[1]), end)
    for channel in range(channels):
        plane = Image.fromarray(float_levels(source[..., channel]))
        resized = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS, box))
        write_rounded(resized, target[..., channel])
