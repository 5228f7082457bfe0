"""Files to pictures: what a decoder gives is held against what the file says, and refused where they disagree."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.carried.left_out import notes_of
from lib_facerestore.engine.pixels.carried.metadata import carrier_of, metadata_of, orientation_of
from lib_facerestore.engine.pixels.carried.tiff_metadata import metadata_of_page
from lib_facerestore.engine.pixels.colours import Decoded
from lib_facerestore.engine.pixels.decode_deep import decode_deep, decode_pnm, refuse_odd
from lib_facerestore.engine.pixels.decode_tiff import decode_page
from lib_facerestore.engine.pixels.files import read_bytes
from lib_facerestore.engine.pixels.formats import png, pnm, tiff_pages
from lib_facerestore.engine.pixels.formats.quiet import Unreadable, quiet_opencv
from lib_facerestore.engine.pixels.pil import as_picture, from_pil, quiet_pillow
from lib_facerestore.errors import PictureError, PictureTooLarge, SettingsError

# Formats that are decoded. Pillow knows more, among them EPS, which starts an interpreter of programs.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "PPM", "JPEG2000")
# All that Pillow's decoders raise on damaged files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    ZeroDivisionError, AssertionError, NotImplementedError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
_MOST_PACKED_TEXT_BYTES = 16 << 20


@dataclass(frozen=True)
class ReadLimits:
    """Where reading stops. A picture of 200 megapixels takes 600 MB decoded, a 16-bit one twice that."""

    megapixels: float = 200.0
    file_megabytes: float = 4000.0

    def __post_init__(self) -> None:
        if not 0 < self.megapixels <= 10_000:
            raise SettingsError("max_megapixels", self.megapixels, "a number above 0, at most 10000")


def read(path: Path, limits: ReadLimits | None = None) -> Picture:
    """Decode a file: upright, in its own depth, with alpha and metadata; `notes` say what had to be changed.

    Raises: PictureError naming the file, for everything that is not a whole picture within the limits.
    """
    limits = limits or ReadLimits()
    return decode(read_bytes(path, int(limits.file_megabytes * 1e6)), path, limits)


def decode(data: bytes, name: Path | str, limits: ReadLimits) -> Picture:
    """`read` for a file's bytes; `name` is what errors call it.

    Raises: PictureError.
    """
    try:
        with _pillow_with_our_limits(limits):
            return _decode(data, name, limits)
    except Unreadable as error:
        raise PictureError(name, str(error)) from error
    except UnidentifiedImageError as error:
        raise PictureError(name, "is not a picture that can be read here.") from error
    except Image.DecompressionBombError as error:
        said = f"has more than twice the limit of {limits.megapixels:g} megapixels; raise it with --max-megapixels."
        raise PictureTooLarge(name, said) from error
    except MemoryError as error:
        raise PictureError(name, "needs more memory than there is; lower the pixel limit.") from error
    except _DECODER_ERRORS as error:
        raise PictureError(name, f"is damaged: {_first_line(error)}.") from error


def _decode(data: bytes, name: Path | str, limits: ReadLimits) -> Picture:
    """Raises: PictureError, Unreadable, and all that decoders raise on damaged files."""
    if problem := png.damage(data):
        raise Unreadable(f"is damaged: {problem}.")
    if (pages := tiff_pages.pages_of(data)) is not None:
        return _read_tiff(data, pages, name, limits)
    if (header := pnm.header_of(data)) is not None:
        _check_size(name, header.size_hw[::-1], limits)
        return as_picture(decode_pnm(data, header), Metadata(format="PPM"), 1)
    refuse_odd(data)
    with Image.open(io.BytesIO(data), formats=_known_formats()) as image:
        _check_size(name, image.size, limits)
        decoded = _decode_png(data) if png.bits_per_channel(data) == 16 else decode_deep(data, image.size)
        if decoded is None:
            return from_pil(image, data, str(name))
        carrier = carrier_of(image, data)
        metadata = metadata_of(carrier, data)
        notes = notes_of(data, metadata, getattr(image, "n_frames", 1))
        return as_picture(decoded, metadata, orientation_of(carrier), notes)


def _read_tiff(data: bytes, pages: tiff_pages.TiffPages, name: Path | str, limits: ReadLimits) -> Picture:
    """The chosen page. Raises: PictureTooLarge, Unreadable, and what readers raise for damaged data."""
    _check_size(name, pages.chosen.size_hw[::-1], limits)
    metadata, orientation = metadata_of_page(data, pages.chosen)
    decoded = decode_page(data, pages.chosen, metadata.icc, name)
    return as_picture(decoded, metadata, orientation, (pages.note,) if pages.note else ())


def _check_size(name: Path | str, size_wh: tuple[int, int], limits: ReadLimits) -> None:
    width, height = size_wh
    megapixels = width * height / 1e6
    if megapixels > limits.megapixels:
        raise PictureTooLarge(
            name,
            f"has {width}×{height} px, {megapixels:.0f} megapixels, and the limit is {limits.megapixels:g}; "
            "raise it with --max-megapixels.",
        )


def _decode_png(data: bytes) -> Decoded:
    """A PNG of 16 bits per channel, which Pillow cuts to 8: grey, grey + alpha, RGB or RGBA in uint16.

    Raises: Unreadable.
    """
    with quiet_opencv():
        decoded = cv2.imdecode(np.frombuffer(png.only_pixels(data), np.uint8), cv2.IMREAD_UNCHANGED)
    width, height, kind = *struct.unpack_from(">II", data, 16), data[25]
    if decoded is None or decoded.dtype != np.uint16 or decoded.shape[:2] != (height, width):
        raise Unreadable("is damaged: its 16-bit pixels cannot be decoded.")
    pixels, alpha = _rgb_and_alpha(decoded)
    is_grey, has_alpha = kind in (0, 4), kind in (4, 6)
    transparent = png.transparent_colour(data)
    if transparent is not None:
        shown = (pixels != np.array(transparent, np.uint16)).any(axis=2)
        alpha, has_alpha = shown.astype(np.uint16) * np.uint16(65535), True
    return Decoded(pixels, alpha if has_alpha else None, is_grey)


def _rgb_and_alpha(decoded: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Pixels (H, W, 3) and alpha (H, W) of OpenCV's grey, BGR or BGRA."""
    channels = decoded.reshape(*decoded.shape[:2], -1)
    if channels.shape[2] == 1:
        return np.repeat(channels, 3, axis=2), None
    code = cv2.COLOR_BGRA2RGBA if channels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    cv2.cvtColor(channels, code, dst=channels)  # in place: a copy would be as large as the picture
    alpha = np.ascontiguousarray(channels[..., 3]) if channels.shape[2] == 4 else None
    return np.ascontiguousarray(channels[..., :3]), alpha


@contextmanager
def _pillow_with_our_limits(limits: ReadLimits) -> Iterator[None]:
    """Pillow's own limits cannot be given per file, so they are changed while one is opened.

    Its pixel limit is never lifted: frames of a GIF beyond its canvas are allocated before anybody could ask for their
    size. Its limit for a packed text or profile, 1 MB, refuses whole pictures for the sake of a large workflow.
    """
    with quiet_pillow():
        before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
        # Pillow warns above its limit and refuses above twice its limit.
        Image.MAX_IMAGE_PIXELS = math.ceil(limits.megapixels * 1e6)
        PngImagePlugin.MAX_TEXT_CHUNK = _MOST_PACKED_TEXT_BYTES
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    if text and "MAX_TEXT" in text[0]:
        return f"its text is longer than {_MOST_PACKED_TEXT_BYTES >> 20} MB in one block or 64 MB in all"
    return text[0].rstrip(".") if text else type(error).__name__
