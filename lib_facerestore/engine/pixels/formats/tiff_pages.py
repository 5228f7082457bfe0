"""What a TIFF says of each of its pictures, and which of them is the one to restore. Decodes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lib_facerestore.engine.pixels.formats.tiff_directory import (
    Bytes,
    Directory,
    Entry,
    Layout,
    directory_at,
    layout_of,
    numbers,
)

# A directory of a picture takes a few hundred bytes, so that a file of some MB can claim tens of thousands of pages.
_MOST_PAGES = 1000
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _PREDICTOR = (
    266,
    273,
    277,
    278,
    279,
    284,
    317,
)
_COLOUR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 320, 322, 323, 324, 325
_SUB_DIRECTORIES, _INK_SET, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 330, 332, 338, 339
_JPEG_TABLES, _YCC_COEFFICIENTS, _YCC_SUBSAMPLING, _YCC_POSITION, _YCC_RANGE = 347, 529, 530, 531, 532
_FAX_OPTIONS = (292, 293)
LAYOUT_TAGS = frozenset({
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP,
    _STRIP_BYTES, _PLANAR, _PREDICTOR, _COLOUR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES, _INK_SET,
    _EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _YCC_COEFFICIENTS, _YCC_SUBSAMPLING, _YCC_POSITION, _YCC_RANGE,
    *_FAX_OPTIONS,
})  # fmt: skip
"""Tags that say how a page's pixels are stored."""
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_OLD_REDUCED = 2  # value of SubfileType

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, TRANSPARENCY_MASK, CMYK, YCBCR = range(7)
ASSOCIATED_ALPHA, STRAIGHT_ALPHA = 1, 2
UNSIGNED = 1


@dataclass(frozen=True)
class TiffPage:
    """What one directory says of its picture.

    offset: first byte of the directory. number: its place among the main pages, from 0; None for a sub-directory.
    bits: of each sample. extra: what each sample beyond the colours is. colour_map: 16-bit red, green, then blue.
    subfile: NewSubfileType. ends: end of each strip or tile in the file. chunks: how many strips or tiles it needs.
    is_big: in a BigTIFF. is_bit_reversed: the lowest bit of a byte comes first.
    """

    offset: int
    number: int | None
    size_hw: tuple[int, int]
    bits: tuple[int, ...]
    samples: int
    photometric: int
    compression: int = 1
    is_planar: bool = False
    sample_formats: tuple[int, ...] = (UNSIGNED,)
    extra: tuple[int, ...] = ()
    colour_map: tuple[int, ...] = ()
    ink_set: int = 1
    subfile: int = 0
    ends: tuple[int, ...] = ()
    chunks: int = 0
    has_empty_chunks: bool = False
    is_big: bool = False
    is_bit_reversed: bool = False

    @property
    def is_main(self) -> bool:
        """Whether it is a picture at full resolution: no thumbnail and no mask."""
        return not self.subfile & (_REDUCED | _MASK) and self.photometric != TRANSPARENCY_MASK

    @property
    def colours(self) -> int:
        """Samples that are colours."""
        return self.samples - len(self.extra)

    @property
    def depth(self) -> int:
        """Bits of a sample; 0 where samples differ."""
        return self.bits[0] if len(set(self.bits)) == 1 else 0


@dataclass(frozen=True)
class TiffPages:
    """Every picture of a file, and the one to restore."""

    pages: tuple[TiffPage, ...]
    chosen: TiffPage

    @property
    def note(self) -> str:
        """What was left out, for the report; "" where the file holds one picture."""
        main = [page for page in self.pages if page.is_main]
        if len(main) < 2:
            return ""
        which = main.index(self.chosen)
        words = "the first" if which == 0 else f"number {which + 1}, the largest,"
        return f"Only {words} of {len(main)} frames was taken."


def pages_of(data: Bytes) -> TiffPages | None:
    """The pages of a TIFF; None for other files. The largest picture at full resolution is chosen, else the largest.

    Raises: ValueError for a damaged first directory.
    """
    layout = layout_of(data)
    if layout is None:
        return None
    pages = tuple(_walk(data, layout))
    if not pages:
        raise ValueError("it has no directory that describes a picture")
    candidates = [page for page in pages if page.is_main] or list(pages)
    return TiffPages(pages, max(candidates, key=lambda page: math.prod(page.size_hw)))


