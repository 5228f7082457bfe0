"""PNG chunks: walk them to find damage, put metadata between. Source: PNG specification, third edition, chapter 5."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from lib_facerestore.engine.data import Metadata
from lib_facerestore.engine.pixels.formats import iptc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What a PNG says of its colours beside an ICC profile; they stand before the pixels. Source: chapters 4.3 and 11.3.2.
_COLOUR_CHUNKS = (b"cICP", b"mDCV", b"cLLI", b"gAMA", b"cHRM", b"sRGB")
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_METADATA_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs")
_METRE_PER_INCH = 0.0254


def bits_per_channel(data: bytes) -> int:
    """Bit depth of the header; 0 when this is no PNG."""
    return data[24] if data[:8] == SIGNATURE and data[12:16] == b"IHDR" and len(data) > 24 else 0


def damage(data: bytes) -> str:
    """What is wrong with a PNG's chunks, "" when they are whole and for other formats.

    Decoders are silent about a file that ends early and about the last checksums.
    """
    if not data.startswith(SIGNATURE):
        return ""
    for kind, start, end in _walk(data):
        if zlib.crc32(memoryview(data)[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return f"the checksum of its {ascii(kind.decode('latin-1'))[1:-1]} chunk is wrong"
        if kind == b"IEND":
            return ""
    return "it ends before its last chunk"


def colour_chunks(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Name and body of each chunk on the meaning of the colours, the first of each name."""
    found: dict[str, bytes] = {}
    for kind, start, end in _walk(data):
        if kind in (b"IDAT", b"IEND"):
            break
        if kind in _COLOUR_CHUNKS:
            found.setdefault(kind.decode(), data[start:end])
    return tuple(found.items())


def transparent_colour(data: bytes) -> tuple[int, ...] | None:
    """The one colour that a grey or RGB PNG declares transparent, in the file's own depth; None where there is none."""
    for kind, start, end in _walk(data):
        if kind == b"IDAT":
            return None
        if kind == b"tRNS" and data[25] in (0, 2) and end - start == (2 if data[25] == 0 else 6):
            return struct.unpack_from(f">{(end - start) // 2}H", data, start)
    return None


def only_pixels(data: bytes) -> bytes:
    """The PNG without all that does not make its pixels, about which libpng would print warnings on the terminal."""
    return b"".join([SIGNATURE, *(data[start - 8 : end + 4] for kind, start, end in _walk(data) if kind in _CRITICAL)])


def around_one_pixel(data: bytes) -> bytes:
    """The PNG's metadata chunks, before and behind its pixels, around a single grey pixel.

    Pillow reads what stands behind the pixels only after decoding them, for an animation all of its frames.
    """
    blocks = [data[start - 8 : end + 4] for kind, start, end in _walk(data) if kind in _METADATA_CHUNKS]
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    return b"".join([SIGNATURE, header, *blocks, pixel, _chunk(b"IEND", b"")])


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of every whole chunk."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if position + 12 + length > len(data):
            break
        yield data[position + 4 : position + 8], position + 8, position + 8 + length
        position += 12 + length


def with_metadata(data: bytes | memoryview, metadata: Metadata) -> bytes:
    """The encoded PNG with all of the metadata's chunks behind its header."""
    return _behind_header(data, [*_colour_chunks(metadata), *_chunks(metadata)])


def with_colours(data: bytes | memoryview, metadata: Metadata) -> bytes:
    """The encoded PNG with those chunks that say what its colours mean behind its header; Pillow writes the others."""
    return _behind_header(data, _colour_chunks(metadata))


def _behind_header(data: bytes | memoryview, chunks: list[bytes]) -> bytes:
    header_end = len(SIGNATURE) + 12 + 13
    return b"".join([data[:header_end], *chunks, data[header_end:]])


def _colour_chunks(metadata: Metadata) -> list[bytes]:
    return [_chunk(name.encode(), body) for name, body in metadata.colour_chunks]


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
    if metadata.iptc:
        yield _packed_text(iptc.PNG_KEYWORD, iptc.png_text(metadata.iptc))


def _text(keyword: str, text: str) -> bytes:
    """tEXt where Latin-1 can hold it, as every reader expects; else iTXt."""
    key = keyword.encode("latin-1", "replace")[:79] or b"Text"
    try:
        return _chunk(b"tEXt", key + b"\x00" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", key + b"\x00\x00\x00\x00\x00" + text.encode())


def _packed_text(keyword: str, text: str) -> bytes:
    return _chunk(b"zTXt", keyword.encode() + b"\x00\x00" + zlib.compress(text.encode()))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
