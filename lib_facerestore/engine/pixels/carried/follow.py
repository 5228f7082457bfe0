"""Metadata that follows a picture which has changed: its size, its colours. Knows nothing of file formats."""

from __future__ import annotations

from dataclasses import replace

from lib_facerestore.engine.data import Metadata
from lib_facerestore.engine.pixels.carried import exif, xmp

# sRGB as PNG's chunks say it: gamma 1/2.2 within what writers round, primaries and white of BT.709.
_SRGB_GAMMA = range(45000, 46001)
_SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_SRGB_CICP = frozenset({(1, 13), (1, 1), (1, 2), (2, 2), (2, 13), (1, 6)})
_PRIMARIES_TOLERANCE = 50


def following(metadata: Metadata, size_hw: tuple[int, int], is_grey: bool) -> Metadata:
    """The metadata as it holds for a result of that size: EXIF and XMP state it, no thumbnail shows the source.

    A profile of grey or of inks is left out where the pixels are RGB; `losses` says so.
    """
    return replace(
        metadata,
        exif=exif.for_result(metadata.exif, size_hw) if metadata.exif else b"",
        xmp=xmp.for_result(metadata.xmp, size_hw) if metadata.xmp else b"",
        icc=metadata.icc if profile_fits(metadata.icc, is_grey) else b"",
    )


def profile_fits(icc: bytes, is_grey: bool) -> bool:
    """Whether the profile describes pixels of that kind. Source: ICC.1:2022, header, bytes 16 to 19."""
    kind = icc[16:20]
    return kind == b"RGB " or (kind == b"GRAY" and is_grey) or not icc


def says_other_than_srgb(metadata: Metadata) -> bool:
    """Whether PNG's own chunks describe other colours than sRGB, and no profile stands above them."""
    chunks = dict(metadata.colour_chunks)
    cicp = chunks.get("cICP", b"")
    if len(cicp) == 4:
        return (cicp[0], cicp[1]) not in _SRGB_CICP
    if metadata.icc or "sRGB" in chunks:
        return False
    gamma = int.from_bytes(chunks.get("gAMA", b"\x00\x00\xb1\x8f"), "big")
    primaries = chunks.get("cHRM", b"")
    numbers = [int.from_bytes(primaries[start : start + 4], "big") for start in range(0, len(primaries), 4)]
    is_far = any(abs(a - b) > _PRIMARIES_TOLERANCE for a, b in zip(numbers, _SRGB_PRIMARIES))
    return gamma not in _SRGB_GAMMA or is_far
