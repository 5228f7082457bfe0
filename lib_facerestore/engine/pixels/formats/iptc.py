"""IPTC captions: where each format keeps them, and Photoshop's resources around them.

Source: Adobe, Photoshop File Formats, "Image Resource Blocks"; ImageMagick's "Raw profile type" texts in PNG.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

_RESOURCE = b"8BIM"
_PHOTOSHOP = b"Photoshop 3.0\x00"
_IPTC = 0x0404
_MOST_BYTES = 16 << 20
PNG_KEYWORD = "Raw profile type iptc"


def of_photoshop(resources: bytes) -> bytes:
    """The IPTC record among Photoshop's resources, b"" where there is none."""
    return next((body for kind, body in _resources(resources.removeprefix(_PHOTOSHOP)) if kind == _IPTC), b"")


def of_tiff(record: bytes, resources: bytes) -> bytes:
    """The record of tag 33723, else the one among the resources of tag 34377."""
    return record.rstrip(b"\x00") if record[:1] == b"\x1c" else of_photoshop(resources)


def of_png_text(text: str) -> bytes:
    """The record of a "Raw profile type iptc" text: name, length, hexadecimal digits; b"" where it is damaged."""
    words = text.split(maxsplit=2)
    if len(words) < 3 or len(text) > 2 * _MOST_BYTES:
        return b""
    try:
        raw = binascii.unhexlify("".join(words[2].split()))
    except ValueError:
        return b""
    return of_photoshop(raw) if _RESOURCE in raw[:32] else raw


def png_text(record: bytes) -> str:
    """The text of a PNG chunk that holds the record, as ImageMagick writes and reads it."""
    body = _resource(record)
    digits = binascii.hexlify(body).decode()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return f"\niptc\n{len(body):8d}\n{lines}\n"


def jpeg_segment(record: bytes) -> bytes:
    """A JPEG's APP13 segment with the record; b"" where it is longer than a segment."""
    body = _PHOTOSHOP + _resource(record)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body if len(body) + 2 <= 65535 else b""


def _resource(record: bytes) -> bytes:
    padding = b"\x00" * (len(record) % 2)
    return _RESOURCE + struct.pack(">HHI", _IPTC, 0, len(record)) + record + padding


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and body of every whole resource."""
    position = 0
    while data[position : position + 4] == _RESOURCE and position + 8 <= len(data):
        (kind,) = struct.unpack_from(">H", data, position + 4)
        name_bytes = data[position + 6] + 1
        size_at = position + 6 + name_bytes + name_bytes % 2
        if size_at + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, size_at)
        yield kind, data[size_at + 4 : size_at + 4 + size]
        position = size_at + 4 + size + size % 2
