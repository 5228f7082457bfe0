"""Crops against facexlib's and against a whole-canvas warp; the border and the prefilter."""

import cv2
import numpy as np
import pytest

from helpers.stock import stock_helper
from helpers.support import face_at, smooth_noise
from lib_facerestore.engine.faces.align import align

WHITE = 255
# x, y, native side in px, degrees; the last two are cut by the border.
FACES = [
    (240, 190, 60, 0),
    (250, 180, 180, 25),
    (256, 190, 350, -8),
    (300, 200, 150, 180),
    (30, 50, 200, 10),
    (490, 360, 300, 75),
]


def inside(affine, size_hw, side=512, rim=1.0):
    """Crop pixels whose source lies at least `rim` px inside the picture."""
    back = cv2.invertAffineTransform(affine)
    height, width = size_hw
    xs, ys = np.meshgrid(np.arange(side), np.arange(side))
    x = back[0, 0] * xs + back[0, 1] * ys + back[0, 2]
    y = back[1, 0] * xs + back[1, 1] * ys + back[1, 2]
    return (x >= rim) & (x <= width - 1 - rim) & (y >= rim) & (y <= height - 1 - rim)


@pytest.mark.parametrize(("x", "y", "native", "degrees"), FACES)
def test_crop_shows_what_facexlibs_crop_shows(photograph, x, y, native, degrees):
    face = face_at(x, y, native, degrees)
    helper = stock_helper(photograph, face.landmarks)

    helper.align_warp_face()
    crop = align(photograph, face)

    assert np.allclose(crop.affine, helper.affine_matrices[0], atol=1e-9)
    shown = inside(crop.affine, photograph.shape[:2])
    assert shown.mean() > 0.2
    difference = np.abs(crop.pixels * WHITE - helper.cropped_faces[0][..., ::-1])[shown]
    assert difference.mean() < 1  # facexlib rounds to levels, and older OpenCV samples at 1/32 px
    assert difference.max() < 4


@pytest.mark.parametrize(("x", "y", "native", "degrees"), FACES)
def test_rectangle_warp_agrees_with_warp_of_whole_canvas(photograph, x, y, native, degrees):
    face = face_at(x, y, native, degrees)

    crop = align(photograph, face)

    whole = cv2.warpAffine(photograph.astype(np.float32), crop.affine, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
    shown = inside(crop.affine, photograph.shape[:2], rim=0)
    # the rectangle's offset changes the rounding of sample positions, nothing else
    assert np.abs(crop.pixels * WHITE - whole)[shown].max() < 1


def test_beyond_the_border_the_picture_is_mirrored():
    pixels = smooth_noise(384, 512)
    face = face_at(0, 190, 256)  # crop = 2·(picture − (0, 190)) + 255.5: its left half lies outside

    crop = align(pixels, face)

    right_of_border, left_of_border = crop.pixels[:, 256:500], crop.pixels[:, 255:11:-1]
    # column 255.5 is picture column 0; the mirror axis goes through it, half a crop pixel is 1/4 px of a smooth picture
    assert np.abs(right_of_border - left_of_border).max() * WHITE < 1.5
    assert np.abs(left_of_border - np.array([132, 133, 135]) / WHITE).mean() > 0.05  # facexlib's grey


def test_content_beyond_the_border_does_not_reach_pixels_inside(photograph):
    inner = np.ascontiguousarray(photograph[40:300, 60:400])
    face = face_at(70, 75, 220, 15)  # in the whole picture; its crop reaches beyond the inner one

    of_whole = align(photograph, face)
    of_inner = align(inner, face_at(70 - 60, 75 - 40, 220, 15))

    shown = inside(of_inner.affine, inner.shape[:2], rim=0)
    assert 0.2 < shown.mean() < 0.9
    # affines of shifted landmarks differ by 1e-5 px; a grey border would show as tens of levels
    assert np.abs(of_whole.pixels - of_inner.pixels)[shown].max() * WHITE < 2


@pytest.mark.parametrize("degrees", [0, 20, 45])
@pytest.mark.parametrize("shrink", [2.2, 3.0, 5.0])
def test_fine_checkerboard_becomes_grey_where_the_crop_shrinks(shrink, degrees):
    ys, xs = np.mgrid[0:384, 0:512]
    pixels = np.repeat(((xs + ys) % 2 * WHITE).astype(np.uint8)[..., None], 3, axis=2)
    face = face_at(256, 192, 64 * shrink, degrees)

    crop = align(pixels, face, side_px=64)

    # a box of odd width w leaves 1/w² of the contrast: 1/9 of ±½ at w = 3
    assert np.abs(crop.pixels - 0.5).max() <= 0.5 / 9 + 0.002


def test_smooth_picture_survives_the_prefilter_in_place():
    pixels = smooth_noise(600, 801, sigma=14)
    face = face_at(400, 300, 64 * 3.3, 18)

    crop = align(pixels, face, side_px=64)

    back = cv2.invertAffineTransform(crop.affine)
    xs, ys = np.meshgrid(np.arange(64.0), np.arange(64.0))
    map_x = (back[0, 0] * xs + back[0, 1] * ys + back[0, 2]).astype(np.float32)
    map_y = (back[1, 0] * xs + back[1, 1] * ys + back[1, 2]).astype(np.float32)
    points = cv2.remap(pixels.astype(np.float32), map_x, map_y, cv2.INTER_LINEAR)
    # half a pixel of shift would be 3 levels here; averaging 3.3 px of a 14 px blur is less than one
    assert np.abs(crop.pixels * WHITE - points).mean() < 0.5


def test_face_wholly_outside_the_picture_gives_a_flat_finite_crop():
    crop = align(smooth_noise(100, 140), face_at(900, -700, 120))

    assert np.isfinite(crop.pixels).all()
    assert crop.pixels.shape == (512, 512, 3)
