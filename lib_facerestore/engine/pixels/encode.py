"""Pictures to files: which encoder writes a format, and what is refused. 16 bits stay 16 where the format has them."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels.carried.follow import following
from lib_facerestore.engine.pixels.encode_eight_bit import encode_eight_bit
from lib_facerestore.engine.pixels.files import already_there, write_atomically
from lib_facerestore.engine.pixels.formats import png, tiff_writer
from lib_facerestore.engine.pixels.formats.quiet import quiet_opencv
from lib_facerestore.engine.pixels.losses import losses_in
from lib_facerestore.engine.pixels.pil import quiet_pillow
from lib_facerestore.engine.pixels.suffixes import WRITTEN_AS
from lib_facerestore.engine.pixels.write_options import WriteOptions
from lib_facerestore.errors import PictureError

_LARGEST_JPEG_SIDE_PX, _LARGEST_WEBP_SIDE_PX = 65500, 16383


def write(picture: Picture, path: Path, overwrite: bool = False, options: WriteOptions | None = None) -> None:
    """Encode by the path's suffix and write; the file appears whole or not at all.

    Raises: PictureError when the file is there already, or cannot be encoded or written.
    """
    if not overwrite and os.path.exists(path):  # Path.exists raises where a name is too long
        raise already_there(path)
    write_atomically(path, encode(picture, path, options or WriteOptions()), overwrite)


def encode(picture: Picture, path: Path, options: WriteOptions) -> bytes:
    """The picture's bytes in the format of the path's suffix.

    Raises: PictureError.
    """
    file_format = WRITTEN_AS.get(path.suffix.lower())
    if file_format is None:
        raise PictureError(path, f"cannot be written: use one of {', '.join(sorted(WRITTEN_AS))}.")
    _check_side(picture, path, file_format)
    picture = replace(picture, metadata=following(picture.metadata, picture.size_hw, picture.is_grey))
    try:
        with quiet_pillow():
            if file_format == "TIFF":
                return tiff_writer.encode(_tiff_channels(picture), picture.metadata)
            if file_format == "PNG" and picture.pixels.dtype == np.uint16:
                return _sixteen_bit_png(picture)
            return encode_eight_bit(picture, file_format, options)
    except (OSError, ValueError, KeyError, TypeError, struct.error, OverflowError, cv2.error) as error:
        raise PictureError(path, f"cannot be encoded: {error}.") from error


def losses(picture: Picture, path: Path) -> tuple[str, ...]:
    """What the format of the path's suffix cannot hold, in sentences."""
    return losses_in(picture, WRITTEN_AS.get(path.suffix.lower(), "PNG"))


def _check_side(picture: Picture, path: Path, file_format: str) -> None:
    largest = {"JPEG": _LARGEST_JPEG_SIDE_PX, "WEBP": _LARGEST_WEBP_SIDE_PX}.get(file_format)
    if largest and max(picture.size_hw) > largest:
        height, width = picture.size_hw
        raise PictureError(path, f"cannot be written: {file_format} ends at {largest} px, this is {width}×{height}.")


def _tiff_channels(picture: Picture) -> NDArray[Any]:
    """(H, W, 1 to 4): grey with alpha in 16 bits as RGBA, which is valid TIFF as such but opened by few."""
    is_grey = picture.is_grey and (picture.alpha is None or picture.pixels.dtype == np.uint8)
    channels = picture.pixels[..., :1] if is_grey else picture.pixels
    return channels if picture.alpha is None else np.dstack([channels, picture.alpha])


def _sixteen_bit_png(picture: Picture) -> bytes:
    channels = picture.pixels[..., :1] if picture.is_grey else picture.pixels
    if picture.alpha is not None:
        array = cv2.cvtColor(np.dstack([picture.pixels, picture.alpha]), cv2.COLOR_RGBA2BGRA)
    else:
        array = channels if picture.is_grey else cv2.cvtColor(channels, cv2.COLOR_RGB2BGR)
    with quiet_opencv():
        done, data = cv2.imencode(".png", array)
    if not done:
        raise ValueError("OpenCV refused the pixels")
    return png.with_metadata(data.data, picture.metadata)
