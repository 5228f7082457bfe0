"""What a file format cannot hold of a picture, in sentences for the report."""

from __future__ import annotations

import numpy as np

from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.carried.follow import following, profile_fits, says_other_than_srgb
from lib_facerestore.engine.pixels.formats import iptc

SIXTEEN_BIT_FORMATS = ("PNG", "TIFF")
MOST_JPEG_BLOCK_BYTES = 65500
_WITH_IPTC = ("PNG", "JPEG", "TIFF")
_WITHOUT_METADATA = ("BMP",)


def losses_in(picture: Picture, file_format: str) -> tuple[str, ...]:
    """Sentences on what is left out of the picture in that format, Pillow's name of it."""
    return (*_pixel_losses(picture, file_format), *_metadata_losses(picture, file_format))


def is_too_long(block: bytes, file_format: str) -> bool:
    """Whether the block does not fit the format: a JPEG's marker holds 64 KB, part of it the block's name."""
    return file_format == "JPEG" and len(block) > MOST_JPEG_BLOCK_BYTES


def _pixel_losses(picture: Picture, file_format: str) -> list[str]:
    lost = []
    is_deep = picture.pixels.dtype == np.uint16
    if is_deep and file_format not in SIXTEEN_BIT_FORMATS:
        lost.append(f"{file_format} holds 8 bits per channel; 16 were rounded to 8.")
    if picture.alpha is not None and file_format == "JPEG":
        lost.append("JPEG holds no transparency; the picture was laid on white.")
    if picture.alpha is not None and picture.is_grey and file_format == "TIFF" and is_deep:
        lost.append("16-bit grey with alpha was written as RGB with alpha, which more programs read.")
    return lost


def _metadata_losses(picture: Picture, file_format: str) -> list[str]:
    metadata = picture.metadata
    kept = following(metadata, picture.size_hw, picture.is_grey)
    lost = []
    if file_format in _WITHOUT_METADATA:
        kinds = [name for name, block in _blocks(metadata) if block]
        return [f"{file_format} holds no {', '.join(kinds)}; left out."] if kinds else []
    for kind, block in (("EXIF", kept.exif), ("XMP", kept.xmp)):
        if is_too_long(block, file_format):
            lost.append(f"JPEG holds 64 KB of {kind}; the picture's {len(block) // 1024} KB were left out.")
    if metadata.xmp and not kept.xmp:
        lost.append("Its XMP speaks of a picture, video or size that is gone and cannot be edited; it was left out.")
    if not profile_fits(metadata.icc, picture.is_grey):
        lost.append(f"Its colour profile is one of {_kind_of(metadata.icc)}, not of these pixels; it was left out.")
    if metadata.iptc and (file_format not in _WITH_IPTC or _is_long_iptc(metadata, file_format)):
        lost.append(f"{file_format} does not hold its IPTC captions; they were left out.")
    if file_format != "PNG" and says_other_than_srgb(metadata):
        names = ", ".join(name for name, _ in metadata.colour_chunks)
        lost.append(f"{file_format} does not hold what the file says of its colours ({names}); they look different.")
    return lost


def _is_long_iptc(metadata: Metadata, file_format: str) -> bool:
    return file_format == "JPEG" and not iptc.jpeg_segment(metadata.iptc)


def _blocks(metadata: Metadata) -> tuple[tuple[str, object], ...]:
    return (
        ("EXIF", metadata.exif),
        ("XMP", metadata.xmp),
        ("IPTC", metadata.iptc),
        ("text", metadata.text),
        ("colour profile", metadata.icc),
        ("description of its colours", says_other_than_srgb(metadata)),
    )


def _kind_of(icc: bytes) -> str:
    kind = icc[16:20].decode("latin-1").strip()
    return {"GRAY": "grey", "CMYK": "inks (CMYK)", "RGB": "RGB"}.get(kind, kind if kind.isalnum() else "unknown kind")
