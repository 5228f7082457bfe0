"""Samples of any depth to RGB of 8 or 16 bits: ranges, palettes, inks, colours multiplied by alpha."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lib_facerestore.engine.data import Pixels

# Rows of float32 at a time: inks and premultiplied colours need them, and a whole second copy is never made.
_BAND_PX = 4_000_000


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a file's pixels come to, as it stores them, not yet upright.

    pixels: (H, W, 3) RGB uint8 or uint16. alpha: (H, W) of the same type, or None. notes: what was changed on the way.
    keeps_icc: False where the file's profile described other colours than these.
    """

    pixels: Pixels
    alpha: NDArray[Any] | None = None
    is_grey: bool = False
    notes: tuple[str, ...] = ()
    keeps_icc: bool = True


def full_range(samples: NDArray[Any], depth: int, is_inverted: bool = False) -> NDArray[Any]:
    """Samples of 1 to 16 bits scaled to the whole range of uint8 (up to 8 bits) or uint16, rounded.

    Shapes: any → the same. is_inverted: 0 stands for white. The samples themselves where nothing changes.
    """
    kind = np.uint8 if depth <= 8 else np.uint16
    if depth in (8, 16) and not is_inverted and samples.dtype == kind:
        return samples
    highest = (1 << depth) - 1
    levels = np.arange(highest + 1, dtype=np.float64)
    if is_inverted:
        levels = levels[::-1]
    table = np.rint(levels * (np.iinfo(kind).max / highest)).astype(kind)
    return np.asarray(table[samples])


def from_palette(indices: NDArray[Any], colour_map: tuple[int, ...]) -> tuple[Pixels, str]:
    """Colours of a TIFF's palette, and a note.

    Shapes: indices (H, W) → (H, W, 3), uint8 or uint16.
    colour_map: all reds, then all greens, then all blues, 16 bits each. Old writers put 8-bit numbers there, which is
    seen by none of them being above 255. Colours that 8 bits hold exactly come as uint8.
    """
    colours = np.array(colour_map, np.uint16).reshape(3, -1).T
    if colours.max(initial=0) <= 255:
        return np.asarray(colours.astype(np.uint8)[indices]), "A palette of 8-bit colours was widened to RGB."
    if holds_eight_bits(colour_map):
        return np.asarray((colours >> 8).astype(np.uint8)[indices]), "A palette was widened to RGB."
    return np.asarray(colours[indices]), "A palette of 16-bit colours was widened to RGB."


def holds_eight_bits(colour_map: tuple[int, ...]) -> bool:
    """Whether 16-bit numbers hold 8 bits each: v·257 or v·256, as writers store them."""
    return all(value >> 8 == value & 255 for value in colour_map) or not any(value & 255 for value in colour_map)


def straight(pixels: Pixels, alpha: NDArray[Any]) -> Pixels:
    """Colours that were multiplied by alpha as they were before, as far as rounding kept them.

    Shapes: pixels (H, W, 3) and alpha (H, W), uint8 or uint16 → (H, W, 3) of the same type.
    """
    largest = np.float32(np.iinfo(pixels.dtype).max)
    result = np.empty_like(pixels)
    for band in bands(pixels):
        scale = largest / np.maximum(alpha[band], 1).astype(np.float32)
        result[band] = np.minimum(np.rint(pixels[band] * scale[..., None]), largest)
    return result


def on_white(pixels: Pixels, alpha: NDArray[Any]) -> Pixels:
    """The picture laid on a white ground: what was transparent is white, whatever colours were hidden there.

    Shapes: pixels (H, W, 3) and alpha (H, W), uint8 or uint16 → (H, W, 3) of the same type.
    """
    largest = np.float32(np.iinfo(pixels.dtype).max)
    result = np.empty_like(pixels)
    for band in bands(pixels):
        part = alpha[band].astype(np.float32)[..., None] / largest
        result[band] = np.rint(largest + (pixels[band] - largest) * part)
    return result


def from_cmyk(inks: NDArray[Any], icc: bytes) -> tuple[Pixels, str]:
    """RGB of (H, W, 4) inks, 0 for none, uint8 or uint16, through the picture's own profile; and a note.

    Without a profile that can be used (1 − ink)·(1 − black), in the depth of the inks.
    """
    if not icc:
        return _plain_cmyk(inks), "CMYK was converted to RGB, without an ICC profile to go by."
    try:
        if inks.dtype == np.uint16:
            return _deep_cmyk(inks, icc), "CMYK was converted to RGB through its ICC profile."
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        image = Image.fromarray(np.ascontiguousarray(inks), "CMYK")
        rgb = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert rgb is not None
        return np.asarray(rgb), "CMYK was converted to RGB through its ICC profile."
    except (ImageCms.PyCMSError, OSError, ValueError, RuntimeError):
        return _plain_cmyk(inks), "CMYK was converted to RGB without its ICC profile, which cannot be used."


def bands(pixels: NDArray[Any]) -> list[slice]:
    """Slices of rows that cover the picture, each of a few megapixels. Shapes: pixels (H, W, …)."""
    rows = max(1, _BAND_PX // max(1, pixels.shape[1]))
    return [slice(top, top + rows) for top in range(0, pixels.shape[0], rows)]


def _plain_cmyk(inks: NDArray[Any]) -> Pixels:
    largest = np.float32(np.iinfo(inks.dtype).max)
    result = np.empty((*inks.shape[:2], 3), inks.dtype)
    for band in bands(inks):
        light = 1 - inks[band].astype(np.float32) / largest
        result[band] = np.rint(light[..., :3] * light[..., 3:] * largest)
    return result


def _deep_cmyk(inks: NDArray[Any], icc: bytes) -> Pixels:
    """Raises: RuntimeError for a profile that cannot be used."""
    import imagecodecs  # a reader of 16-bit inks brought it along

    if icc[16:20] != b"CMYK":
        raise ValueError("not a profile of inks")
    return np.asarray(
        imagecodecs.cms_transform(
            np.ascontiguousarray(inks), icc, imagecodecs.cms_profile("srgb"), colorspace="cmyk", outcolorspace="rgb"
        )
    )
