"""An EXIF block that follows its picture: the new size, and no thumbnail of what the picture was."""

from __future__ import annotations

import struct

from lib_facerestore.engine.pixels.formats.tiff_directory import (
    Directory,
    Entry,
    Layout,
    directory_at,
    layout_of,
    numbers,
)

_WIDTH, _HEIGHT, _EXIF_DIRECTORY, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0x100, 0x101, 0x8769, 0xA002, 0xA003
_THUMBNAIL_START, _THUMBNAIL_BYTES = 0x201, 0x202
_SHORT, _LONG = 3, 4


def for_result(exif: bytes, size_hw: tuple[int, int]) -> bytes:
    """The block with the result's width and height where it states any, and without its thumbnail.

    exif: raw block without the "Exif" prefix. Nothing else changes a byte; what cannot be walked is left as it is.
    """
    layout = layout_of(exif)
    if layout is None or layout.is_big:
        return exif
    data = bytearray(exif)
    try:
        (start,) = struct.unpack_from(layout.order + "I", data, layout.first)
        first = directory_at(data, start, layout)
        _set(data, first.entries.get(_WIDTH), size_hw[1], layout)
        _set(data, first.entries.get(_HEIGHT), size_hw[0], layout)
        for place in numbers(data, first.entries.get(_EXIF_DIRECTORY), layout)[:1]:
            below = directory_at(data, place, layout)
            _set(data, below.entries.get(_PIXEL_WIDTH), size_hw[1], layout)
            _set(data, below.entries.get(_PIXEL_HEIGHT), size_hw[0], layout)
        if first.next:
            _drop_thumbnail(data, first, layout)
    except (ValueError, struct.error):
        return bytes(data)
    return bytes(data)


def _set(data: bytearray, entry: Entry | None, value: int, layout: Layout) -> None:
    """One whole number in place of the entry's, as a LONG where a SHORT does not hold it."""
    if entry is None or entry.kind not in (_SHORT, _LONG) or entry.count != 1:
        return
    kind = _SHORT if entry.kind == _SHORT and value <= 0xFFFF else _LONG
    number = "HH" if kind == _SHORT else "I"
    values = (value, 0) if kind == _SHORT else (value,)
    struct.pack_into(layout.order + "HI" + number, data, entry.place + 2, kind, 1, *values)


def _drop_thumbnail(data: bytearray, first: Directory, layout: Layout) -> None:
    """Take the second directory out of the chain and its picture out of the block: cut off at the end, else zeros."""
    struct.pack_into(layout.order + "I", data, first.next_place, 0)
    second = directory_at(data, first.next, layout)
    start = next(iter(numbers(data, second.entries.get(_THUMBNAIL_START), layout)), 0)
    length = next(iter(numbers(data, second.entries.get(_THUMBNAIL_BYTES), layout)), 0)
    if not 8 <= start < start + length <= len(data):
        return
    if start + length >= len(data) - 1:
        del data[start:]
    else:
        data[start : start + length] = bytes(length)
