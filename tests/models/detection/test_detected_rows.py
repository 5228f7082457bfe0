"""Rows of a detector: which show one person, how a face is turned, and the way back from a turned picture."""

import numpy as np
import pytest

from lib_facerestore.models.detection.detected_rows import (
    degrees_apart,
    first_of_each_person,
    not_nested,
    own_eyes_only,
    points_apart,
    points_of,
    show_one_person,
    tilt_degrees,
    turned_back,
    without_known,
)

# Left eye, right eye, nose, mouth corners: eyes 40 px apart and 40 px above the mouth.
POINTS = np.array([[-20, -20], [20, -20], [0, 2], [-18, 20], [18, 20]], np.float32)


def person(x, y, score=0.99, degrees=0.0, size=1.0):
    """The row of a face with its middle at (x, y), turned clockwise."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = size * POINTS @ turn.T + (x, y)
    box = (x - 42 * size, y - 50 * size, x + 42 * size, y + 50 * size)
    return np.array([*box, score, *points.ravel()], np.float32)


def row(left, top, right, bottom, score):
    """A row of which only the box matters."""
    return [left, top, right, bottom, score, *[0] * 10]


@pytest.mark.parametrize("degrees", [0, 30, 90, 135, -90, 179])
def test_tilt_is_how_far_the_face_is_turned_clockwise(degrees):
    assert tilt_degrees(person(200, 150, degrees=degrees)) == pytest.approx(degrees, abs=0.1)


def test_directions_are_compared_around_the_circle():
    assert degrees_apart(170, -170) == pytest.approx(20)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_one_face_taken_for_an_upright_and_for_a_turned_one_is_one_person(degrees):
    here, turned = person(200, 150), person(203, 152, degrees=degrees)

    assert points_apart(here, turned[None])[0] < 0.2  # 3.6 px of 40, and a mouth 4 px narrower than the eyes
    assert show_one_person(here, turned[None]).all()


def test_heads_that_touch_are_two_persons_though_their_boxes_overlap():
    one, other = person(200, 150), person(240, 160)  # 44 of 84 px wide in common, 90 of 100 high: IoU 0.31

    assert not show_one_person(one, other[None]).any()
    assert len(first_of_each_person(np.stack([one, other]))) == 2


def test_nearly_equal_boxes_are_one_person_wherever_the_points_are():
    one, other = person(200, 150), person(200, 150)
    other[5:] += 60

    assert show_one_person(one, other[None]).all()


def test_the_first_row_of_each_person_stays():
    rows = np.stack([person(200, 150, 0.9), person(330, 150, 0.8), person(205, 148, 0.99, degrees=90)])

    assert first_of_each_person(rows)[:, 4] == pytest.approx([0.9, 0.8])


def test_a_row_made_of_two_neighbours_eyes_is_dropped():
    left, right = person(200, 150), person(280, 150)
    between = person(240, 151)  # its left eye is the left face's right one, its right eye the right face's left one

    kept = own_eyes_only(np.stack([left, between, right]))

    assert kept[:, 0].tolist() == [left[0], right[0]]


def test_three_heads_in_a_row_all_have_eyes_of_their_own():
    rows = np.stack([person(x, 150) for x in (200, 265, 330)])

    assert len(own_eyes_only(rows)) == 3
    assert own_eyes_only(rows[:0]).shape == (0, 15)


def test_known_persons_are_left_out():
    rows = np.stack([person(200, 150), person(400, 150)])

    assert without_known(rows, person(203, 150, degrees=180)[None])[:, 0].tolist() == [358]
    assert len(without_known(rows, rows[:0])) == 2
    assert without_known(rows[:0], rows).shape == (0, 15)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, 4])
def test_rows_come_back_from_a_turned_picture(quarters):
    picture = np.zeros((300, 500), np.uint8)
    here = person(200, 120)
    spots = points_of(here).round().astype(int)
    picture[spots[:, 1], spots[:, 0]] = [1, 2, 3, 4, 5]
    turned = np.rot90(picture, quarters)
    there = np.array([np.argwhere(turned == value)[0][::-1] for value in (1, 2, 3, 4, 5)], np.float32)
    mask = np.zeros((300, 500), bool)
    mask[70:170, 158:242] = True  # the box, edges exclusive
    ys, xs = np.nonzero(np.rot90(mask, quarters))
    found = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, 0.9, *there.ravel()]], np.float32)

    (back,) = turned_back(found, quarters, turned.shape)

    assert back[:5] == pytest.approx([158, 70, 242, 170, 0.9])
    assert np.array_equal(points_of(back), spots)


def test_box_inside_a_better_one_is_dropped():
    rows = np.array([row(0, 0, 100, 120, 0.99), row(20, 30, 50, 60, 0.9), row(200, 0, 260, 80, 0.8)], np.float32)

    kept = not_nested(rows)

    assert kept[:, 4] == pytest.approx([0.99, 0.8])


def test_box_around_a_better_one_is_dropped():
    rows = np.array([row(20, 30, 50, 60, 0.99), row(0, 0, 100, 120, 0.9)], np.float32)

    assert not_nested(rows)[:, 4] == pytest.approx([0.99])


def test_near_twin_of_a_better_box_is_dropped():
    rows = np.array([row(0, 0, 100, 120, 0.99), row(4, 5, 104, 125, 0.9)], np.float32)

    assert len(not_nested(rows)) == 1  # 96·115 of 100·120 shared: 92 %


def test_neighbours_that_overlap_by_half_are_both_kept():
    rows = np.array([row(0, 0, 100, 120, 0.99), row(50, 0, 150, 120, 0.9), row(100, 0, 120, 20, 0.5)], np.float32)

    assert not_nested(rows)[:, 4] == pytest.approx([0.99, 0.9])  # the third lies inside the second


def test_no_rows_stay_no_rows():
    assert not_nested(np.zeros((0, 15), np.float32)).shape == (0, 15)
