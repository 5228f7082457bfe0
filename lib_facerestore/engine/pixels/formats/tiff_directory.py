"""TIFF directories: which numbers stand under which tag. EXIF blocks have the same form. Knows nothing of pixels.

Source: TIFF 6.0, section 2; BigTIFF: Aware Systems' description of the format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

# Codes of struct by field type: BYTE, ASCII, SHORT, LONG, SBYTE, UNDEFINED, SSHORT, SLONG, IFD, LONG8, SLONG8, IFD8.
# Rationals and floats (5, 10, 11, 12) have a size only: none of them says how pixels are stored.
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_SIZES = {**{kind: struct.calcsize(code) for kind, code in _CODES.items()}, 5: 8, 10: 8, 11: 4, 12: 8}
# The longest value that is read as numbers: the strips of a picture of 16 million rows.
_MOST_NUMBERS = 1 << 24
# A directory with every tag that is registered has some hundred.
_MOST_ENTRIES = 4096

Bytes: TypeAlias = bytes | bytearray


@dataclass(frozen=True)
class Layout:
    """How numbers stand in a file. order: "<" or ">" of struct; is_big: BigTIFF, with 64-bit offsets."""

    order: str
    is_big: bool

    @property
    def first(self) -> int:
        """Where the offset of the first directory stands."""
        return 8 if self.is_big else 4


@dataclass(frozen=True)
class Entry:
    """One tag of a directory. position: first byte of its value; place: first byte of its 12 or 20 bytes."""

    tag: int
    kind: int
    count: int
    position: int
    place: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the value."""
        return self.count * _SIZES.get(self.kind, 1)


@dataclass(frozen=True)
class Directory:
    """Entries by tag, and the offset of the next directory (0: none), which stands at `next_place`."""

    entries: dict[int, Entry]
    next: int
    next_place: int


def layout_of(data: Bytes) -> Layout | None:
    """The layout that a TIFF's or an EXIF block's first bytes tell; None for other files."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    return Layout(order, version == 43) if version in (42, 43) else None


def directory_at(data: Bytes, offset: int, layout: Layout) -> Directory:
    """The directory that begins at that byte.

    Raises: ValueError where it does not lie within the data.
    """
    count_code, entry_code, next_code = ("Q", "HHQ", "Q") if layout.is_big else ("H", "HHI", "I")
    inline_bytes = 8 if layout.is_big else 4
    try:
        (count,) = struct.unpack_from(layout.order + count_code, data, offset)
        start = offset + struct.calcsize(count_code)
        step = struct.calcsize("=" + entry_code) + inline_bytes
        entries: dict[int, Entry] = {}
        if count > _MOST_ENTRIES:
            raise ValueError(f"its directory at byte {offset} claims {count} tags")
        for place in range(start, start + step * count, step):
            tag, kind, length = struct.unpack_from(layout.order + entry_code, data, place)
            position = place + step - inline_bytes
            if length * _SIZES.get(kind, 1) > inline_bytes:
                (position,) = struct.unpack_from(layout.order + next_code, data, position)
            entries.setdefault(tag, Entry(tag, kind, length, position, place))
        next_place = start + step * count
        (following,) = struct.unpack_from(layout.order + next_code, data, next_place)
    except struct.error as error:
        raise ValueError(f"its directory at byte {offset} does not lie within the file") from error
    return Directory(entries, following, next_place)


def numbers(data: Bytes, entry: Entry | None, layout: Layout) -> tuple[int, ...]:
    """The value as whole numbers; none where there is no entry or it holds no whole numbers.

    Raises: ValueError where the value does not lie within the data.
    """
    if entry is None or entry.kind not in _CODES:
        return ()
    if entry.count > _MOST_NUMBERS or entry.position + entry.size_bytes > len(data):
        raise ValueError(f"its tag {entry.tag} does not lie within the file")
    return struct.unpack_from(f"{layout.order}{entry.count}{_CODES[entry.kind]}", data, entry.position)


def with_only(data: bytes, offset: int, layout: Layout, tags: frozenset[int]) -> bytes:
    """The classic TIFF with one directory: the entries of those tags of the one at `offset`, behind the file's end.

    Raises: ValueError where that directory does not lie within the data.
    """
    found = directory_at(data, offset, layout)
    kept = [entry for tag, entry in sorted(found.entries.items()) if tag in tags]
    entries = b"".join(data[entry.place : entry.place + 12] for entry in kept)
    padding = bytes(len(data) % 2)
    start = struct.pack(layout.order + "I", len(data) + len(padding))
    count = struct.pack(layout.order + "H", len(kept))
    return b"".join([data[:4], start, data[8:], padding, count, entries, bytes(4)])


def block(data: Bytes, entry: Entry | None) -> bytes:
    """The value's bytes as they stand; b"" where there is no entry or it does not lie within the data."""
    if entry is None or entry.position + entry.size_bytes > len(data):
        return b""
    return bytes(data[entry.position : entry.position + entry.size_bytes])
