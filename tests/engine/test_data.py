"""The values that flow: frozen, checked when made, their arrays read-only."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from helpers.support import face_at, smooth_noise
from lib_facerestore.engine.data import (
    Crop,
    Face,
    FaceReport,
    Metadata,
    Outcome,
    Picture,
    Report,
    RestoredCrop,
    Result,
    read_only,
)
from lib_facerestore.engine.faces.align import align


def test_picture_cannot_be_written_through_but_its_source_can():
    pixels = smooth_noise(384, 512)

    picture = Picture(pixels, alpha=pixels[..., 0].copy())

    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        picture.alpha[0, 0] = 0
    assert pixels.flags.writeable
    assert picture.size_hw == (384, 512)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((384, 512), np.uint8),
        np.zeros((384, 512, 4), np.uint8),
        np.zeros((384, 512, 1), np.uint8),
        np.zeros((384, 512, 3), np.float32),
        np.zeros((384, 512, 3), np.int16),
    ],
    ids=["grey", "rgba", "one channel", "float", "int16"],
)
def test_picture_of_another_shape_or_type_is_refused(pixels):
    with pytest.raises(ValueError, match="uint8 or uint16"):
        Picture(pixels)


@pytest.mark.parametrize("alpha", [np.zeros((512, 384), np.uint8), np.zeros((384, 512), np.uint16)])
def test_alpha_that_does_not_fit_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        Picture(np.zeros((384, 512, 3), np.uint8), alpha)


def test_face_keeps_landmarks_in_their_order_read_only():
    landmarks: Any = np.array([[9, 1], [2, 8], [3, 7], [4, 6], [5, 5]], np.float64)  # of a careless caller

    face = Face(0, (0, 0, 9, 9), landmarks, 0.5)

    assert face.landmarks.dtype == np.float32
    assert np.array_equal(face.landmarks, landmarks)
    with pytest.raises(ValueError, match="read-only"):
        face.landmarks[0, 0] = 1


def test_face_without_five_points_is_refused():
    with pytest.raises(ValueError, match=r"\(5, 2\)"):
        Face(0, (0, 0, 9, 9), np.zeros((68, 2), np.float32), 0.5)


def test_size_of_a_face_is_the_longer_side_of_its_box():
    assert Face(0, (10, 20, 25, 60), np.zeros((5, 2), np.float32), 0.5).size_px == 40


def test_restored_crop_and_mask_must_be_equal_squares():
    crop = align(smooth_noise(384, 512), face_at(250, 190, 128))

    with pytest.raises(ValueError, match="equal squares"):
        RestoredCrop(crop, np.zeros((512, 512, 3), np.float32), np.zeros((256, 256), np.float32), "x", None)
    with pytest.raises(ValueError, match="equal squares"):
        RestoredCrop(crop, np.zeros((512, 500, 3), np.float32), np.zeros((512, 500), np.float32), "x", None)


def test_arrays_of_crops_are_read_only():
    crop = Crop(face_at(250, 190, 128), np.zeros((64, 64, 3), np.float32), np.eye(2, 3))
    restored = RestoredCrop(crop, np.zeros((128, 128, 3), np.float32), np.ones((128, 128), np.float32), "x", None)

    arrays = (crop.pixels, crop.affine, restored.pixels, restored.mask)
    assert [array.flags.writeable for array in arrays] == [False] * 4
    assert (crop.side_px, crop.scale, crop.native_side_px) == (64, 1, 64)


@pytest.mark.parametrize(
    "value",
    [
        Metadata(),
        Picture(np.zeros((3, 4, 3), np.uint8)),
        face_at(250, 190, 128),
        FaceReport(0, (0, 0, 1, 1), 0.5, "restored"),
        Report(),
        Result(Picture(np.zeros((3, 4, 3), np.uint8)), Report()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_frozen(value):
    name = dataclasses.fields(value)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_read_only_view_shares_memory_with_its_array():
    array = np.zeros(3)

    view = read_only(array)
    array[0] = 5

    assert view[0] == 5


def test_report_counts_outcomes():
    outcomes: list[Outcome] = ["restored", "failed", "restored"]
    faces = [FaceReport(i, (0, 0, 1, 1), 0.5, outcome) for i, outcome in enumerate(outcomes)]

    report = Report(tuple(faces))

    assert [report.count(outcome) for outcome in ("restored", "skipped", "failed")] == [2, 0, 1]
