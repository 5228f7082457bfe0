"""Integer levels to float and back: the only place of the engine where a pixel changes its type, beside `pixels`.

A level is a pixel's number in its file: 0 … 255 in uint8, 0 … 65535 in uint16. Knows nothing of pictures and files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lib_facerestore.engine.data import FloatPixels, Pixels

_LEVELS_8_IN_16 = 257  # 65535 / 255, so that black stays black and white stays white


def largest_level(dtype: DTypeLike) -> np.float32:
    """The level of white: 255 or 65535. It follows from the type, never from what a picture happens to hold."""
    return np.float32(np.iinfo(np.dtype(dtype)).max)


def float_levels(pixels: Pixels) -> NDArray[np.float32]:
    """The same levels as float32, to be mixed and written back with `write_rounded`.

    Shapes: any, uint8 or uint16 → the same shape, new memory.
    """
    return pixels.astype(np.float32)


def to_unit_float(pixels: Pixels) -> FloatPixels:
    """Pixels as float32 in [0, 1], as networks take crops.

    Shapes: any, uint8 or uint16 → the same shape, new memory.
    """
    return np.asarray(pixels, np.float32) * np.float32(1.0 / np.iinfo(pixels.dtype).max)


def to_levels(values: FloatPixels, dtype: DTypeLike = np.uint8) -> Pixels:
    """Float pixels in [0, 1] as levels of that integer type, rounded once; what lies outside is clipped.

    Shapes: any → the same shape, new memory.
    """
    levels = np.clip(values, 0.0, 1.0)
    levels *= largest_level(dtype)
    rounded: Pixels = np.rint(levels, out=levels).astype(dtype)
    return rounded


def write_rounded(levels: NDArray[np.float32], target: NDArray[Any]) -> None:
    """Write float levels to an integer array of the same shape, in place: rounded once, clipped to its type's range.

    levels: in the units of the target, not in [0, 1]; overwritten where that is allowed, to save a copy.
    """
    scratch = levels if levels.flags.writeable else np.empty_like(levels)
    np.rint(levels, out=scratch)
    target[...] = np.clip(scratch, 0, largest_level(target.dtype), out=scratch)


def to_eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """Pixels of 16 bits as uint8, rounded; those of 8 bits as they are.

    Shapes: any, uint8 or uint16 → the same shape.
    """
    if pixels.dtype == np.uint8:
        return pixels
    return np.rint(pixels / np.float32(_LEVELS_8_IN_16)).astype(np.uint8)


def to_sixteen_bits(pixels: Pixels) -> NDArray[np.uint16]:
    """Pixels of 8 bits as uint16 without a loss; those of 16 bits as they are.

    Shapes: any, uint8 or uint16 → the same shape.
    """
    if pixels.dtype == np.uint16:
        return pixels
    return pixels.astype(np.uint16) * np.uint16(_LEVELS_8_IN_16)
