"""Boxes of JPEG 2000 and AVIF files: what they say of depth and colour. Decodes nothing.

Source: ISO/IEC 15444-1 annexes A and I (JPEG 2000), ISO/IEC 14496-12 (boxes), AV1 in ISOBMFF (av1C), H.273 (nclx).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0, b"moov": 0}  # bytes before the boxes inside
_MOST_BOXES, _DEEPEST = 4096, 6
SRGB, GREY, SYCC, CMYK_INKS = 16, 17, 18, 12
"""Enumerated colour spaces of JPEG 2000."""


@dataclass(frozen=True)
class Jpeg2000:
    """What a JPEG 2000 file says: bits of each component, whether any is signed or of lower resolution.

    colour_space: enumerated, 0 where the file names none, as a bare codestream.
    """

    bits: tuple[int, ...]
    is_signed: bool
    is_subsampled: bool
    colour_space: int = 0
    has_palette: bool = False


@dataclass(frozen=True)
class Avif:
    """bits: the largest depth of its pictures. cicp: primaries, transfer, matrix, full range; None where not said.

    has_gain_map: whether the file announces one.
    """

    bits: int
    has_gain_map: bool = False
    cicp: tuple[int, int, int, int] | None = None


def jpeg2000_of(data: bytes) -> Jpeg2000 | None:
    """What a JPEG 2000 file says of itself; None for other files and where its header is damaged."""
    if data.startswith(_CODESTREAM):
        return _of_codestream(data, 0)
    if not data.startswith(_JP2_SIGNATURE):
        return None
    found: Jpeg2000 | None = None
    colour_space, has_palette = 0, False
    for kind, start, end in _boxes(data):
        if kind == b"colr" and end - start >= 7 and data[start] == 1 and not colour_space:
            (colour_space,) = struct.unpack_from(">I", data, start + 3)
        elif kind == b"pclr":
            has_palette = True
        elif kind == b"jp2c" and found is None:
            found = _of_codestream(data, start)
    if found is None:
        return None
    return replace(found, colour_space=colour_space, has_palette=has_palette)


def avif_of(data: bytes) -> Avif | None:
    """What an AVIF file says of itself; None for other files."""
    if data[4:8] != b"ftyp" or not any(data[place : place + 4] in (b"avif", b"avis") for place in range(8, 64, 4)):
        return None
    bits, cicp = 0, None
    for kind, start, end in _boxes(data):
        if kind == b"av1C" and end - start >= 4:
            is_high, is_twelve = data[start + 2] & 0x40, data[start + 2] & 0x20
            bits = max(bits, 12 if is_high and is_twelve else 10 if is_high else 8)
        elif kind == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 11 and cicp is None:
            primaries, transfer, matrix = struct.unpack_from(">HHH", data, start + 4)
            cicp = (primaries, transfer, matrix, data[start + 10] >> 7)
    return Avif(bits or 8, b"tmap" in data[8:64], cicp)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of every box, those inside containers too; damage ends the walk."""
    waiting = [(0, len(data), 0)]
    for _ in range(_MOST_BOXES):
        while waiting and waiting[-1][0] + 8 > waiting[-1][1]:
            waiting.pop()
        if not waiting:
            return
        position, stop, depth = waiting.pop()
        size, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if size == 1 and start + 8 <= stop:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = stop if size == 0 else position + size
        if end > stop or end < start:
            return
        waiting.append((end, stop, depth))
        yield kind, start, end
        if kind in _CONTAINERS and depth < _DEEPEST:
            waiting.append((start + _CONTAINERS[kind], end, depth + 1))


def _of_codestream(data: bytes, start: int) -> Jpeg2000 | None:
    """Components of the SIZ segment, which comes first."""
    try:
        marker, count = struct.unpack_from(">H", data, start + 2)[0], struct.unpack_from(">H", data, start + 40)[0]
        if marker != 0xFF51 or not 1 <= count <= 16384:
            return None
        parts = [struct.unpack_from(">BBB", data, start + 42 + 3 * index) for index in range(count)]
    except struct.error:
        return None
    bits = tuple((depth & 0x7F) + 1 for depth, _, _ in parts)
    is_signed = any(depth & 0x80 for depth, _, _ in parts)
    return Jpeg2000(bits, is_signed, any((x, y) != (1, 1) for _, x, y in parts))