def _walk(data: Bytes, layout: Layout) -> Iterator[TiffPage]:
    """Main pages with their sub-directories, each once, up to the limit; later damaged ones end the walk."""
    (offset,) = numbers(data, Entry(0, 16 if layout.is_big else 4, 1, layout.first, 0), layout)
    seen: set[int] = set()
    for number in range(_MOST_PAGES):
        if not offset or offset in seen:
            return
        seen.add(offset)
        try:
            found = directory_at(data, offset, layout)
            below = numbers(data, found.entries.get(_SUB_DIRECTORIES), layout)[:_MOST_PAGES]
        except ValueError:
            if number == 0:
                raise
            return
        if (page := _page(data, found, layout, offset, number)) is not None:
            yield page
        for place in below:
            if place in seen:
                continue
            seen.add(place)
            if (sub := _sub_page(data, layout, place)) is not None:
                yield sub
        offset = found.next


def _sub_page(data: Bytes, layout: Layout, offset: int) -> TiffPage | None:
    try:
        return _page(data, directory_at(data, offset, layout), layout, offset, None)
    except ValueError:  # a damaged thumbnail does not make the picture unreadable
        return None


def _page(data: Bytes, found: Directory, layout: Layout, offset: int, number: int | None) -> TiffPage | None:
    """None for a directory without a size, which describes no picture.

    Raises: ValueError where a value does not lie within the file.
    """

    def values(tag: int) -> tuple[int, ...]:
        return numbers(data, found.entries.get(tag), layout)

    def value(tag: int, default: int) -> int:
        return next(iter(values(tag)), default)

    height, width = value(_HEIGHT, 0), value(_WIDTH, 0)
    if height <= 0 or width <= 0:
        return None
    samples = value(_SAMPLES, 1)
    bits = values(_BITS) or (1,)
    extra = values(_EXTRA_SAMPLES)
    photometric = value(_PHOTOMETRIC, -1)
    colours = {RGB: 3, YCBCR: 3, CMYK: 4}.get(photometric, 1)
    if not extra and samples == colours + 1:
        extra = (STRAIGHT_ALPHA,)  # OpenCV and others leave the tag out for what is an alpha
    # What nobody names is of no stated meaning, as 0 says.
    extra = (extra + (0,) * samples)[: max(0, samples - colours)]
    is_tiled = _TILE_OFFSETS in found.entries
    starts = values(_TILE_OFFSETS if is_tiled else _STRIP_OFFSETS)
    lengths = values(_TILE_BYTES if is_tiled else _STRIP_BYTES)
    is_planar = value(_PLANAR, 1) == 2 and samples > 1
    if is_tiled:
        tile_hw = max(1, value(_TILE_HEIGHT, height)), max(1, value(_TILE_WIDTH, width))
        chunks = math.ceil(height / tile_hw[0]) * math.ceil(width / tile_hw[1])
    else:
        chunks = math.ceil(height / min(height, max(1, value(_ROWS_PER_STRIP, height))))
    return TiffPage(
        offset=offset,
        number=number,
        size_hw=(height, width),
        bits=bits if len(bits) >= samples else bits[:1] * samples,
        samples=samples,
        photometric=photometric,
        compression=value(_COMPRESSION, 1),
        is_planar=is_planar,
        sample_formats=values(_SAMPLE_FORMAT) or (UNSIGNED,),
        extra=extra,
        colour_map=values(_COLOUR_MAP),
        ink_set=value(_INK_SET, 1),
        subfile=value(_SUBFILE, _REDUCED if value(_OLD_SUBFILE, 0) == _OLD_REDUCED else 0),
        ends=tuple(start + length for start, length in zip(starts, lengths)),
        chunks=chunks * (samples if is_planar else 1),
        has_empty_chunks=any(length == 0 for length in lengths),
        is_big=layout.is_big,
        is_bit_reversed=value(_FILL_ORDER, 1) == 2,
    )
