"""Tiles: the plan as data, and the run through a callable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_facerestore.engine.ports import NoProgress
from lib_facerestore.engine.upscaling import tiles
from lib_facerestore.errors import Interrupted

sides = st.integers(1, 70)
contexts = st.integers(0, 12)
multiples = st.sampled_from([1, 2, 4, 8])


def random_pixels(height, width, dtype=np.uint8):
    return np.random.default_rng(height * 1000 + width).integers(
        0, np.iinfo(dtype).max, (height, width, 3), dtype, True
    )


def enlarged(scale):
    return lambda batch: np.repeat(np.repeat(batch, scale, 1), scale, 2)


def whole(pixels, planned, scale, batch, call, progress=None):
    """The bands of a run, put together."""
    return np.concatenate([*tiles.run(pixels, planned, scale, batch, call, progress or NoProgress())])


class Recorder:
    """Progress that stops before a batch, counted from 0."""

    def __init__(self, stop_before=None):
        self.checks, self.steps, self.stop_before = 0, [], stop_before

    def check(self):
        if self.checks == self.stop_before:
            raise Interrupted
        self.checks += 1

    def step(self, done, total, what):
        self.steps.append((done, total, what))


@settings(deadline=None)
@given(height=sides, width=sides, area=st.integers(1, 3000), context=contexts, multiple=multiples)
def test_planned_cores_cover_every_pixel_once(height, width, area, context, multiple):
    covered = np.zeros((height, width), int)

    for tile in tiles.plan((height, width), area, context, multiple):
        covered[tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop] += 1

    assert (covered == 1).all()


@settings(deadline=None)
@given(length=sides, count=st.integers(1, 9), context=contexts, multiple=multiples)
def test_every_core_has_its_context_inside_the_picture(length, count, context, multiple):
    for span in tiles.spans(length, count, context, multiple):
        assert 0 <= span.outer_start <= span.start < span.stop <= span.outer_stop <= length
        assert span.outer_start == 0 or span.start - span.outer_start >= context
        assert span.outer_stop == length or span.outer_stop - span.stop >= context
        assert span.outer_start % multiple == 0


@settings(deadline=None)
@given(length=sides, count=st.integers(1, 9), context=contexts)
def test_all_outers_of_an_axis_are_equal_so_that_they_batch(length, count, context):
    outers = {span.outer_stop - span.outer_start for span in tiles.spans(length, count, context)}

    assert len(outers) == 1


@settings(deadline=None)
@given(height=sides, width=sides, area=st.integers(30 * 30, 3000), context=st.integers(0, 12))
def test_no_outer_is_larger_than_the_area(height, width, area, context):
    # 30 px: above twice the context, so that a tile of that area always exists.
    planned = tiles.plan((height, width), area, context)

    assert all(tile.outer_hw[0] * tile.outer_hw[1] <= area for tile in planned)


@settings(deadline=None)
@given(
    height=sides,
    width=sides,
    area=st.integers(1, 2500),
    context=contexts,
    batch=st.integers(1, 5),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
def test_identity_gives_the_picture_back_bit_for_bit(height, width, area, context, batch, dtype):
    pixels = random_pixels(height, width, dtype)

    result = whole(pixels, tiles.plan((height, width), area, context), 1, batch, lambda tile: tile)

    assert result.dtype == dtype
    np.testing.assert_array_equal(result, pixels)


@pytest.mark.parametrize("size_hw", [(37, 53), (1, 90), (90, 1), (3, 5)])
def test_a_callable_that_repeats_pixels_gives_the_repeated_picture(size_hw):
    pixels = random_pixels(*size_hw)

    result = whole(pixels, tiles.plan(size_hw, 400, 4), 3, 2, enlarged(3))

    np.testing.assert_array_equal(result, np.repeat(np.repeat(pixels, 3, 0), 3, 1))


def test_three_spans_with_written_out_numbers():
    # 3·outer − 4·10 ≥ 100 → outer 47; starts 0, 26, 53; neighbours share 21 and 20 px and meet in the middle.
    assert tiles.spans(100, 3, 10) == (
        tiles.Span(0, 36, 0, 47),
        tiles.Span(36, 63, 26, 73),
        tiles.Span(63, 100, 53, 100),
    )


def test_a_tile_larger_than_the_picture_is_the_picture():
    planned = tiles.plan((40, 61), 1_000_000, 48)

    assert planned == (tiles.Tile(tiles.Span(0, 40, 0, 40), tiles.Span(0, 61, 0, 61)),)


def test_an_area_too_small_for_the_context_gives_the_smallest_tiles():
    planned = tiles.plan((30, 41), 1, 10)

    assert {tile.outer_hw for tile in planned} == {(21, 21)}
    assert len(planned) == 10 * 21


def test_a_wide_picture_gets_wide_tiles():
    planned = tiles.plan((40, 400), 40 * 120, 10)

    assert {tile.outer_hw[0] for tile in planned} == {40}


def test_batches_hold_tiles_of_one_size_and_no_more_than_asked():
    shapes = []

    def call(batch):
        shapes.append(batch.shape)
        return batch

    whole(random_pixels(60, 113), tiles.grid((60, 113), (2, 4), 5), 1, 3, call)

    # Outers: rows (60 + 10)/2 = 35; columns (113 + 30)/4 → 36. A batch ends with its row of tiles.
    assert shapes == [(3, 35, 36, 3), (1, 35, 36, 3)] * 2


def test_a_stop_ends_before_the_next_batch():
    calls, progress = [], Recorder(stop_before=2)

    with pytest.raises(Interrupted):
        whole(
            random_pixels(60, 83),
            tiles.grid((60, 83), (2, 3), 5),
            1,
            1,
            lambda tile: calls.append(1) or tile,
            progress,
        )

    assert len(calls) == 2
    assert progress.steps == [(1, 6, "tiles"), (2, 6, "tiles")]


def test_values_outside_the_range_are_clipped_and_not_wrapped():
    pixels = np.full((9, 11, 3), 250, np.uint8)

    above = whole(pixels, tiles.plan((9, 11), 30, 1), 1, 1, lambda tile: tile + 0.5)
    below = whole(pixels, tiles.plan((9, 11), 30, 1), 1, 1, lambda tile: tile - 5)

    assert (above == 255).all()
    assert (below == 0).all()


def test_bands_come_one_for_each_row_of_tiles():
    pixels, called = random_pixels(60, 83), []
    planned = tiles.grid((60, 83), (3, 2), 5)

    bands = tiles.run(pixels, planned, 2, 1, lambda tile: called.append(1) or enlarged(2)(tile), NoProgress())

    # Outers of (60 + 20)/3 → 27 rows from 0, 16 and 33: cores meet at 21.5 and 38.
    for count, rows in enumerate(((0, 21), (21, 38), (38, 60)), 1):
        part = np.repeat(np.repeat(pixels[slice(*rows)], 2, 0), 2, 1)
        np.testing.assert_array_equal(next(bands), part)
        assert len(called) == 2 * count
