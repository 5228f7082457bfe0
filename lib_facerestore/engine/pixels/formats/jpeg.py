"""Segments of a JPEG, and what stands behind the picture's end. Decodes nothing.

Source: ITU-T T.81, annex B; CIPA DC-007 (multi-picture format); ISO 21496-1 and Adobe's gain maps.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

SIGNATURE = b"\xff\xd8\xff"
_START_OF_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_APP1, _APP2, _APP15 = 0xE1, 0xE2, 0xEF
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\x00"
_GAIN_MAP_BLOCK = b"urn:iso:std:iso:ts:21496:-1\x00"
_MULTI_PICTURE = b"MPF\x00"


def has_multi_picture_index(data: bytes) -> bool:
    """Whether an index names more pictures behind the first one."""
    return _has_segment(data, _APP2, _MULTI_PICTURE)


def has_gain_map_block(data: bytes) -> bool:
    """Whether a segment announces a gain map as ISO 21496-1 does."""
    return _has_segment(data, _APP2, _GAIN_MAP_BLOCK)


def has_extended_xmp(data: bytes) -> bool:
    """Whether a part of the XMP stands in segments of its own, which readers of plain XMP do not see."""
    return _has_segment(data, _APP1, _EXTENDED_XMP)


def bytes_behind(data: bytes) -> int:
    """Bytes behind the picture's end marker, without padding of zeros; 0 where the end is not found."""
    for kind, _, end in _segments(data):
        if kind == _END:
            return len(data[end:].rstrip(b"\x00"))
    return 0


def with_segment(data: bytes, segment: bytes) -> bytes:
    """The JPEG with one more segment, behind its leading APP segments."""
    place = 2
    for kind, _, end in _segments(data):
        if not 0xE0 <= kind <= _APP15:
            break
        place = end
    return b"".join([data[:place], segment, data[place:]])


def _has_segment(data: bytes, wanted: int, name: bytes) -> bool:
    """Whether a segment of that marker begins with the name; they stand before the first scan."""
    for kind, start, _ in _segments(data):
        if kind == wanted and data.startswith(name, start):
            return True
        if kind == _START_OF_SCAN:
            return False
    return False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the body of each segment up to the picture's end; a scan's pixels are skipped."""
    position = 2
    while position + 2 <= len(data):
        if data[position] != 0xFF:
            return
        kind = data[position + 1]
        position += 2
        if kind == 0xFF:  # a fill byte
            position -= 1
            continue
        if kind == _END:
            yield kind, position, position
            return
        if kind in _WITHOUT_LENGTH:
            continue
        if position + 2 > len(data):
            return
        (length,) = struct.unpack_from(">H", data, position)
        yield kind, position + 2, position + length
        position += length
        if kind == _START_OF_SCAN:
            position = _end_of_scan(data, position)


def _end_of_scan(data: bytes, position: int) -> int:
    """Where the next marker stands; within a scan 0xFF is followed by 0 or a restart marker."""
    found = _MARKER.search(data, position)
    return len(data) if found is None else found.start()
