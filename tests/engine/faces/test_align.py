"""Landmarks to crop: the fit, and what a crop shows inside and outside the picture."""

import cv2
import numpy as np
import pytest

from helpers.support import face_at, smooth_noise
from lib_facerestore.engine.data import Face
from lib_facerestore.engine.faces.align import (
    FFHQ_TEMPLATE_512,
    affine_to_template,
    align,
    at_side,
    crop_with,
    take_whole,
)
from lib_facerestore.engine.upscaling.resize import resize_float

WHITE = 255


def turned(points, degrees, scale, shift):
    """Points turned clockwise on the screen, scaled and shifted: x′ = s·R·x + t."""
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (scale * points @ rotation.T + shift).astype(np.float32)


def test_template_landmarks_give_the_identity():
    affine = affine_to_template(FFHQ_TEMPLATE_512.astype(np.float32))

    # float32 landmarks of up to 512 px carry an error of 3e-5 px
    assert np.allclose(affine, [[1, 0, 0], [0, 1, 0]], atol=1e-3)


def test_quarter_turned_face_of_half_size_gives_the_written_affine():
    # x′ = 0.5·(−y, x) + (300, 40), so the way back is x = 2·(y′ − 40), y = −2·(x′ − 300)
    landmarks = turned(FFHQ_TEMPLATE_512, 90, 0.5, (300, 40))

    affine = affine_to_template(landmarks)

    assert np.allclose(affine, [[0, 2, -80], [-2, 0, 600]], atol=1e-2)


@pytest.mark.parametrize("degrees", [-170, -35, 0, 12, 90, 180])
@pytest.mark.parametrize("scale", [0.07, 0.6, 3.0])
def test_affine_brings_turned_and_scaled_landmarks_back_to_the_template(degrees, scale):
    landmarks = turned(FFHQ_TEMPLATE_512, degrees, scale, (113.5, -20.25))

    affine = affine_to_template(landmarks)

    back = landmarks @ affine[:, :2].T + affine[:, 2]
    assert np.abs(back - FFHQ_TEMPLATE_512).max() < 0.02  # float32 landmarks, enlarged up to 14 times
    assert np.sqrt(np.linalg.det(affine[:, :2])) == pytest.approx(1 / scale, rel=1e-4)


def test_smaller_crop_side_scales_the_template():
    affine = affine_to_template(FFHQ_TEMPLATE_512.astype(np.float32), side_px=256)

    # u′ = (u + ½)/2 − ½: pixel centres lie at integers, so half the side is not just half of each number.
    assert np.allclose(affine, [[0.5, 0, -0.25], [0, 0.5, -0.25]], atol=1e-3)


@pytest.mark.parametrize("side", [64, 512, 1024])
def test_an_affine_of_another_side_leads_to_the_same_square(side):
    affine = affine_to_template(turned(FFHQ_TEMPLATE_512, 30, 0.5, (300, 40)))
    assert affine is not None

    other = at_side(affine, 512, side)

    for corner in ((-0.5, -0.5), (511.5, 511.5), (-0.5, 511.5), (255.5, 255.5)):  # of the square of 512 px
        x, y = cv2.invertAffineTransform(affine) @ (*corner, 1)
        u = (np.array(corner) + 0.5) * side / 512 - 0.5
        assert np.allclose(other @ (x, y, 1), u, atol=1e-9)


def test_one_wild_landmark_does_not_move_the_crop():
    landmarks = FFHQ_TEMPLATE_512.astype(np.float32)
    landmarks[4] += (60, -45)

    affine = affine_to_template(landmarks)

    assert np.allclose(affine, [[1, 0, 0], [0, 1, 0]], atol=1e-3)  # a least-squares fit would be off by 10 px


