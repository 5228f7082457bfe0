"""Files to pictures. Pillow reads all but 16-bit colour, which it silently cuts to 8 bits; OpenCV reads that."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels import png
from lib_facerestore.engine.pixels.files import read_bytes
from lib_facerestore.engine.pixels.metadata import as_arrays, metadata_of, orientation_of, upright
from lib_facerestore.engine.pixels.pil import from_pil
from lib_facerestore.errors import PictureError, SettingsError

# Formats that are decoded. Pillow knows more, among them EPS, which starts an interpreter of programs.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "PPM", "JPEG2000")
# All that Pillow's decoders raise on damaged files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    ZeroDivisionError, AssertionError, NotImplementedError, RuntimeError, struct.error,
)  # fmt: skip
_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*")
_PILLOW_LIMIT = threading.Lock()


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
    data = read_bytes(path, int(limits.file_megabytes * 1e6))
    try:
        with _pillow_without_limit(), Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            _check_size(path, image, limits)
            if _is_sixteen_bit_colour(image, data):
                return _read_sixteen_bit(path, image, data)
            return from_pil(image, data, str(path))
    except UnidentifiedImageError as error:
        if data[:4] in _TIFF_SIGNATURES and (picture := _read_odd_tiff(data)) is not None:
            return picture
        raise PictureError(path, "is not a picture that can be read here.") from error
    except MemoryError as error:
        raise PictureError(path, "needs more memory than there is; lower the pixel limit.") from error
    except _DECODER_ERRORS as error:
        raise PictureError(path, f"is damaged: {_first_line(error)}.") from error


def _check_size(path: Path, image: Image.Image, limits: ReadLimits) -> None:
    width, height = image.size
    megapixels = width * height / 1e6
    if megapixels > limits.megapixels:
        raise PictureError(
            path,
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


def _read_sixteen_bit(path: Path, image: Image.Image, data: bytes) -> Picture:
    """Metadata through Pillow, pixels through OpenCV: grey, grey + alpha, RGB or RGBA in uint16."""
    if image.format == "PNG":
        if problem := png.damage(data):
            raise PictureError(path, f"is damaged: {problem}.")
        has_alpha, is_grey = image.mode in ("RGBA", "LA"), data[25] in (0, 4)
    else:
        _check_strips(path, image, len(data))
        has_alpha, is_grey = image.mode in ("RGBA", "LA", "RGBa"), image.mode in ("L", "LA", "I;16")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise PictureError(path, "holds 16-bit pixels that cannot be decoded here.")
    channels = decoded.reshape(*decoded.shape[:2], -1)
    if channels.shape[2] == 1:
        channels = np.repeat(channels, 3, axis=2)
    else:
        code = cv2.COLOR_BGRA2RGBA if channels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        channels = cv2.cvtColor(channels, code)
    # OpenCV leaves the orientation alone under IMREAD_UNCHANGED. It must be read before Pillow applies a TIFF's own.
    pixels, alpha = as_arrays(upright(channels, orientation_of(image)))
    if alpha is not None and not has_alpha:
        alpha = None
    return Picture(pixels, alpha, is_grey, metadata_of(image, data))


def _read_odd_tiff(data: bytes) -> Picture | None:
    """A 16-bit TIFF that Pillow does not know, such as grey with alpha; its metadata is out of reach."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16 or decoded.ndim != 3 or decoded.shape[2] != 4:
        return None
    pixels, alpha = as_arrays(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA))
    is_grey = bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all())
    return Picture(pixels, alpha, is_grey, Metadata("TIFF"), ("Metadata of this kind of TIFF cannot be read.",))


def _check_strips(path: Path, image: Image.Image, size: int) -> None:
    """libtiff fills what a short file lacks with zeros, so the ends of strips and tiles are compared with the file."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    for offsets, counts in ((273, 279), (324, 325)):
        ends = [start + count for start, count in zip(tags.get(offsets, ()), tags.get(counts, ()))]
        if ends and max(ends) > size:
            raise PictureError(path, f"is damaged: it ends at byte {size}, its pixels at byte {max(ends)}.")


@contextmanager
def _pillow_without_limit() -> Iterator[None]:
    """Pillow's own pixel limit is below ours and cannot be given per file, so it is lifted while a file is opened."""
    with _PILLOW_LIMIT, warnings.catch_warnings():
        # Damaged EXIF and odd TIFF tags are warned about; what matters of them is said by our errors and notes.
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
