"""PIL images and arrays: which mode becomes what, and what has to be said about it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.levels import to_eight_bits
from lib_facerestore.engine.pixels import colours
from lib_facerestore.engine.pixels.carried.left_out import notes_of
from lib_facerestore.engine.pixels.carried.metadata import carrier_of, metadata_of, orientation_of, upright
from lib_facerestore.engine.pixels.colours import Decoded
from lib_facerestore.engine.pixels.formats import boxes
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
    decoded = decoded_of(image, metadata.icc, name)
    notes = (*shallow_notes(data), *notes_of(data, metadata, getattr(image, "n_frames", 1)))
    return as_picture(decoded, metadata, orientation_of(carrier), notes)


def as_picture(decoded: Decoded, metadata: Metadata, orientation: int, notes: tuple[str, ...] = ()) -> Picture:
    """The decoded pixels turned upright, with their metadata. notes: said after those of the decoding."""
    pixels = np.ascontiguousarray(upright(decoded.pixels, orientation))
    alpha = None if decoded.alpha is None else np.ascontiguousarray(upright(decoded.alpha, orientation))
    if not decoded.keeps_icc:
        metadata = replace(metadata, icc=b"")
    return Picture(pixels, alpha, decoded.is_grey, metadata, (*decoded.notes, *notes))


def decoded_of(image: Image.Image, icc: bytes, name: str) -> Decoded:
    """The pixels of a loaded PIL image of any mode, as they stand. icc: the profile of its inks, if it has any.

    Raises: PictureError for modes whose values are no colours (32-bit numbers, CIELab).
    """
    if image.mode in ("F", "I"):
        raise PictureError(name, NUMBERS_WITHOUT_WHITE)
    if image.mode == "LAB":
        raise PictureError(name, "stores its colours as CIELab, which is not supported; save it as RGB.")
    is_grey = image.mode in _GREY_MODES
    if image.mode in _SIXTEEN_BIT_MODES:
        grey = np.asarray(image).astype(np.uint16)
        return Decoded(np.repeat(grey[..., None], 3, axis=2), None, True, _notes(image))
    if image.mode == "CMYK":
        pixels, note = colours.from_cmyk(np.asarray(image), icc)
        return Decoded(pixels, None, False, (note, *_notes(image)), keeps_icc=False)
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    pixels, alpha = _as_arrays(image, has_alpha)
    return Decoded(pixels, alpha, is_grey, _notes(image))


def to_pil(picture: Picture) -> Image.Image:
    """An 8-bit PIL image of mode L, LA, RGB or RGBA."""
    channels = [picture.pixels[..., :1] if picture.is_grey else picture.pixels]
    if picture.alpha is not None:
        channels.append(picture.alpha[..., None])
    array = channels[0] if len(channels) == 1 else np.concatenate(channels, axis=2)
    array = to_eight_bits(array)
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow without its warnings about damaged EXIF and odd tags: what matters of them is in our errors and notes.

    One thread at a time, because Python keeps the filters of warnings for the whole process.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def shallow_notes(data: bytes) -> tuple[str, ...]:
    """What Pillow cuts off the depth of a file without a word."""
    avif = boxes.avif_of(data)
    if avif is None or avif.bits <= 8:
        return ()
    return (f"{avif.bits} bits per channel were cut to 8; pip install imagecodecs to keep them.",)


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
    return tuple(notes)
