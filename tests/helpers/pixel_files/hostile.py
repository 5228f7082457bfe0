"""Makes files that attack a reader: bombs, lies in headers, broken metadata. Knows nothing of the project."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

SMALL = Image.fromarray(np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8))
BROKEN_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 30


def saved(file_format: str, image: Image.Image = SMALL, **options: object) -> bytes:
    """A file written by Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int = 8, extra: bytes = b"", zeros: int | None = None) -> bytes:
    """An RGB PNG whose pixels are zeros: as many bytes as its header promises, or as many as said."""
    due = height * (1 + width * 3 * bits // 8)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    packer = zlib.compressobj(9)
    pixels, left = b"", due if zeros is None else zeros
    while left > 0:
        pixels += packer.compress(bytes(min(left, 1 << 24)))
        left -= 1 << 24
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels + packer.flush()) + chunk(b"IEND", b"")


def tiff(width: int, height: int, data: bytes | None = None) -> bytes:
    """A TIFF whose header claims another size than its strips hold."""
    block = bytearray(data or saved("TIFF"))
    (start,) = struct.unpack_from("<I", block, 4)
    (count,) = struct.unpack_from("<H", block, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", block, entry)
        if tag in (256, 257):
            struct.pack_into("<HHII", block, entry, tag, 4, 1, width if tag == 256 else height)
    return bytes(block)


def grey_alpha_tiff(width: int, height: int, values: bytes) -> bytes:
    """16-bit grey with alpha, uncompressed: a kind that Pillow cannot open and OpenCV can."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 2, 16 | 16 << 16), (259, 3, 1, 1), (262, 3, 1, 1)]
    start = 8 + 2 + 12 * 11 + 4
    entries += [(273, 4, 1, start), (277, 3, 1, 2), (278, 4, 1, height), (279, 4, 1, width * height * 4)]
    entries += [(284, 3, 1, 1), (338, 3, 1, 2)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4) + values


def bmp(width: int, height: int) -> bytes:
    data = bytearray(saved("BMP"))
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(saved("JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def gif(width: int, height: int) -> bytes:
    data = bytearray(saved("GIF"))
    struct.pack_into("<HH", data, 6, width, height)
    return bytes(data)


def gif_frame(width: int, height: int) -> bytes:
    """A small canvas with a huge first frame, which Pillow 13 allocates while it opens the file."""
    data = bytearray(saved("GIF"))
    struct.pack_into("<HH", data, data.rindex(b",\0\0\0\0\x1e\0\x14\0") + 5, width, height)
    return bytes(data)


def webp(width: int, height: int) -> bytes:
    """An extended WebP whose canvas is larger than its picture."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas + saved("WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animation(file_format: str) -> bytes:
    frames = [Image.new("RGB", (30, 20), (60 * i, 20, 10)) for i in range(4)]
    return saved(file_format, frames[0], save_all=True, append_images=frames[1:])


def profile_that_prints_cyan_as_red() -> bytes:
    """A CMYK profile of 16 colours: ink alone in the first channel is red, no ink is white, all else black."""
    lab = np.tile(np.array([0, 128, 128], np.uint8), (16, 1))
    lab[0], lab[8] = (255, 128, 128), (136, 208, 195)  # the first channel varies slowest; L, a, b of sRGB red
    ramps = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (i in (0, 4, 8)) for i in range(9)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramps * 4 + lab.tobytes() + ramps * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags, body = [(b"A2B0", lut), (b"wtpt", white)], b""
    table = struct.pack(">I", len(tags))
    for name, block in tags:
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(block))
        body += block + bytes(-len(block) % 4)
    head = struct.pack(">I4sI4s4s4s", 128 + len(table + body), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body
