"""Crop to canvas: what changes, what must not, and where things land."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.support import face_at, psnr, smooth_noise
from lib_facerestore.engine.data import Crop, RestoredCrop
from lib_facerestore.engine.faces import paste
from lib_facerestore.engine.faces.align import align
from lib_facerestore.engine.faces.mask import feather_mask
from lib_facerestore.engine.faces.paste import crop_to_canvas, paste_face
from lib_facerestore.errors import SettingsError


def inverted(crop, mask=None, enlarged=1):
    """The crop's negative as if a network had made it, k times larger."""
    side = crop.side_px * enlarged
    pixels = np.repeat(np.repeat(1 - crop.pixels, enlarged, axis=0), enlarged, axis=1)
    return RestoredCrop(crop, pixels, feather_mask(side, 0.06) if mask is None else mask, "fake", None)


def flat(affine, side, level=1.0):
    """A restored crop of one level, wholly shown."""
    crop = Crop(face_at(0, 0, 64), np.zeros((side, side, 3), np.float32), affine)
    return RestoredCrop(crop, np.full((side, side, 3), level, np.float32), np.ones((side, side), np.float32), "x", None)


def test_hard_square_lands_on_written_pixels():
    canvas = np.zeros((40, 60, 3), np.uint8)
    shift = np.array([[1.0, 0, -20], [0, 1.0, -10]])  # picture (20, 10) is crop (0, 0)

    paste_face(canvas, flat(shift, 8), 1.0)

    rows, columns = np.nonzero(canvas[..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 17, 20, 27)
    assert np.unique(canvas).tolist() == [0, 255]


def test_hard_square_lands_on_written_pixels_of_a_doubled_canvas():
    canvas = np.zeros((80, 120, 3), np.uint8)
    shift = np.array([[1.0, 0, -20], [0, 1.0, -10]])

    paste_face(canvas, flat(shift, 8), 1.0, canvas_scale=2)

    # picture pixel n becomes canvas pixels 2n and 2n + 1; the outermost ones fade to 3/4 and one beyond gets 1/4
    assert canvas[30, 38:44, 0].tolist() == [0, 64, 191, 255, 255, 255]
    assert canvas[18:23, 50, 0].tolist() == [0, 64, 191, 255, 255]


def test_way_back_is_the_written_affine():
    # x′ = 2·(x + ½) − ½ on the canvas, u = (u₂ + ½)/2 − ½ on the crop, picture = crop / 4 + (30, 50)
    affine = np.array([[4.0, 0, -120], [0, 4.0, -200]])

    back = crop_to_canvas(affine, enlarged=2, canvas_scale=2)

    # canvas = 2·((u₂/2 − ¼)/4 + 30) + ½ = u₂/4 + 60.375
    assert np.allclose(back, [[0.25, 0, 60.375], [0, 0.25, 100.375]])


def test_pixels_outside_the_mask_stay_bit_identical(picture):
    crop = align(picture.pixels, face_at(240, 190, 160, 20))
    mask = np.zeros((512, 512), np.float32)
    mask[150:300, 200:420] = 1
    canvas = picture.pixels.copy()

    paste_face(canvas, inverted(crop, mask), 1.0)

    warped = cv2.warpAffine(mask, cv2.invertAffineTransform(crop.affine), (512, 384), flags=cv2.INTER_LINEAR)
    near = cv2.dilate(warped, np.ones((5, 5))) > 0  # the prefilter may spread the mask by a pixel
    assert np.array_equal(canvas[~near], picture.pixels[~near])
    assert (canvas[warped == 1] != picture.pixels[warped == 1]).mean() > 0.9


def test_visibility_zero_changes_nothing(picture):
    crop = align(picture.pixels, face_at(240, 190, 160))
    canvas = picture.pixels.copy()

    paste_face(canvas, inverted(crop), 0.0)

    assert np.array_equal(canvas, picture.pixels)


def test_half_visibility_is_the_mean_of_none_and_full(picture):
    crop = align(picture.pixels, face_at(240, 190, 200, -30))
    half, full = picture.pixels.copy(), picture.pixels.copy()

    paste_face(half, inverted(crop), 0.5)
    paste_face(full, inverted(crop), 1.0)

    mean = (picture.pixels.astype(float) + full) / 2
    assert np.abs(half - mean).max() <= 1  # each of the two is rounded once
    assert np.abs(half.astype(int) - picture.pixels).max() > 10


def test_more_visibility_shows_more_of_the_restored_face(picture):
    crop = align(picture.pixels, face_at(240, 190, 200))
    distances = []

    for visibility in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        canvas = picture.pixels.copy()
        paste_face(canvas, inverted(crop), visibility)
        distances.append(np.abs(canvas.astype(int) - picture.pixels))

    assert all((after >= before).all() for before, after in itertools.pairwise(distances))
    assert distances[-1].sum() > distances[0].sum()


@pytest.mark.parametrize("visibility", [-0.01, 1.01, float("nan")])
def test_visibility_outside_its_range_is_refused(picture, visibility):
    crop = align(picture.pixels, face_at(240, 190, 200))
    canvas = picture.pixels.copy()

    with pytest.raises(SettingsError, match="visibility"):
        paste_face(canvas, inverted(crop), visibility)

    assert np.array_equal(canvas, picture.pixels)


@pytest.mark.parametrize(("native", "degrees"), [(64, 0), (100, 33), (180, 180), (250, -70)])
def test_unchanged_crop_brings_the_picture_back(native, degrees):
    pixels = smooth_noise(385, 513, sigma=4)
    crop = align(pixels, face_at(250, 190, native, degrees))
    canvas = pixels.copy()

    paste_face(canvas, RestoredCrop(crop, crop.pixels, np.ones((512, 512), np.float32), "none", None), 1.0)

    changed = slice(190 - native // 3, 190 + native // 3), slice(250 - native // 3, 250 + native // 3)
    assert psnr(canvas[changed], pixels[changed]) >= 45  # two bilinear samplings and the prefilter of a smooth picture


def test_enlarged_restored_crop_lands_on_the_same_place(picture):
    crop = align(picture.pixels, face_at(240, 190, 220, 25))
    mask = feather_mask(512, 0.1)
    doubled = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1)
    once, twice = picture.pixels.copy(), picture.pixels.copy()

    paste_face(once, inverted(crop, mask), 1.0)
    paste_face(twice, inverted(crop, doubled, enlarged=2), 1.0)

    # equal content on a finer grid: the prefilter averages it back; a half-pixel error would give about 3 levels
    assert np.abs(once.astype(int) - twice).mean() < 0.25
    assert np.abs(once.astype(int) - twice).max() <= 2


def test_sixteen_bit_canvas_keeps_its_depth():
    pixels = smooth_noise(384, 512, sigma=8, dtype=np.uint16)
    crop = align(pixels, face_at(240, 190, 400, 10))
    canvas = pixels.copy()

    paste_face(canvas, RestoredCrop(crop, crop.pixels * 0.5, np.ones((512, 512), np.float32), "x", None), 1.0)

    centre = slice(150, 230), slice(200, 280)
    assert canvas.dtype == np.uint16
    assert np.unique(canvas[centre]).size > 256
    # two bilinear samplings of a smooth picture blur by less than half a percent of the range
    assert np.abs(canvas[centre] / 65535 - pixels[centre] / 65535 / 2).max() < 0.005


def test_blend_is_rounded_not_cut():
    canvas = np.full((40, 60, 3), 10, np.uint8)

    paste_face(canvas, flat(np.array([[1.0, 0, -20], [0, 1.0, -10]]), 8, level=20 / 255), 0.16)

    assert canvas[14, 24, 0] == 12  # 10 + 0.16·10 = 11.6


def test_face_partly_outside_is_cut_at_the_canvas(picture):
    crop = align(picture.pixels, face_at(5, 380, 200))
    canvas = picture.pixels.copy()

    paste_face(canvas, inverted(crop), 1.0)

    assert (canvas[300:, :100] != picture.pixels[300:, :100]).mean() > 0.5
    assert np.array_equal(canvas[:250, 150:], picture.pixels[:250, 150:])


@pytest.mark.parametrize(("x", "y"), [(-400, 190), (240, 900), (912, -500)])
def test_face_wholly_outside_changes_nothing(picture, x, y):
    crop = align(picture.pixels, face_at(x, y, 200))
    canvas = picture.pixels.copy()

    paste_face(canvas, inverted(crop), 1.0)

    assert np.array_equal(canvas, picture.pixels)


def test_empty_mask_changes_nothing(picture):
    crop = align(picture.pixels, face_at(240, 190, 200))
    canvas = picture.pixels.copy()

    paste_face(canvas, inverted(crop, np.zeros((512, 512), np.float32)), 1.0)

    assert np.array_equal(canvas, picture.pixels)


@settings(max_examples=80, deadline=None)
@given(
    x=st.floats(-200, 300),
    y=st.floats(-200, 300),
    native=st.floats(2, 600),
    degrees=st.floats(-180, 180),
    scale=st.sampled_from([0.5, 1.0, 1.5, 2.0, 4.0]),
    rows=st.tuples(st.integers(0, 63), st.integers(0, 63)).map(sorted),
    columns=st.tuples(st.integers(0, 63), st.integers(0, 63)).map(sorted),
)
def test_paste_touches_only_the_masks_rectangle(x, y, native, degrees, scale, rows, columns):
    angle, size = np.deg2rad(degrees), 64 / native
    turn = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    affine = np.hstack([turn, (31.5 - turn @ [x, y])[:, None]])
    restored = flat(affine, 64)
    mask = np.zeros((64, 64), np.float32)
    mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = 1
    canvas = np.zeros((90, 130, 3), np.uint8)

    paste_face(canvas, RestoredCrop(restored.crop, restored.pixels, mask, "x", None), 1.0, scale)

    # what bilinear sampling adds: a pixel of the coarser of crop (at most 2 px averaged) and canvas, and rounding
    rim = 2 + 2 * max(native / 64 * scale, 1)
    corners = np.array([[c, r] for c in columns for r in rows]) - affine[:, 2]
    on_canvas = (corners @ np.linalg.inv(turn).T + 0.5) * scale - 0.5
    low, high = on_canvas.min(axis=0) - rim, on_canvas.max(axis=0) + rim
    touched = np.argwhere(canvas.any(axis=2))[:, ::-1]
    assert ((touched >= low) & (touched <= high)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_blend_in_bands_gives_the_bytes_of_its_formula(dtype):
    rng = np.random.default_rng(5)
    largest = np.iinfo(dtype).max
    place = rng.integers(0, largest + 1, (131, 257, 3)).astype(dtype)
    pixels = rng.random((131, 257, 3), np.float32)
    weight = rng.random((131, 257), np.float32) * (rng.random((131, 257)) < 0.5)
    weight[7] = 1e-6  # can change no pixel
    before = place.copy()

    paste._blend(place, pixels, weight)

    base = before.astype(np.float32)
    expected = np.rint(base + (pixels * np.float32(largest) - base) * weight[..., None]).clip(0, largest)
    assert np.array_equal(place, expected.astype(dtype))
    assert np.array_equal(place[weight <= 1e-6], before[weight <= 1e-6])
