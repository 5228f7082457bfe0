"""PIL images and arrays: which mode becomes what, and what has to be said about it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lib_facerestore.engine.data import FloatPixels, Metadata, Picture, Pixels
from lib_facerestore.engine.pixels.metadata import metadata_of, orientation_of, upright
from lib_facerestore.errors import PictureError

_GREY_MODES = frozenset(["1", "L", "LA", "La", "I;16", "I;16L", "I;16B"])
_ALPHA_MODES = frozenset(["RGBA", "RGBa", "LA", "La", "PA"])
_SIXTEEN_BIT_MODES = frozenset(["I;16", "I;16L", "I;16B"])
# Rows converted at a time: PIL holds 4 bytes a pixel, so a whole second copy is never made.
_BAND_PX = 4_000_000


def from_pil(image: Image.Image, data: bytes = b"", name: str = "The picture") -> Picture:
    """A picture of a PIL image of any mode, upright, with all that travels beside its pixels.

    data: the file it came from, where there is one. Palette, 1-bit, CMYK and the like are widened, which `notes` say.
    Raises: PictureError for modes whose values are no colours (32-bit numbers).
    """
    image.load()
    metadata = metadata_of(image, data)
    if image.mode in ("F", "I"):
        raise PictureError(name, "holds 32-bit numbers, which have no fixed white; save it with 16 bits per channel.")
    notes = _notes(image)
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    is_grey = image.mode in _GREY_MODES
    orientation = orientation_of(image)
    if image.mode in _SIXTEEN_BIT_MODES:
        grey = upright(np.asarray(image).astype(np.uint16), orientation)
        return Picture(np.repeat(grey[..., None], 3, axis=2), None, True, metadata, notes)
    if image.mode == "CMYK":
        image, metadata = _from_cmyk(image, metadata)
    channels = upright(_as_array(image, "RGBA" if has_alpha else "RGB"), orientation)
    alpha = np.ascontiguousarray(channels[..., 3]) if has_alpha else None
    return Picture(np.ascontiguousarray(channels[..., :3]), alpha, is_grey, metadata, notes)


def to_pil(picture: Picture) -> Image.Image:
    """An 8-bit PIL image of mode L, LA, RGB or RGBA."""
    channels = [picture.pixels[..., :1] if picture.is_grey else picture.pixels]
    if picture.alpha is not None:
        channels.append(picture.alpha[..., None])
    array = channels[0] if len(channels) == 1 else np.concatenate(channels, axis=2)
    if array.dtype == np.uint16:
        array = np.rint(array / np.float32(257)).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))


def from_unit_float(values: FloatPixels) -> Pixels:
    """Float pixels in [0, 1] as uint8, rounded."""
    levels: Pixels = np.rint(np.clip(values, 0.0, 1.0) * np.float32(255)).astype(np.uint8)
    return levels


def _as_array(image: Image.Image, mode: str) -> NDArray[Any]:
    """(H, W, C) uint8, converted in bands of rows."""
    width, height = image.size
    array = np.empty((height, width, len(mode)), np.uint8)
    rows = max(1, _BAND_PX // max(width, 1))
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        if "transparency" in image.info:
            band.info["transparency"] = image.info["transparency"]
        array[top : top + rows] = np.asarray(band if band.mode == mode else band.convert(mode))
    return array


def _from_cmyk(image: Image.Image, metadata: Metadata) -> tuple[Image.Image, Metadata]:
    """RGB through the picture's own profile; the profile described CMYK and is dropped. Without one: plain inverse."""
    if metadata.icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc))
            converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted, replace(metadata, icc=b"")
    return image.convert("RGB"), replace(metadata, icc=b"")


def _notes(image: Image.Image) -> tuple[str, ...]:
    widened = {
        "1": "1 bit per pixel was widened to 8-bit grey.",
        "P": "A palette was widened to RGB" + (" with alpha." if "transparency" in image.info else "."),
        "PA": "A palette with alpha was widened to RGBA.",
        "CMYK": "CMYK was converted to RGB"
        + (" through its ICC profile." if image.info.get("icc_profile") else ", without an ICC profile to go by."),
    }
    notes = []
    if image.mode in widened:
        notes.append(widened[image.mode])
    elif image.mode not in ("L", "LA", "RGB", "RGBA", *_SIXTEEN_BIT_MODES):
        notes.append(f"Mode {image.mode} was converted to RGB.")
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"Only the first of {image.n_frames} frames was taken.")  # type: ignore[attr-defined]
    return tuple(notes)
