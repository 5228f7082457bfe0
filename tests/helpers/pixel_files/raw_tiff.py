"""TIFF files of any depth, channels and meaning, uncompressed; libtiff's own tools bring them into every other form."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_CODES = {_SHORT: "H", _LONG: "I", _UNDEFINED: "B"}
_SIZES = {_SHORT: 2, _LONG: 4, _UNDEFINED: 1}


@dataclass(frozen=True)
class Kind:
    """What the samples of a file are. photometric: TIFF's number; extra: meaning of each sample beyond the colours."""

    name: str
    photometric: int
    samples: int
    extra: tuple[int, ...] = ()


KINDS = (
    Kind("grey, white is zero", 0, 1),
    Kind("grey", 1, 1),
    Kind("palette", 3, 1),
    Kind("grey + alpha", 1, 2, (2,)),
    Kind("grey + unknown", 1, 2, (0,)),
    Kind("RGB", 2, 3),
    Kind("RGB + alpha", 2, 4, (2,)),
    Kind("RGB × alpha + alpha", 2, 4, (1,)),
    Kind("CMYK", 5, 4),
    Kind("RGB + alpha + unknown", 2, 5, (2, 0)),
    Kind("CMYK + alpha", 5, 5, (2,)),
)


def samples_of(kind: Kind, bits: int, height: int, width: int) -> np.ndarray:
    """(H, W, samples) numbers of that many bits; colours multiplied by alpha stay below it."""
    random = np.random.default_rng(bits * 100 + kind.samples)
    values = random.integers(0, 1 << bits, (height, width, kind.samples))
    if kind.extra[:1] == (1,):
        values[..., :3] = np.minimum(values[..., :3], values[..., 3:4])
    return values.astype(np.uint16)


def colour_map(bits: int, is_narrow: bool = False) -> np.ndarray:
    """(3, 2**bits) colours of a palette; is_narrow: 8-bit numbers in the 16-bit fields, as some writers put them."""
    colours = np.random.default_rng(bits).integers(0, 256 if is_narrow else 65536, (3, 1 << bits))
    if not is_narrow:
        colours[0, 0] = 40_000  # never all within 8 bits by chance
    return colours.astype(np.uint16)


def tiff(
    samples: np.ndarray,
    kind: Kind,
    bits: int,
    is_planar: bool = False,
    order: str = "<",
    tile: int = 0,
    **more: tuple[int, ...],
) -> bytes:
    """The file without compression: one strip, or tiles of that side, of all samples or, where planar, of each.

    more: values of further tags, as `t254=(1,)`.
    """
    height, width, count = samples.shape
    planes = [samples[..., index : index + 1] for index in range(count)] if is_planar else [samples]
    parts = [part for plane in planes for part in (_tiles(plane, tile) if tile else [plane])]
    strips = [_packed(part.reshape(len(part), -1), bits, order) for part in parts]
    tags: dict[int, tuple[int, tuple[int, ...]]] = {
        256: (_LONG, (width,)),
        257: (_LONG, (height,)),
        258: (_SHORT, (bits,) * count),
        259: (_SHORT, (1,)),
        262: (_SHORT, (kind.photometric,)),
        277: (_SHORT, (count,)),
        **({322: (_LONG, (tile,)), 323: (_LONG, (tile,))} if tile else {278: (_LONG, (height,))}),
        325 if tile else 279: (_LONG, tuple(map(len, strips))),
        284: (_SHORT, (2 if is_planar else 1,)),
    }
    if kind.extra:
        tags[338] = (_SHORT, kind.extra)
    if kind.photometric == 3:
        tags[320] = (_SHORT, tuple(colour_map(bits).ravel().tolist()))
    tags |= {int(name[1:]): (_SHORT, values) for name, values in more.items()}
    return _file(tags, strips, order)


def moved(data: bytes, distance: int) -> bytes:
    """A little-endian file of `tiff` as it must be to stand that many bytes later: every offset in it grows."""
    block = bytearray(data)
    (count,) = struct.unpack_from("<H", block, 8)
    for place in range(10, 10 + 12 * count, 12):
        tag, field, length, value = struct.unpack_from("<HHII", block, place)
        if length * _SIZES[field] > 4 or tag in (273, 324):
            struct.pack_into("<I", block, place + 8, value + distance)
    return bytes(block)


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian file with one more LONG in its directory, which moves to the end of the file."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[place : place + 12] for place in range(start + 2, start + 2 + 12 * count, 12)]
    entries.append(struct.pack("<HHII", tag, _LONG, 1, value))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


def of_unknown_type(data: bytes, tag: int) -> bytes:
    """A little-endian file whose last entry of that tag has a field type that TIFF does not know."""
    block = bytearray(data)
    struct.pack_into("<HH", block, data.rindex(struct.pack("<HH", tag, _LONG)), tag, 99)
    return bytes(block)


def _tiles(plane: np.ndarray, side: int) -> list[np.ndarray]:
    """Squares of the plane, row by row, the last ones filled up with zeros."""
    height, width = plane.shape[:2]
    filled = np.pad(plane, ((0, -height % side), (0, -width % side), (0, 0)))
    starts = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    return [filled[top : top + side, left : left + side] for top, left in starts]


def _packed(rows: np.ndarray, bits: int, order: str) -> bytes:
    """Rows of numbers, most significant bit first, each row filled up to whole bytes."""
    if bits in (8, 16):
        return rows.astype("u1" if bits == 8 else order + "u2").tobytes()
    shifts = np.arange(bits - 1, -1, -1)
    spread = (rows[..., None] >> shifts) & 1
    return np.packbits(spread.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def _file(tags: dict[int, tuple[int, tuple[int, ...]]], strips: list[bytes], order: str) -> bytes:
    offsets = 324 if 325 in tags else 273
    tags[offsets] = (_LONG, (0,) * len(strips))
    directory = 8
    behind = directory + 2 + 12 * len(tags) + 4
    values: dict[int, bytes] = {}
    places: dict[int, int] = {}
    for tag, (field, numbers) in sorted(tags.items()):
        if len(numbers) * _SIZES[field] > 4:
            places[tag] = behind
            behind += len(numbers) * _SIZES[field] + len(numbers) * _SIZES[field] % 2
    starts, position = [], behind
    for strip in strips:
        starts.append(position)
        position += len(strip) + len(strip) % 2
    tags[offsets] = (_LONG, tuple(starts))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, directory)
    body = struct.pack(order + "H", len(tags))
    tail = b""
    for tag, (field, numbers) in sorted(tags.items()):
        values[tag] = struct.pack(f"{order}{len(numbers)}{_CODES[field]}", *numbers)
        inline = values[tag].ljust(4, b"\0") if tag not in places else struct.pack(order + "I", places[tag])
        body += struct.pack(order + "HHI", tag, field, len(numbers)) + inline
        if tag in places:
            tail += values[tag] + b"\0" * (len(values[tag]) % 2)
    return head + body + bytes(4) + tail + b"".join(strip + b"\0" * (len(strip) % 2) for strip in strips)
