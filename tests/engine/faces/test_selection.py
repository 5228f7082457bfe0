"""Which faces are chosen, in which order, and the reason for each of the others."""

import numpy as np
import pytest

from lib_facerestore.engine.data import Face
from lib_facerestore.engine.faces.selection import select
from lib_facerestore.settings import RestoreSettings

SIZE_HW = (400, 600)


def face(index, left, top, size, score=0.9, width=None):
    landmarks = np.zeros((5, 2), np.float32)
    return Face(index, (left, top, left + (width or size), top + size), landmarks, score)


# A large face on the left, a small one at the centre, a middling one right and below.
THREE = (face(0, 20, 150, 120, 0.80), face(1, 280, 180, 30, 0.95), face(2, 450, 260, 60, 0.99))


def chosen(faces=THREE, **settings):
    kept, reasons = select(faces, SIZE_HW, RestoreSettings(**settings))
    return [face.index for face in kept], reasons


def test_all_faces_are_chosen_largest_first():
    assert chosen() == ([0, 2, 1], {})


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("largest", [0, 2, 1]),
        ("left to right", [0, 1, 2]),
        ("right to left", [2, 1, 0]),
        ("top to bottom", [1, 0, 2]),  # centres at y = 195, 210, 290
        ("score", [2, 1, 0]),
        ("centre", [1, 2, 0]),  # 5, 201 and 220 px from (300, 200)
    ],
)
def test_faces_come_in_the_chosen_order(order, expected):
    assert chosen(face_order=order)[0] == expected


def test_small_face_is_left_alone_with_its_size_and_the_limit():
    assert chosen(min_face_px=32) == ([0, 2], {1: "30 px, minimum 32"})


def test_large_face_is_left_alone_with_its_size_and_the_limit():
    assert chosen(max_face_px=100) == ([2, 1], {0: "120 px, maximum 100"})


def test_face_small_beside_the_largest_is_left_alone():
    assert chosen(min_face_percent=40) == ([0, 2], {1: "25 % of the largest face, minimum 40 %"})


def test_sizes_at_the_limit_pass():
    assert chosen(min_face_px=30, max_face_px=120, min_face_percent=25) == ([0, 2, 1], {})


def test_narrow_profile_counts_by_its_height():
    profile = face(0, 100, 100, 40, width=15)

    assert chosen((profile,), min_face_px=32) == ([0], {})


def test_two_of_three_are_chosen_and_the_third_says_why():
    assert chosen(max_faces=2) == ([0, 2], {1: "beyond 2 faces"})


def test_most_faces_counts_in_the_chosen_order():
    assert chosen(max_faces=1, face_order="score") == ([2], {1: "beyond 1 faces", 0: "beyond 1 faces"})


def test_only_the_face_nearest_to_the_centre_is_chosen():
    assert chosen(which_faces="centre") == ([1], {0: "not the centre face", 2: "not the centre face"})


def test_centre_face_is_sought_among_those_large_enough():
    kept, reasons = chosen(which_faces="centre", min_face_px=32)

    assert kept == [2]
    assert reasons == {1: "30 px, minimum 32", 0: "not the centre face"}


def test_only_the_largest_face_is_chosen():
    kept, reasons = chosen(which_faces="largest")

    assert kept == [0]
    assert set(reasons.values()) == {"not the largest face"}


def test_equal_faces_keep_their_order():
    twins = tuple(face(index, 100, 100, 50) for index in range(5))

    for order in ("largest", "left to right", "right to left", "score", "centre"):
        assert chosen(twins, face_order=order)[0] == [0, 1, 2, 3, 4]


def test_no_faces_give_no_choice_and_no_reasons():
    assert chosen(()) == ([], {})


def test_every_face_is_either_chosen_or_has_a_reason():
    faces = tuple(face(i, 7 * i, 5 * i, 10 + 3 * i, 0.5 + i / 100) for i in range(40))

    kept, reasons = chosen(faces, min_face_px=25, max_face_px=110, max_faces=9, min_face_percent=30)

    assert sorted(kept + list(reasons)) == list(range(40))
    assert len(kept) == 9
