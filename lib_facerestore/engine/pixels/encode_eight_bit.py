"""Pictures to files of 8 bits per channel, which Pillow writes: quality at least the source's, metadata kept."""

from __future__ import annotations

import functools
import io
import struct
from dataclasses import replace
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels import colours
from lib_facerestore.engine.pixels.formats import iptc, jpeg, png
from lib_facerestore.engine.pixels.losses import is_too_long
from lib_facerestore.engine.pixels.pil import to_pil
from lib_facerestore.engine.pixels.write_options import WriteOptions

_DEFAULT_QUALITY = 95


def encode_eight_bit(picture: Picture, file_format: str, options: WriteOptions) -> bytes:
    """The picture's bytes in a format by Pillow's name: PNG, JPEG, WEBP, BMP or AVIF; 16 bits are rounded to 8.

    Raises: what Pillow raises where it cannot write the picture.
    """
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
