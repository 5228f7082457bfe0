"""Edges of transparent pictures: what nobody sees does not colour what is seen, and stays what it was."""

import numpy as np
import pytest

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.ports import NoProgress, Tools
from lib_facerestore.engine.upscaling import alpha_bleed, background, upscale_picture
from lib_facerestore.engine.upscaling.alpha_bleed import spread_colours
from lib_facerestore.engine.upscaling.resize import resize_exact
from lib_facerestore.models.adapters import LanczosUpscaler
from lib_facerestore.settings import RestoreSettings

SMALL = "Real-ESRGAN animevideov3 (embedded)"


def enlarge(picture, upscaler=None, second=None, **chosen):
    tools = Tools(None, None, upscaler=upscaler, second_upscaler=second)
    settings = RestoreSettings(**{"upscale_strength": 1.0, "restorer": "none", **chosen})
    plan = background.size_plan(picture.size_hw, settings, upscaler)
    return upscale_picture(picture, plan, tools, settings, NoProgress())


def disc(dtype=np.uint8, side=48):
    """Red with an edge that fades over 6 px, on transparent black; red and alpha."""
    largest = np.iinfo(dtype).max
    ys, xs = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = np.rint(np.clip((16 - np.hypot(ys, xs)) / 6, 0, 1) * largest).astype(dtype)
    red = np.zeros((side, side, 3), dtype)
    red[alpha > 0] = largest * 4 // 5, largest // 10, largest // 10
    return Picture(red, alpha)


def reds(picture):
    """The same picture, opaque and red everywhere."""
    middle = picture.pixels[picture.size_hw[0] // 2, picture.size_hw[1] // 2]
    return Picture(np.ascontiguousarray(np.broadcast_to(middle, picture.pixels.shape)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [4.0, 2.5])
def test_a_soft_edge_keeps_its_colour_under_lanczos(dtype, scale):
    picture = disc(dtype)

    result = enlarge(picture, scale=scale)

    seen = result.alpha > 0
    assert (seen & (result.alpha < np.iinfo(dtype).max)).sum() > 500
    assert np.array_equal(result.pixels[seen], enlarge(reds(picture), scale=scale).pixels[seen])


def test_a_soft_edge_keeps_its_colour_when_the_picture_shrinks():
    picture = disc(side=60)
    wide = Picture(
        np.repeat(np.repeat(picture.pixels, 60, 0), 60, 1), np.repeat(np.repeat(picture.alpha, 60, 0), 60, 1)
    )

    result = enlarge(wide, longest_side=20)  # a kernel of 540 px

    assert np.array_equal(np.unique(result.pixels[result.alpha > 0], axis=0), [picture.pixels[30, 30]])


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_soft_edge_keeps_its_colour_under_a_network(session, strength):
    picture = disc()
    settings = RestoreSettings(restorer="none", scale=4, upscaler=SMALL, upscale_strength=strength, keep_tone="off")

    result, red = (result.picture for result in session.restore([picture, reds(picture)], settings))

    seen = result.alpha > 0
    levels = np.abs(result.pixels[seen].astype(int) - picture.pixels[24, 24])
    assert levels.max() <= 6  # the network's own shade of a flat red
    assert np.array_equal(result.pixels[seen], red.pixels[seen])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("transparent_everywhere", [True, False])
def test_without_an_edge_of_full_transparency_alpha_changes_no_colour(dtype, transparent_everywhere):
    pixels = smooth_noise(60, 83, dtype=dtype)
    alpha = np.zeros((60, 83), dtype) if transparent_everywhere else np.maximum(smooth_noise(60, 83, 1, 3, dtype), 1)
    alpha = np.ascontiguousarray(alpha if alpha.ndim == 2 else alpha[..., 0])

    result = enlarge(Picture(pixels, alpha), scale=1.7)

    assert np.array_equal(result.pixels, resize_exact(pixels, result.pixels.shape[:2]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1.7, 0.5])
def test_what_is_fully_transparent_is_resized_on_its_own(dtype, scale):
    pixels, alpha = smooth_noise(60, 80, dtype=dtype), np.zeros((60, 80), dtype)
    alpha[20:30, 30:50] = 7

    result = enlarge(Picture(pixels, alpha), longest_side=int(80 * scale))

    hidden = result.alpha == 0
    assert 0.5 < hidden.mean() < 1
    assert np.array_equal(result.pixels[hidden], resize_exact(pixels, result.alpha.shape)[hidden])


@pytest.mark.parametrize("visibility", [0.0, 0.5])
def test_a_picture_that_keeps_its_size_keeps_every_pixel(visibility):
    pixels, alpha = smooth_noise(60, 80), np.zeros((60, 80), np.uint8)
    alpha[20:30, 30:50] = 7

    tools = (None, None) if visibility == 0 else (LanczosUpscaler(), LanczosUpscaler())
    result = enlarge(
        Picture(pixels, alpha), *tools, width=80, upscale_strength=0.5, second_upscaler_visibility=visibility
    )

    assert np.array_equal(result.pixels, pixels)
    assert result.pixels.flags.writeable  # faces are pasted on it


@pytest.mark.parametrize("band_px", [1, 1 << 30])
@pytest.mark.parametrize("size_hw", [(90, 47), (1, 30), (30, 1)])
def test_hidden_pixels_get_the_colour_of_the_nearest_seen_one(band_px, size_hw, monkeypatch):
    monkeypatch.setattr(alpha_bleed, "_BAND_PX", band_px)
    monkeypatch.setattr(alpha_bleed, "MAX_CONTEXT_PX", 8)
    random = np.random.default_rng(0)
    alpha = (random.random(size_hw) < 0.05).astype(np.uint16)
    alpha.flat[3] = 9
    pixels = random.integers(0, 65536, (*size_hw, 3), np.uint16)

    filled = spread_colours(pixels, alpha, size_hw)

    seen = np.argwhere(alpha > 0)
    assert np.array_equal(filled[alpha > 0], pixels[alpha > 0])
    for place in np.argwhere(alpha == 0):
        distances = np.hypot(*(seen - place).T)
        if distances.min() <= 8:  # further ones do not matter
            chosen = (pixels[tuple(seen.T)] == filled[tuple(place)]).all(axis=1)
            assert distances[chosen].min() <= distances.min() + 0.5  # OpenCV's distances are near to Euclid's
