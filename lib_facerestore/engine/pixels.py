"""Border control: files and PIL images to `Picture` and back. Nobody else decides on channels, depth or orientation."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from lib_facerestore.engine.data import FloatPixels, Metadata, Picture, Pixels
from lib_facerestore.errors import PictureError

JPEG_QUALITY = 95
_SUFFIX_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
WRITABLE_SUFFIXES = frozenset(_SUFFIX_FORMATS)
# All that Pillow's decoders raise on damaged files.
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


def read(path: Path) -> Picture:
    """Decode a file; EXIF orientation is applied.

    Raises: PictureError naming the file.
    """
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise PictureError(path, "is a folder; name the pictures in it.") from error
    except FileNotFoundError as error:
        raise PictureError(path, "does not exist.") from error
    except OSError as error:
        raise PictureError(path, f"cannot be read: {error.strerror}.") from error
    if not data:
        raise PictureError(path, "is empty.")
    try:
        with Image.open(io.BytesIO(data)) as image:
            return from_pil(image)
    except UnidentifiedImageError as error:
        raise PictureError(path, "is not a picture that can be read here.") from error
    except _DECODER_ERRORS as error:
        raise PictureError(path, f"is damaged: {error}.") from error


def from_pil(image: Image.Image) -> Picture:
    """A picture of an 8-bit PIL image: grey, grey with alpha, RGB or RGBA; other modes are widened."""
    file_format, info = image.format or "", dict(image.info)
    exif = image.getexif()
    upright = ImageOps.exif_transpose(image)
    exif_bytes = _upright_exif(exif) if exif else b""
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in info
    is_grey = upright.mode in ("L", "LA", "1")
    rgba = np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))
    text = tuple((key, value) for key, value in info.items() if isinstance(key, str) and isinstance(value, str))
    metadata = Metadata(file_format, exif_bytes, info.get("icc_profile") or b"", text)
    alpha = np.ascontiguousarray(rgba[..., 3]) if has_alpha else None
    return Picture(np.ascontiguousarray(rgba[..., :3]), alpha, is_grey, metadata)


def to_pil(picture: Picture) -> Image.Image:
    """An 8-bit PIL image: L, LA, RGB or RGBA."""
    pixels = picture.pixels if picture.pixels.dtype == np.uint8 else np.rint(picture.pixels / 257.0).astype(np.uint8)
    channels = [pixels[..., 0]] if picture.is_grey else [pixels[..., 0], pixels[..., 1], pixels[..., 2]]
    if picture.alpha is not None:
        channels.append(
            picture.alpha if picture.alpha.dtype == np.uint8 else np.rint(picture.alpha / 257.0).astype(np.uint8)
        )
    return Image.fromarray(channels[0] if len(channels) == 1 else np.dstack(channels))


def from_unit_float(values: FloatPixels) -> Pixels:
    """Float pixels in [0, 1] as uint8, rounded."""
    levels: Pixels = np.rint(np.clip(values, 0.0, 1.0) * np.float32(255)).astype(np.uint8)
    return levels


def write(picture: Picture, path: Path, overwrite: bool = False) -> None:
    """Encode by the path's suffix; the file appears whole or not at all, and an old one stays until then.

    Raises: PictureError when the file is there already, or cannot be written.
    """
    file_format = _SUFFIX_FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise PictureError(path, f"cannot be written: use one of {', '.join(sorted(_SUFFIX_FORMATS))}.")
    if path.exists() and not overwrite:
        raise PictureError(path, "is there already; choose another folder or --overwrite.")
    write_atomically(path, _encode(picture, file_format))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename.

    Raises: PictureError.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise PictureError(path, f"cannot be written: {error.strerror}.") from error


def _encode(picture: Picture, file_format: str) -> bytes:
    image = to_pil(picture)
    if file_format == "JPEG" and picture.alpha is not None:
        image = image.convert("L" if picture.is_grey else "RGB")
    options: dict[str, object] = {}
    if file_format in ("JPEG", "WEBP"):
        options["quality"] = JPEG_QUALITY
    if picture.metadata.exif and file_format in ("JPEG", "PNG", "WEBP", "TIFF"):
        options["exif"] = picture.metadata.exif
    if picture.metadata.icc:
        options["icc_profile"] = picture.metadata.icc
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def _upright_exif(exif: Image.Exif) -> bytes:
    exif[ExifTags.Base.Orientation] = 1
    return exif.tobytes()
