"""The exact resize: flat, ramps, edges and fine patterns; a picture that comes in bands of rows."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers.support import smooth_noise
from lib_facerestore.engine.upscaling import resize
from lib_facerestore.engine.upscaling.resize import area_downscale, resize_exact, resize_rows


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size_hw", [(75, 160), (20, 31), (37, 53), (1, 1), (200, 3)])
def test_a_flat_picture_stays_flat(dtype, size_hw):
    pixels = np.full((37, 53, 3), np.iinfo(dtype).max - 3, dtype)

    result = resize_exact(pixels, size_hw)

    assert result.shape == (*size_hw, 3)
    assert result.dtype == dtype
    assert (result == np.iinfo(dtype).max - 3).all()


@pytest.mark.parametrize("new_width", [71, 200, 331])
def test_a_ramp_lands_on_pixel_centres(new_width):
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint16)[None, :] * 600, (8, 100))

    result = resize_exact(ramp, (8, new_width))

    # u = (x + ½)·100/w − ½; 6 source px from the border, where Lanczos sees beyond it. 15 is 0.025 px: Lanczos with
    # three lobes ripples by 2 % of a ramp's step; the wrong convention would be off by up to half a px, 300.
    centres = (np.arange(new_width) + 0.5) * 100 / new_width - 0.5
    inside = (centres > 6) & (centres < 93)
    np.testing.assert_allclose(result[4, inside], centres[inside] * 600, atol=15)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_overshoot_is_clipped_and_not_wrapped(dtype):
    edge = np.zeros((40, 61), dtype)
    edge[:, 30:] = np.iinfo(dtype).max

    result = resize_exact(edge, (80, 171)).astype(np.int64)

    # A wrapped value would be a step down by nearly the whole range in the bright half.
    assert result[:, :75].max() < 0.2 * np.iinfo(dtype).max
    assert result[:, 95:].min() > 0.8 * np.iinfo(dtype).max


def test_shrinking_averages_a_fine_pattern_to_grey():
    stripes = np.zeros((64, 90, 3), np.uint8)
    stripes[:, ::2] = 255

    result = resize_exact(stripes, (16, 22))

    # Without a widened kernel the stripes alias to black, white or slow waves.
    assert abs(result[:, 2:-2].astype(int) - 127.5).max() < 3


@pytest.mark.parametrize("size_hw", [(211, 97), (30, 40), (500, 64)])
def test_bands_give_what_one_piece_gives(size_hw, monkeypatch):
    pixels = np.random.default_rng(5).integers(0, 65536, (120, 83), np.uint16)
    whole = np.asarray(Image.fromarray(pixels.astype(np.float32)).resize(size_hw[::-1], Image.Resampling.LANCZOS))
    monkeypatch.setattr(resize, "_BAND_PX", 83 * 9)

    banded = resize_exact(pixels, size_hw)

    # Pillow holds the box in float32, so a band may round one level of 65,535 differently.
    assert np.abs(banded - np.clip(np.rint(whole), 0, 65535)).max() <= 1


def test_the_same_size_gives_the_same_array():
    pixels = np.zeros((7, 9, 3), np.uint8)

    assert resize_exact(pixels, (7, 9)) is pixels


@settings(deadline=None, max_examples=80)
@given(
    source_hw=st.tuples(st.integers(1, 90), st.integers(1, 40)),
    size_hw=st.tuples(st.integers(1, 120), st.integers(1, 40)),
    piece=st.integers(1, 40),
    band_px=st.sampled_from([1, 300, 4_000_000]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
def test_rows_that_come_in_pieces_give_what_the_whole_picture_gives(source_hw, size_hw, piece, band_px, dtype):
    pixels = np.random.default_rng(piece).integers(0, np.iinfo(dtype).max, (*source_hw, 3), dtype, True)
    pieces = (pixels[top : top + piece] for top in range(0, source_hw[0], piece))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resize, "_BAND_PX", band_px)

        result = resize_rows(pieces, source_hw, size_hw)

        np.testing.assert_array_equal(result, resize_exact(pixels, size_hw))
    assert result.flags.writeable
    assert not np.shares_memory(result, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("source_hw", "size_wh"),
    [
        ((384, 512), (64, 48)),
        ((386, 515), (64, 48)),
        ((772, 1032), (80, 60)),
        ((1544, 1032), (80, 120)),
        ((300, 400), (277, 208)),
    ],
)
def test_area_downscale_is_the_area_average(dtype, source_hw, size_wh):
    pixels = smooth_noise(source_hw[0], source_hw[1], dtype=dtype)
    level = np.iinfo(dtype).max / 255

    small = area_downscale(pixels, size_wh)

    expected = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA)
    assert small.shape == expected.shape
    assert small.dtype == dtype
    difference = np.abs(small.astype(int) - expected)
    # Half a level for each halving; where the whole factor is no power of two, blocks that two pixels share differ.
    is_power = source_hw[0] / size_wh[1] in (1, 2, 4, 8)
    assert difference.max() <= (2 if is_power else 8) * level
    assert difference.mean() <= 1.5 * level


def test_area_downscale_to_the_same_size_is_the_picture_itself():
    pixels = smooth_noise(48, 64)

    assert area_downscale(pixels, (64, 48)) is pixels
