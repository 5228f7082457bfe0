"""Pictures to files: same format as the source unless asked otherwise, quality at least the source's, metadata kept."""

from __future__ import annotations

import functools
import io
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels import colours
from lib_facerestore.engine.pixels.carried.follow import following
from lib_facerestore.engine.pixels.files import already_there, write_atomically
from lib_facerestore.engine.pixels.formats import iptc, jpeg, png, tiff_writer
from lib_facerestore.engine.pixels.formats.quiet import quiet_opencv
from lib_facerestore.engine.pixels.losses import is_too_long, losses_in
from lib_facerestore.engine.pixels.pil import quiet_pillow, to_pil
from lib_facerestore.engine.pixels.suffixes import WRITTEN_AS
from lib_facerestore.errors import PictureError, SettingsError

FormatName = Literal["same", "png", "jpeg", "webp", "tiff", "bmp", "avif"]
Chroma = Literal["auto", "4:4:4", "4:2:2", "4:2:0"]
_DEFAULT_QUALITY = 95
_LARGEST_JPEG_SIDE_PX, _LARGEST_WEBP_SIDE_PX = 65500, 16383


@dataclass(frozen=True)
class WriteOptions:
    """How results are encoded.

    format: "same" keeps the source's where it can be written, else PNG.
    quality: 1 to 100 for JPEG, WebP and AVIF; 0 means at least the source's: JPEG takes the finer of the source's
    tables and those of quality 95, WebP and AVIF take 95, and a lossless WebP stays lossless.
    chroma: JPEG's colour resolution; auto keeps the source's.
    name: template of the file name without suffix; {name} is the source's.
    """

    format: FormatName = "same"
    quality: int = 0
    chroma: Chroma = "auto"
    name: str = "{name}"

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 100:
            raise SettingsError("quality", self.quality, "a whole number from 0 to 100")
        example = self.target_stem("name")
        if not example or example in (".", "..") or set(example) & set('/\\:*?"<>|\0'):
            raise SettingsError("name", self.name, "a file name with {name} in it, such as {name}-restored")

    def target_stem(self, source_stem: str) -> str:
        """The result's name without suffix."""
        return self.name.replace("{name}", source_stem)


def output_suffix(source: Path, options: WriteOptions) -> str:
    """The result's suffix: the source's where that format can be written, .png where it cannot."""
    if options.format != "same":
        return {"jpeg": ".jpg", "tiff": ".tif"}.get(options.format, f".{options.format}")
    suffix = source.suffix.lower()
    writable = suffix in WRITTEN_AS and (suffix != ".avif" or _has_avif())
    return source.suffix if writable else ".png"


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
            return _eight_bit(picture, file_format, options)
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


def _eight_bit(picture: Picture, file_format: str, options: WriteOptions) -> bytes:
    if file_format == "JPEG" and picture.alpha is not None:
        picture = replace(picture, pixels=colours.on_white(picture.pixels, picture.alpha), alpha=None)
    image = to_pil(picture)
    if file_format == "BMP" and picture.alpha is not None:
        image = image.convert("RGBA")
    arguments = _metadata_arguments(picture.metadata, file_format) | _quality(picture, file_format, options)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **arguments)
    if file_format == "BMP" and image.mode == "RGBA":
        return _with_alpha_mask(buffer.getvalue())
    if file_format == "PNG" and picture.metadata.colour_chunks:
        return png.with_colours(buffer.getbuffer(), picture.metadata)
    if file_format == "JPEG" and picture.metadata.iptc:
        return jpeg.with_segment(buffer.getvalue(), iptc.jpeg_segment(picture.metadata.iptc))
    return buffer.getvalue()


def _with_alpha_mask(data: bytes) -> bytes:
    """The 32-bit BMP with a header that says which byte is alpha; with Pillow's header its own reader drops it.

    Source: BITMAPV4HEADER of the Windows GDI reference.
    """
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    size_and_bits, rest = data[18:30], data[34:54]
    header = struct.pack("<I", 108) + size_and_bits + struct.pack("<I", 3) + rest + masks + b"BGRs" + bytes(48)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(data) - 54, 0, 0, start) + header + data[54:]


def _metadata_arguments(metadata: Metadata, file_format: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if metadata.icc and file_format != "BMP":
        arguments["icc_profile"] = metadata.icc
    if metadata.exif and file_format != "BMP" and not is_too_long(metadata.exif, file_format):
        arguments["exif"] = b"Exif\x00\x00" + metadata.exif
    if metadata.dots_per_inch and file_format in ("PNG", "JPEG", "BMP"):
        arguments["dpi"] = metadata.dots_per_inch
    if file_format == "PNG":
        arguments["pnginfo"] = _png_text(metadata)
    elif metadata.xmp and file_format in ("JPEG", "WEBP", "AVIF") and not is_too_long(metadata.xmp, file_format):
        arguments["xmp"] = metadata.xmp
    if metadata.comment and file_format == "JPEG":
        arguments["comment"] = metadata.comment
    return arguments


def _png_text(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    for keyword, text in metadata.text:
        info.add_text(keyword, text)
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    if metadata.iptc:
        info.add_text(iptc.PNG_KEYWORD, iptc.png_text(metadata.iptc), zip=True)
    return info


def _quality(picture: Picture, file_format: str, options: WriteOptions) -> dict[str, Any]:
    metadata = picture.metadata
    if file_format == "JPEG":
        chroma = metadata.jpeg_sampling if options.chroma == "auto" else options.chroma
        arguments: dict[str, Any] = {} if picture.is_grey else {"subsampling": chroma or "4:4:4"}
        if options.quality or not metadata.jpeg_tables:
            return arguments | {"quality": options.quality or _DEFAULT_QUALITY}
        return arguments | {"qtables": _finer_tables(metadata.jpeg_tables)}
    if file_format == "WEBP":
        keeps_lossless = metadata.is_lossless and not options.quality
        how: dict[str, Any] = {"lossless": True} if keeps_lossless else {"quality": options.quality or _DEFAULT_QUALITY}
        return how | {"exact": True}  # keeps the colours below full transparency
    if file_format == "AVIF":
        return {"quality": options.quality or _DEFAULT_QUALITY}
    return {}


def _finer_tables(tables: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """The source's quantisation, nowhere coarser than that of the default quality, so that new detail survives."""
    reference = _reference_tables()
    return [[min(pair) for pair in zip(table, reference[min(i, 1)])] for i, table in enumerate(tables)]


@functools.cache
def _reference_tables() -> tuple[tuple[int, ...], ...]:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=_DEFAULT_QUALITY)
    with Image.open(io.BytesIO(buffer.getvalue())) as image:
        return tuple(tuple(table) for _, table in sorted(image.quantization.items()))  # type: ignore[attr-defined]


def _has_avif() -> bool:
    Image.init()
    return "AVIF" in Image.SAVE