def test_upside_down_face_stands_upright_in_its_crop():
    face = face_at(260, 190, 200, degrees=180)
    pixels = np.zeros((384, 512, 3), np.uint8)
    for (x, y), colour in zip(face.landmarks, [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]):
        cv2.circle(pixels, (round(float(x)), round(float(y))), 4, colour, -1)

    crop = align(pixels, face)

    assert face.landmarks[0, 0] > face.landmarks[1, 0]  # the left eye is on the right of the picture
    colours = [crop.pixels[round(y), round(x)] * WHITE for x, y in FFHQ_TEMPLATE_512]
    expected = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]
    assert np.allclose(colours, expected, atol=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_no_numbers_give_no_crop(bad):
    landmarks = FFHQ_TEMPLATE_512.astype(np.float32)
    landmarks[2, 1] = bad

    assert affine_to_template(landmarks) is None


def test_coincident_landmarks_give_no_crop():
    face = Face(0, (90, 70, 110, 90), np.full((5, 2), 100, np.float32), 0.9)

    assert align(smooth_noise(384, 512), face) is None


def test_aligned_picture_is_taken_whole():
    pixels = smooth_noise(512, 512)

    crop = take_whole(pixels, face_at(256, 256, 512))

    assert np.abs(crop.pixels * WHITE - pixels).max() < 1e-3


def test_whole_wide_picture_is_cut_to_its_centre():
    pixels = smooth_noise(256, 384)

    crop = take_whole(pixels, face_at(192, 128, 256))

    # scale 2: crop (255.5, 255.5) shows picture (191.5, 127.5); crop column 0.5 shows column 64 of 384
    assert np.allclose(crop.affine, [[2, 0, 255.5 - 2 * 191.5], [0, 2, 255.5 - 2 * 127.5]])
    shown = (crop.pixels[0::2] + crop.pixels[1::2])[:, 0::2] / 4 + (crop.pixels[0::2] + crop.pixels[1::2])[:, 1::2] / 4
    assert np.abs(shown * WHITE - pixels[:, 64:320])[1:-1, 1:-1].mean() < 1  # means of four samples blur by less


def test_sixteen_bit_picture_gives_the_crop_of_its_eight_bit_twin():
    pixels = smooth_noise(385, 511)
    face = face_at(240, 180, 170, 20)

    fine = align(pixels.astype(np.uint16) * 257, face)

    assert fine.pixels.dtype == np.float32
    assert np.abs(fine.pixels - align(pixels, face).pixels).max() < 1e-5


def test_dark_sixteen_bit_picture_stays_dark():
    pixels = np.full((384, 512, 3), 200, np.uint16)

    crop = align(pixels, face_at(250, 190, 200))

    assert np.allclose(crop.pixels, 200 / 65535)  # its type's range counts, not its maximum


def test_crop_is_read_only_and_knows_its_scale():
    crop = align(smooth_noise(384, 512), face_at(250, 190, 128, 33))

    assert crop.scale == pytest.approx(4, rel=1e-4)
    assert crop.native_side_px == pytest.approx(128, rel=1e-4)
    with pytest.raises(ValueError, match="read-only"):
        crop.pixels[0, 0] = 0


def test_crop_with_one_pixel_picture_is_flat():
    crop = crop_with(np.full((1, 1, 3), 51, np.uint8), face_at(0, 0, 64), np.array([[8.0, 0, 256], [0, 8.0, 256]]), 512)

    assert np.allclose(crop.pixels, 0.2)


def test_a_cubic_crop_keeps_more_of_the_picture_than_a_linear_one(photograph):
    # Native 96 px of an upright face: brought back to 96 px, the crop should be the picture's own pixels.
    face = face_at(239.5, 139.5, 96.0)
    left, top = 192, 92
    original = photograph[top : top + 96, left : left + 96].astype(np.float32) / 255

    errors = [
        float(np.abs(resize_float(align(photograph, face, kernel=kernel).pixels, (96, 96)) - original).mean())
        for kernel in ("linear", "cubic")
    ]

    assert errors[1] < 0.7 * errors[0]


def test_a_cubic_crop_stays_within_the_range():
    edge = np.zeros((90, 131, 3), np.uint8)
    edge[:, 65:] = 255

    crop = align(edge, face_at(65.0, 45.0, 60.0), kernel="cubic")

    assert (crop.pixels.min(), crop.pixels.max()) == (0.0, 1.0)
