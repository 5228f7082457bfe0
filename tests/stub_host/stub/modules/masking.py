"""Rectangles around masks."""

from __future__ import annotations

from PIL import Image

Box = tuple[int, int, int, int]


def get_crop_region_v2(mask: Image.Image, pad: int = 0) -> Box | None:
    """Rectangle of all that is not black, with padding; None for a black mask."""
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return max(left - pad, 0), max(top - pad, 0), min(right + pad, mask.width), min(bottom + pad, mask.height)


def _grown(low: int, high: int, wanted: int, limit: int) -> tuple[int, int]:
    """An interval of the wanted length around another, moved inside 0..limit, cut if it cannot fit."""
    extra = wanted - (high - low)
    low -= extra // 2
    low = max(min(low, limit - wanted), 0)
    return low, min(low + wanted, limit)


def expand_crop_region(region: Box, processing_width: int, processing_height: int, width: int, height: int) -> Box:
    """The rectangle grown to the aspect ratio that it will be processed in, inside the picture."""
    left, top, right, bottom = region
    ratio = processing_width / processing_height
    if (right - left) / (bottom - top) > ratio:
        top, bottom = _grown(top, bottom, int((right - left) / ratio), height)
    else:
        left, right = _grown(left, right, int((bottom - top) * ratio), width)
    return left, top, right, bottom
