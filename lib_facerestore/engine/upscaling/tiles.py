"""Tiles: planned as pure data, then run through a callable batch by batch. Knows nothing of networks or devices.

A tile is a core and its context: pixels around the core that are computed and discarded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lib_facerestore.engine.data import FloatPixels, Pixels
from lib_facerestore.engine.levels import float_levels, largest_level, to_levels
from lib_facerestore.engine.ports import Progress

TileCall: TypeAlias = Callable[[FloatPixels], FloatPixels]
"""(B, h, w, 3) float32 in [0, 1] → (B, h·scale, w·scale, 3) float32, about [0, 1]."""


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in px of the source: the core [start, stop) inside the outer [outer_start, outer_stop)."""

    start: int
    stop: int
    outer_start: int
    outer_stop: int


@dataclass(frozen=True)
class Tile:
    """A rectangle of the picture that is kept (core) and the larger one that the network sees (outer)."""

    rows: Span
    columns: Span

    @property
    def outer_hw(self) -> tuple[int, int]:
        """(height, width) that the network sees, in px."""
        return self.rows.outer_stop - self.rows.outer_start, self.columns.outer_stop - self.columns.outer_start


def plan(size_hw: tuple[int, int], area_px: int, context_px: int, multiple_of: int = 1) -> tuple[Tile, ...]:
    """The grid that computes the fewest pixels with no outer larger than `area_px` pixels (height × width).

    The area and not the side is given, because memory follows the area: a low, wide picture gets wide tiles. Where the
    area is too small for the context, the tiles are the smallest that can be (core of `multiple_of` px).
    """
    height, width = size_hw
    best: tuple[int, int, int] | None = None
    for rows in range(1, _most(height, context_px, multiple_of) + 1):
        tall = _outer_length(height, rows, context_px, multiple_of)
        columns = _fewest(width, area_px // tall, context_px, multiple_of)
        if columns is not None:
            wide = _outer_length(width, columns, context_px, multiple_of)
            best = min(best or (1 << 62, 0, 0), (rows * tall * columns * wide, rows, columns))
        if best is not None and rows * tall * width > best[0]:
            break  # more rows only repeat more context
    if best is None:
        best = 0, _most(height, context_px, multiple_of), _most(width, context_px, multiple_of)
    return grid(size_hw, best[1:], context_px, multiple_of)


def grid(size_hw: tuple[int, int], count: tuple[int, int], context_px: int, multiple_of: int = 1) -> tuple[Tile, ...]:
    """`count` = (rows, columns) tiles, row by row; fewer where the picture is too small for so many.

    All outers are equal (the last ones may be cut by less than `multiple_of`), start at multiples of `multiple_of`,
    and hold at least `context_px` around the core, except at the picture's border, which the network sees as a border.
    """
    rows = spans(size_hw[0], count[0], context_px, multiple_of)
    columns = spans(size_hw[1], count[1], context_px, multiple_of)
    return tuple(Tile(row, column) for row in rows for column in columns)


def spans(length: int, count: int, context_px: int, multiple_of: int = 1) -> tuple[Span, ...]:
    """One axis of a grid: equal outers, evenly spread; two cores meet in the middle of what their outers share.

    Cores at the border are larger by one context than those inside, which makes all outers equal without waste.
    """
    count = min(count, _most(length, context_px, multiple_of))
    outer = _outer_length(length, count, context_px, multiple_of)
    units = (_ceil(length, multiple_of) * multiple_of - outer) // multiple_of
    starts = [index * units // max(count - 1, 1) * multiple_of for index in range(count)]
    meets = [(left + outer + right) // 2 for left, right in itertools.pairwise(starts)]
    cores = itertools.pairwise([0, *meets, length])
    return tuple(
        Span(start, stop, outer_start, min(outer_start + outer, length))
        for (start, stop), outer_start in zip(cores, starts, strict=True)
    )


def run(
    pixels: Pixels, tiles: Sequence[Tile], scale: int, batch: int, call: TileCall, progress: Progress
) -> Iterator[Pixels]:
    """The picture through `call`, tile by tile; at most `batch` tiles of one outer size at once.

    Gives the enlarged picture as bands of rows from the top, one for each row of tiles, so that it need never exist
    whole. Shapes: pixels (H, W, 3) uint8 or uint16 → bands (h·scale, W·scale, 3) of the same dtype, new memory,
    together H·scale rows. Rounds once; float exists inside a batch only.
    Raises: Interrupted before the next batch; what `call` raises.
    """
    done = 0
    for rows, members in itertools.groupby(tiles, key=lambda tile: tile.rows):
        band: Pixels = np.empty(((rows.stop - rows.start) * scale, pixels.shape[1] * scale, 3), pixels.dtype)
        for group in _batches(tuple(members), batch):
            progress.check()
            _fill(band, pixels, group, scale, call)
            done += len(group)
            progress.step(done, len(tiles), "tiles")
        yield band
        del band  # else it would lie beside the next one


def _fill(band: Pixels, pixels: Pixels, group: Sequence[Tile], scale: int, call: TileCall) -> None:
    """The cores of one batch, written to their columns of the band."""
    outers = np.stack([_outer(pixels, tile) for tile in group])
    outputs = call(float_levels(outers) / largest_level(pixels.dtype))
    for tile, output in zip(group, outputs, strict=True):
        rows, columns = _scaled(tile.rows, scale), _scaled(tile.columns, scale)
        core = output[rows.start - rows.outer_start : rows.stop - rows.outer_start]
        core = core[:, columns.start - columns.outer_start : columns.stop - columns.outer_start]
        band[:, columns.start : columns.stop] = to_levels(core, pixels.dtype)


def _outer(pixels: Pixels, tile: Tile) -> Pixels:
    rows, columns = tile.rows, tile.columns
    return pixels[rows.outer_start : rows.outer_stop, columns.outer_start : columns.outer_stop]


def _scaled(span: Span, scale: int) -> Span:
    return Span(span.start * scale, span.stop * scale, span.outer_start * scale, span.outer_stop * scale)


def _batches(tiles: Sequence[Tile], batch: int) -> Iterator[tuple[Tile, ...]]:
    """Tiles of one outer size together, in the order of the plan, at most `batch` at once."""
    groups: dict[tuple[int, int], list[Tile]] = {}
    for tile in tiles:
        groups.setdefault(tile.outer_hw, []).append(tile)
    for group in groups.values():
        for first in range(0, len(group), batch):
            yield tuple(group[first : first + batch])


def _outer_length(length: int, count: int, context_px: int, multiple_of: int) -> int:
    """Side of `count` equal outers that cover the axis, neighbours sharing two contexts; a multiple of `multiple_of`.

    count·outer − 2·context·(count − 1) ≥ length.
    """
    units, context = _ceil(length, multiple_of), _ceil(context_px, multiple_of)
    return _ceil(units + 2 * context * (count - 1), count) * multiple_of


def _fewest(length: int, outer_px: int, context_px: int, multiple_of: int) -> int | None:
    """The smallest number of tiles whose outer is at most `outer_px`; None if there is none."""
    units, context, outer = _ceil(length, multiple_of), _ceil(context_px, multiple_of), outer_px // multiple_of
    if units <= outer:
        return 1
    if outer <= 2 * context:
        return None
    return _ceil(units - 2 * context, outer - 2 * context)


def _most(length: int, context_px: int, multiple_of: int) -> int:
    """The largest number of tiles that still differ from each other."""
    return max(1, _ceil(length, multiple_of) - 2 * _ceil(context_px, multiple_of))


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)
