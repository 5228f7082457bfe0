"""PIL images and arrays: which mode becomes what, and what has to be said about it."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lib_facerestore.engine.data import FloatPixels, Picture, Pixels
from lib_facerestore.engine.pixels.metadata import carrier_of, metadata_of, orientation_of, upright
from lib_facerestore.errors import PictureError

_GREY_MODES = frozenset(["1", "L", "LA", "La", "I;16", "I;16L", "I;16B"])
_ALPHA_MODES = frozenset(["RGBA", "RGBa", "LA", "La", "PA"])
_SIXTEEN_BIT_MODES = frozenset(["I;16", "I;16L", "I;16B"])
NUMBERS_WITHOUT_WHITE = "holds 32-bit numbers, which have no fixed white; save it with 16 bits per channel."
_PILLOW = threading.Lock()
# Rows converted at a time: PIL holds 4 bytes a pixel, so a whole second copy is never made.
_BAND_PX = 4_000_000


def from_pil(image: Image.Image, data: bytes = b"", name: str = "The picture") -> Picture:
    """A picture of a PIL image of any mode, upright, with all that travels beside its pixels.

    data: the file it came from, where there is one. Palette, 1-bit, CMYK and the like are widened, which `notes` say.
    Raises: PictureError for modes whose values are no colours (32-bit numbers).
    """
    _drop_text_named_transparency(image)
    image.load()
    _drop_text_named_transparency(image)
    carrier = carrier_of(image, data)
    metadata = metadata_of(carrier, data)
    if image.mode in ("F", "I"):
        raise PictureError(name, NUMBERS_WITHOUT_WHITE)
    notes = _notes(image)
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    is_grey = image.mode in _GREY_MODES
    orientation = orientation_of(carrier)
    if image.mode in _SIXTEEN_BIT_MODES:
        grey = upright(np.asarray(image).astype(np.uint16), orientation)
        return Picture(np.repeat(grey[..., None], 3, axis=2), None, True, metadata, notes)
    if image.mode == "CMYK":
        image, note = _from_cmyk(image, metadata.icc)
        metadata, notes = replace(metadata, icc=b""), (note, *notes)
    pixels, alpha = _as_arrays(image, has_alpha)
    alpha = None if alpha is None else np.ascontiguousarray(upright(alpha, orientation))
    return Picture(np.ascontiguousarray(upright(pixels, orientation)), alpha, is_grey, metadata, notes)


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


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow without its warnings about damaged EXIF and odd tags: what matters of them is in our errors and notes.

    One thread at a time, because Python keeps the filters of warnings for the whole process.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def frame_notes(image: Image.Image) -> tuple[str, ...]:
    """What is lost of a file with several frames or pages."""
    frames = getattr(image, "n_frames", 1)
    return (f"Only the first of {frames} frames was taken.",) if frames > 1 else ()


def _as_arrays(image: Image.Image, has_alpha: bool) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(H, W, 3) and, if asked for, (H, W) uint8, converted in bands of rows."""
    width, height = image.size
    mode = "RGBA" if has_alpha else "RGB"
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if has_alpha else None
    rows = max(1, _BAND_PX // max(width, 1))
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        if "transparency" in image.info:
            band.info["transparency"] = image.info["transparency"]
        channels = np.asarray(band if band.mode == mode else band.convert(mode))
        pixels[top : top + rows] = channels[..., :3]
        if alpha is not None:
            alpha[top : top + rows] = channels[..., 3]
    return pixels, alpha


def _from_cmyk(image: Image.Image, icc: bytes) -> tuple[Image.Image, str]:
    """RGB through the picture's own profile, which described CMYK and is not kept; plain inverse without one."""
    if not icc:
        return image.convert("RGB"), "CMYK was converted to RGB, without an ICC profile to go by."
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        rgb = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        rgb = None
    if rgb is None:
        return image.convert("RGB"), "CMYK was converted to RGB without its ICC profile, which cannot be used."
    return rgb, "CMYK was converted to RGB through its ICC profile."


def _drop_text_named_transparency(image: Image.Image) -> None:
    """Pillow keeps a PNG's text under its own name and then takes one named transparency for a colour."""
    if isinstance(image.info.get("transparency"), str):
        del image.info["transparency"]


def _notes(image: Image.Image) -> tuple[str, ...]:
    widened = {
        "1": "1 bit per pixel was widened to 8-bit grey.",
        "P": "A palette was widened to RGB" + (" with alpha." if "transparency" in image.info else "."),
        "PA": "A palette with alpha was widened to RGBA.",
    }
    notes = []
    if image.mode in widened:
        notes.append(widened[image.mode])
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK", *_SIXTEEN_BIT_MODES):
        notes.append(f"Mode {image.mode} was converted to RGB.")
    return (*notes, *frame_notes(image))
