"""Files to pictures. Pillow reads all but 16-bit colour, which it silently cuts to 8 bits; OpenCV reads that."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels import png
from lib_facerestore.engine.pixels.files import read_bytes
from lib_facerestore.engine.pixels.metadata import (
    as_arrays,
    carrier_of,
    metadata_of,
    orientation_of,
    upright,
    with_upright_orientation,
)
from lib_facerestore.engine.pixels.pil import NUMBERS_WITHOUT_WHITE, frame_notes, from_pil, quiet_pillow
from lib_facerestore.errors import PictureError, PictureTooLarge, SettingsError

# Formats that are decoded. Pillow knows more, among them EPS, which starts an interpreter of programs.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "PPM", "JPEG2000")
# All that Pillow's decoders raise on damaged files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    ZeroDivisionError, AssertionError, NotImplementedError, RuntimeError, struct.error,
)  # fmt: skip
_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*")
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
    if problem := png.damage(data):
        raise PictureError(name, f"is damaged: {problem}.")
    try:
        with _pillow_with_our_limits(limits), Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            _check_size(name, image.size, limits)
            if _is_sixteen_bit_colour(image, data):
                return _read_sixteen_bit(name, image, data)
            return from_pil(image, data, str(name))
    except UnidentifiedImageError as error:
        raise PictureError(name, _why_unknown(data)) from error
    except Image.DecompressionBombError as error:
        said = f"has more than twice the limit of {limits.megapixels:g} megapixels; raise it with --max-megapixels."
        raise PictureTooLarge(name, said) from error
    except MemoryError as error:
        raise PictureError(name, "needs more memory than there is; lower the pixel limit.") from error
    except _DECODER_ERRORS as error:
        raise PictureError(name, f"is damaged: {_first_line(error)}.") from error


def _check_size(name: Path | str, size_wh: tuple[int, int], limits: ReadLimits) -> None:
    width, height = size_wh
    megapixels = width * height / 1e6
    if megapixels > limits.megapixels:
        raise PictureTooLarge(
            name,
            f"has {width}×{height} px, {megapixels:.0f} megapixels, and the limit is {limits.megapixels:g}; "
            "raise it with --max-megapixels.",
        )


def _is_sixteen_bit_colour(image: Image.Image, data: bytes) -> bool:
    if image.format == "PNG":
        return png.bits_per_channel(data) == 16
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]
        return max(bits, default=8) == 16 and len(bits) > 1
    return False


def _read_sixteen_bit(name: Path | str, image: Image.Image, data: bytes) -> Picture:
    """Metadata through Pillow, pixels through OpenCV: grey, grey + alpha, RGB or RGBA in uint16."""
    carrier = carrier_of(image, data)
    if image.format == "PNG":
        has_alpha = image.mode in ("RGBA", "LA") or "transparency" in image.info
        is_grey = data[25] in (0, 4)
    else:
        _check_strips(name, image.tag_v2, len(data))  # type: ignore[attr-defined]
        has_alpha, is_grey = image.mode in ("RGBA", "LA", "RGBa"), image.mode in ("L", "LA", "I;16")
    orientation = orientation_of(carrier)
    if image.format == "TIFF" and orientation != 1:
        # OpenCV turns TIFF, unasked, and leaves PNG alone. A TIFF has the layout of an EXIF block.
        data = with_upright_orientation(data) or data
    pixels, alpha = as_arrays(upright(_decode_sixteen_bit(name, data), orientation))
    if image.mode == "RGBa" and alpha is not None:
        pixels = _straight(pixels, alpha)
    return Picture(pixels, alpha if has_alpha else None, is_grey, metadata_of(carrier, data), frame_notes(image))


def _straight(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Colours that were multiplied by alpha as they were before, as far as rounding kept them."""
    scale = np.float32(65535) / np.maximum(alpha, 1).astype(np.float32)
    return np.asarray(np.minimum(np.rint(pixels * scale[..., None]), 65535), np.uint16)


def _decode_sixteen_bit(name: Path | str, data: bytes) -> NDArray[Any]:
    """(H, W, 3 or 4) uint16 RGB or RGBA.

    Raises: PictureError.
    """
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PictureError(name, f"is damaged: {_first_line(error)}.") from error
    if decoded is None or decoded.dtype != np.uint16:
        raise PictureError(name, "is damaged: its 16-bit pixels cannot be decoded.")
    channels = decoded.reshape(*decoded.shape[:2], -1)
    if channels.shape[2] == 1:
        return np.repeat(channels, 3, axis=2)
    code = cv2.COLOR_BGRA2RGBA if channels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    cv2.cvtColor(channels, code, dst=channels)  # in place: a copy would be as large as the picture
    return channels


def _why_unknown(data: bytes) -> str:
    """Why Pillow does not know the file: for a TIFF what its own header says of the pixels."""
    unknown = "is not a picture that can be read here."
    if data[:4] not in _TIFF_SIGNATURES:
        return unknown
    try:
        tags = ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        with quiet_pillow():
            tags.load(file)
        bits = [int(value) for value in tags.get(258, (1,))]
    except _DECODER_ERRORS:
        return unknown
    if max(bits, default=0) >= 32:
        return NUMBERS_WITHOUT_WHITE
    return f"is a TIFF with {len(bits)} channels of {max(bits, default=0)} bits, which cannot be read here."


def _check_strips(name: Path | str, tags: ImageFileDirectory_v2, size: int) -> None:
    """libtiff fills what a short file lacks with zeros, so the ends of strips and tiles are compared with the file."""
    for offsets, counts in ((273, 279), (324, 325)):
        ends = [start + count for start, count in zip(tags.get(offsets, ()), tags.get(counts, ()))]
        if ends and max(ends) > size:
            raise PictureError(name, f"is damaged: it ends at byte {size}, its pixels at byte {max(ends)}.")


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
