"""Masks: their range, their edges, and which part of the face they show."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.stock import oval_labels
from helpers.support import face_at, smooth_noise
from lib_facerestore.engine.faces.align import FFHQ_TEMPLATE_512, align
from lib_facerestore.engine.faces.mask import KEPT_PARTS, feather_mask, landmark_mask, parsing_mask, smooth_step
from lib_facerestore.models.adapters.parsers import BISENET_CLASSES, PARSENET_CLASSES


def crop_of(native=200, degrees=0.0):
    return align(smooth_noise(384, 512), face_at(250, 190, native, degrees))


@given(side=st.integers(16, 300), feather=st.floats(0, 0.2))
@settings(max_examples=30, deadline=None)
def test_feathered_square_stays_in_range_and_is_symmetric(side, feather):
    mask = feather_mask(side, feather)

    assert mask.shape == (side, side)
    assert mask.dtype == np.float32
    assert 0 <= mask.min() <= mask.max() <= 1
    assert np.array_equal(mask, mask[::-1])
    assert np.array_equal(mask, mask.T)


def test_hard_square_is_inset_by_ten_of_512_pixels():
    mask = feather_mask(512, 0.0)

    assert np.unique(mask).tolist() == [0, 1]
    assert np.flatnonzero(mask[256]).tolist() == list(range(10, 502))


def test_feather_reaches_one_where_the_soft_edge_ends():
    row = feather_mask(500, 0.1)[250]

    # inset 10/512·500 = 9.77 px, edge 50 px: half at 34.77 px, whole from 59.77 px
    assert row[9] == 0
    assert row[34] == pytest.approx(0.5, abs=0.02)
    assert row[60] == 1
    assert row[59] < 1


def test_smooth_step_takes_written_values():
    values = smooth_step(np.array([-1, 0, 0.25, 0.5, 1, 2], np.float32))

    assert values.tolist() == [0, 0, 0.15625, 0.5, 1, 1]


@pytest.mark.parametrize("degrees", [0, 45, 180])
def test_oval_shows_the_whole_inner_face_however_the_head_is_turned(degrees):
    mask = landmark_mask(crop_of(degrees=degrees), 0.06)

    for x, y in FFHQ_TEMPLATE_512:
        assert mask[round(y), round(x)] == 1
    assert mask[470, 256] > 0.5  # chin: 0.75 eye-mouth distances below the mouth
    assert mask[120, 256] > 0.9  # brow and forehead


def test_oval_leaves_the_crops_corners_and_border():
    mask = landmark_mask(crop_of(), 0.06)

    assert [mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()] == [0, 0, 0, 0]
    assert [mask[40, 40], mask[40, 471], mask[471, 40], mask[471, 471]] == [0, 0, 0, 0]


def test_oval_follows_the_face_not_the_template():
    crop = crop_of()
    moved = face_at(250 + 200 * 60 / 512, 190, 200)  # 60 crop px to the right
    moved_crop = type(crop)(moved, crop.pixels, crop.affine)

    here, there = landmark_mask(crop, 0.02), landmark_mask(moved_crop, 0.02)

    middle = here[250].nonzero()[0].mean()
    assert there[250].nonzero()[0].min() == pytest.approx(here[250].nonzero()[0].min() + 60, abs=2)
    assert middle == pytest.approx(255.5, abs=2)


def exact_oval(crop, feather):
    """The same oval at full size in float64."""
    points = np.hstack([crop.face.landmarks, np.ones((5, 1))]) @ crop.affine.T
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    height = np.hypot(*(mouth - eyes))
    (x, y), (right, down) = eyes + 0.40 * (mouth - eyes), (mouth - eyes) / height
    ys, xs = np.mgrid[0 : crop.side_px, 0 : crop.side_px].astype(np.float64)
    along, across = (xs - x) * right + (ys - y) * down, (xs - x) * down - (ys - y) * right
    inwards = (1 - np.hypot(along / (1.72 * height), across / (1.30 * height))) * 1.30 * height
    t = np.clip(inwards / max(2 * feather * crop.side_px, 1e-6) + 0.5, 0, 1)
    return np.minimum(t * t * (3 - 2 * t), feather_mask(crop.side_px, feather))


@pytest.mark.parametrize("feather", [0.0, 0.02, 0.03, 0.06, 0.2])
@pytest.mark.parametrize(("degrees", "side"), [(0, 512), (25, 512), (90, 1024), (140, 700), (0, 256), (70, 128)])
def test_oval_is_the_exact_one_within_one_level(degrees, side, feather):
    crop = align(smooth_noise(384, 512), face_at(250, 190, 200, degrees))
    crop = type(crop)(crop.face, np.zeros((side, side, 3), np.float32), crop.affine * (side / 512))

    differing = np.abs(landmark_mask(crop, feather) - exact_oval(crop, feather))

    # A hard edge may fall to either side of a pixel that it goes through.
    assert (differing.max() if feather else np.quantile(differing, 0.9999)) <= 1 / 255


def test_square_is_made_once_for_all_faces_of_a_size():
    first = feather_mask(96, 0.06)

    assert feather_mask(96, 0.06) is first
    assert not first.flags.writeable


def test_softer_oval_keeps_its_half_line():
    hard, soft = landmark_mask(crop_of(), 0.0), landmark_mask(crop_of(), 0.1)

    inner = slice(100, 412)  # away from the inset square, whose edge grows inwards only
    assert ((soft[inner, 256] >= 0.5) == (hard[inner, 256] >= 0.5)).all()


@pytest.mark.parametrize("classes", [PARSENET_CLASSES, BISENET_CLASSES])
@pytest.mark.parametrize(
    ("name", "is_shown"),
    [("hair", True), ("earring", True), ("skin", True), ("mouth", True)]
    + [("background", False), ("hat", False), ("neck", False), ("necklace", False), ("cloth", False)],
)
def test_parts_are_kept_by_name_whatever_the_parsers_order(classes, name, is_shown):
    labels = np.full((128, 128), classes.index(name), np.uint8)

    mask = parsing_mask(labels, classes, 256, 0.06)

    assert mask[128, 128] == pytest.approx(float(is_shown))


def test_both_parsers_know_every_kept_part():
    assert set(PARSENET_CLASSES) >= KEPT_PARTS
    assert set(BISENET_CLASSES) >= KEPT_PARTS
    assert len(PARSENET_CLASSES) == len(BISENET_CLASSES) == 19


def test_parsed_edge_is_soft_and_lies_where_the_label_changes():
    labels = np.zeros((512, 512), np.uint8)
    labels[:, 200:] = PARSENET_CLASSES.index("skin")

    row = parsing_mask(labels, PARSENET_CLASSES, 512, 0.06)[256]

    assert (row[199] + row[200]) / 2 == pytest.approx(0.5, abs=0.02)
    assert row[150] < 0.01  # sigma is 15 px
    assert row[250] > 0.99
    assert (np.diff(row[100:300]) >= 0).all()


def test_parsed_mask_of_a_larger_crop_scales_with_it():
    labels = np.zeros((512, 512), np.uint8)
    labels[100:400, 150:350] = PARSENET_CLASSES.index("skin")

    small, large = (parsing_mask(labels, PARSENET_CLASSES, side, 0.06) for side in (512, 1024))

    halved = large.reshape(512, 2, 512, 2).mean(axis=(1, 3))
    assert np.abs(halved - small).max() < 0.02  # the blur's kernel is sampled at other places


@pytest.mark.parametrize("feather", [0.03, 0.06, 0.1, 0.2])
@pytest.mark.parametrize("side", [512, 1024])
def test_wide_soft_edges_agree_with_a_blur_at_full_size(side, feather):
    labels = oval_labels()
    parts = np.isin(labels, [PARSENET_CLASSES.index(name) for name in KEPT_PARTS]).astype(np.float32)
    kept = cv2.resize(parts, (side, side), interpolation=cv2.INTER_LINEAR)

    mask = parsing_mask(labels, PARSENET_CLASSES, side, feather)

    blurred = cv2.GaussianBlur(kept, (0, 0), feather * side / 2, borderType=cv2.BORDER_REPLICATE)
    expected = np.minimum(blurred, feather_mask(side, feather))
    assert np.abs(mask - expected).max() <= 0.004  # one level of 8 bits; 0.0032 was measured
