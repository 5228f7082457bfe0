"""What one directory of a TIFF says of its picture: layout, colours, what else its samples are. Decodes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lib_facerestore.engine.pixels.formats.tiff_directory import Bytes, Directory, Layout, numbers

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 266, 273, 277, 278, 279
_PLANAR, _PREDICTOR = 284, 317
_COLOUR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 320, 322, 323, 324, 325
_INK_SET, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 332, 338, 339
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


def page_of(data: Bytes, found: Directory, layout: Layout, offset: int, number: int | None) -> TiffPage | None:
    """What a directory says of its picture; None for one without a size, which describes none.

    number: see `TiffPage`.
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
