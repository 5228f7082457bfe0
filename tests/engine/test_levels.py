"""Levels to float and back: none is lost, what lies outside is clipped, white is the type's and not the picture's."""

import numpy as np
import pytest

from lib_facerestore.engine.data import read_only
from lib_facerestore.engine.levels import (
    float_levels,
    largest_level,
    to_eight_bits,
    to_levels,
    to_sixteen_bits,
    to_unit_float,
    write_rounded,
)


def every_level(dtype):
    """All levels of the type as the pixels of one picture, higher than wide."""
    return np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_comes_back_from_float(dtype):
    levels = every_level(dtype)

    unit = to_unit_float(levels)

    assert (unit.dtype, unit.min(), unit.max()) == (np.dtype(np.float32), 0.0, 1.0)
    assert np.array_equal(to_levels(unit, dtype), levels)
    assert np.array_equal(to_levels(float_levels(levels) / largest_level(dtype), dtype), levels)


def test_sixteen_bits_become_the_nearest_eight():
    levels = every_level(np.uint16)

    # 257 levels of 16 bits to each of 8, the middle one meant exactly: half of 257 is never a whole level.
    assert np.array_equal(to_eight_bits(levels), (levels.astype(np.int64) + 128) // 257)


def test_eight_bits_survive_sixteen_and_each_depth_keeps_its_own():
    shallow, deep = every_level(np.uint8), every_level(np.uint16)

    assert to_sixteen_bits(shallow).max() == 65535
    assert np.array_equal(to_eight_bits(to_sixteen_bits(shallow)), shallow)
    assert to_eight_bits(shallow) is shallow
    assert to_sixteen_bits(deep) is deep


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_what_lies_outside_is_clipped_and_the_rest_rounded_once(dtype, white):
    values = np.array([[-0.5, 0.0, 0.4 / white], [0.6 / white, 1.0, 1.5]], np.float32)
    target = np.full((2, 3), 7, dtype)

    write_rounded(values * np.float32(white), target)

    assert to_levels(values, dtype).tolist() == target.tolist() == [[0, 0, 0], [1, white, white]]


def test_float_levels_that_are_read_only_stay_as_they_are():
    levels = read_only(np.array([[0.4, 300.0, 9.6]], np.float32))
    target = np.zeros((1, 3), np.uint8)

    write_rounded(levels, target)

    assert target.tolist() == [[0, 255, 10]]
    assert np.array_equal(levels, np.array([[0.4, 300.0, 9.6]], np.float32))
