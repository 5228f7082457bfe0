"""PNG chunks: walk them to find damage, put metadata between. Source: PNG specification, third edition, chapter 5."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from lib_facerestore.engine.data import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_METRE_PER_INCH = 0.0254


def bits_per_channel(data: bytes) -> int:
    """Bit depth of the header; 0 when this is no PNG."""
    return data[24] if data[:8] == SIGNATURE and data[12:16] == b"IHDR" and len(data) > 24 else 0


def damage(data: bytes) -> str:
    """What is wrong with the chunks, "" when they are whole. Decoders are silent about a file that ends early."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        kind = data[position + 4 : position + 8]
        if end > len(data):
            break
        (expected,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != expected:
            return f"the checksum of its {kind.decode('latin-1')} chunk is wrong"
        if kind == b"IEND":
            return ""
        position = end
    return "it ends before its last chunk"


def with_metadata(data: bytes, metadata: Metadata) -> bytes:
    """The encoded PNG with the metadata's chunks behind its header."""
    header_end = len(SIGNATURE) + 12 + 13
    return b"".join([data[:header_end], *_chunks(metadata), data[header_end:]])


def _chunks(metadata: Metadata) -> Iterator[bytes]:
    if metadata.icc:
        yield _chunk(b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(metadata.icc))
    if metadata.dots_per_inch:
        x, y = (round(value / _METRE_PER_INCH) for value in metadata.dots_per_inch)
        yield _chunk(b"pHYs", struct.pack(">IIB", x, y, 1))
    if metadata.exif:
        yield _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield _chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + metadata.xmp)
    for keyword, text in metadata.text:
        yield _text(keyword, text)


def _text(keyword: str, text: str) -> bytes:
    """tEXt where Latin-1 can hold it, as every reader expects; else iTXt."""
    key = keyword.encode("latin-1", "replace")[:79] or b"Text"
    try:
        return _chunk(b"tEXt", key + b"\x00" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", key + b"\x00\x00\x00\x00\x00" + text.encode())


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
