"""One person is one face, with the points of the upright face: turned, mirrored, cut by the frame, close to others."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.support import psnr, smooth_noise
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Face
from lib_facerestore.engine.faces import align
from lib_facerestore.settings import RestoreSettings

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
LABELS = json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))
LABELLED = {Path(row["file"]).stem: row["faces"] for row in LABELS["photographs"]}
SHORT_SIDE_PX = 640
MIRRORED = [1, 0, 2, 4, 3]


@pytest.fixture(scope="module")
def find(session):
    """Faces of a picture at the catalogue's threshold."""
    detector = session.tools(RestoreSettings()).detector
    return lambda rgb: detector.detect([rgb], detector.default_threshold, SHORT_SIDE_PX)[0]


def portrait(name, index=0, room=0.7):
    """A labelled face with that part of its size around it, its landmarks there, and its box."""
    label = LABELLED[name][index]
    left, top, right, bottom = label["box"]
    rgb = pixels.read(SAMPLES / "photographs" / f"{name}.jpg").pixels
    x, y = max(0, round(left - room * (right - left))), max(0, round(top - room * (bottom - top)))
    cut = rgb[y : round(bottom + room * (bottom - top)), x : round(right + room * (right - left))]
    return cut, np.array(label["landmarks"]) - (x, y), np.array([left - x, top - y, right - x, bottom - y])


def turned(rgb, degrees, scale=1.0):
    """The whole picture turned clockwise on grey, and the affine that did it."""
    height, width = rgb.shape[:2]
    affine = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, scale)
    cos, sin = abs(affine[0, 0]), abs(affine[0, 1])
    size_wh = (round(width * cos + height * sin), round(width * sin + height * cos))
    affine[:, 2] += (np.array(size_wh) - (width, height)) / 2
    return cv2.warpAffine(rgb, affine, size_wh, flags=cv2.INTER_AREA, borderValue=(127, 127, 127)), affine


def moved(points, affine):
    return points @ affine[:, :2].T + affine[:, 2]


def off(face, points):
    """Mean distance of a face's landmarks from the true ones, in eye distances."""
    eyes_px = max(np.hypot(*(points[1] - points[0])), np.hypot(*(points[3:].mean(axis=0) - points[:2].mean(axis=0))))
    return np.hypot(*(face.landmarks - points).T).mean() / eyes_px


@pytest.mark.parametrize("degrees", [40, 90, 130, 180, 220, 270, 320])
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_a_turned_portrait_is_one_face_with_the_points_of_the_upright_one(find, name, degrees):
    rgb, points, _ = portrait(name)
    rgb, affine = turned(rgb, degrees)

    (face,) = find(rgb)

    # labels are set by hand to about 5 %; a face taken to stand on its head would be off by 100 %
    assert off(face, moved(points, affine)) < 0.2


@pytest.mark.parametrize("degrees", [90, 180])
@pytest.mark.parametrize("scale", [0.4, 2.5])
def test_size_changes_nothing_about_that(find, degrees, scale):
    rgb, points, _ = portrait("astronaut")
    rgb, affine = turned(rgb, degrees, scale)

    (face,) = find(rgb)

    assert off(face, moved(points, affine)) < 0.2


@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_a_mirrored_face_is_one_face_with_its_eyes_in_order(find, degrees):
    rgb, points, _ = portrait("hopper")
    mirrored = points[MIRRORED] * (-1, 1) + (rgb.shape[1] - 1, 0)
    rgb, affine = turned(np.ascontiguousarray(rgb[:, ::-1]), degrees)

    (face,) = find(rgb)

    assert off(face, moved(mirrored, affine)) < 0.2


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_crop_of_a_turned_picture_is_that_of_the_upright_one(find, quarters):
    rgb, _, _ = portrait("astronaut")
    there = np.ascontiguousarray(np.rot90(rgb, quarters))

    (here_face,), (there_face,) = find(rgb), find(there)

    here, crop = align.align(rgb, here_face), align.align(there, there_face)
    # The same face a few px off is about 20 dB, on its head 10 dB.
    assert psnr(here.pixels, crop.pixels, 1.0) > 18
    assert psnr(here.pixels, crop.pixels, 1.0) > 5 + psnr(here.pixels, crop.pixels[::-1, ::-1], 1.0)


def test_sixteen_bits_find_the_turned_face_of_eight(find):
    rgb = np.ascontiguousarray(np.rot90(portrait("hopper")[0]))

    (eight,), (sixteen,) = find(rgb), find(rgb.astype(np.uint16) * 257)

    # Reduced pictures are rounded in their own depth, so the windows differ by a level; eyes are 82 px apart here.
    assert np.abs(eight.landmarks - sixteen.landmarks).max() < 1


def test_the_same_picture_gives_the_same_faces(find):
    rgb = np.ascontiguousarray(np.rot90(portrait("hopper")[0], 2))

    (first,), (second,) = find(rgb), find(rgb)

    assert first.box == second.box
    assert np.array_equal(first.landmarks, second.landmarks)


@pytest.mark.parametrize("part", [0.2, 0.4])
@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_a_face_cut_by_the_frame_is_one_face_the_right_way_up(find, name, side, part):
    rgb, points, (left, top, right, bottom) = portrait(name)
    x, y = round(part * (right - left)), round(part * (bottom - top))
    x0, y0 = (round(left) + x if side == "left" else 0), (round(top) + y if side == "top" else 0)
    x1 = round(right) - x if side == "right" else rgb.shape[1]
    y1 = round(bottom) - y if side == "bottom" else rgb.shape[0]

    (face,) = find(np.ascontiguousarray(rgb[y0:y1, x0:x1]))

    # Landmarks beyond the frame are guessed.
    assert off(face, points - (x0, y0)) < 0.45


def head(name, index, height_px, mirrored=False):
    """A head of that height with a soft oval border: pixels, alpha, the landmarks in it."""
    rgb, points, (left, top, right, bottom) = portrait(name, index, 0.3)
    if mirrored:
        rgb, points = rgb[:, ::-1], points[MIRRORED] * (-1, 1) + (rgb.shape[1] - 1, 0)
        left, right = rgb.shape[1] - right, rgb.shape[1] - left
    scale = height_px / (bottom - top)
    rgb = cv2.resize(np.ascontiguousarray(rgb), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ys, xs = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]]
    middle, half = (
        scale * np.array([left + right, top + bottom]) / 2,
        scale * np.array([right - left, bottom - top]) / 2,
    )
    reach = np.hypot((xs - middle[0]) / (1.12 * half[0]), (ys - middle[1]) / (1.22 * half[1]))
    return rgb, np.clip((1.06 - reach) / 0.06, 0, 1)[..., None], (points + 0.5) * scale - 0.5, middle, half


def place(canvas, piece, x, y):
    """Put a head's middle at (x, y); its landmarks there."""
    rgb, alpha, points, middle, _ = piece
    left, top = round(x - middle[0]), round(y - middle[1])
    part = canvas[top : top + rgb.shape[0], left : left + rgb.shape[1]]
    part[:] = np.rint(part * (1 - alpha) + rgb * alpha)
    return points + (left, top)


def wall(height, width):
    return (smooth_noise(height, width, sigma=9.0) // 4 + 90).astype(np.uint8)


def assert_each_is_found_once(faces: list[Face], people):
    assert len(faces) == len(people)
    for points in people:
        assert min(off(face, points) for face in faces) < 0.35


def test_two_persons_cheek_to_cheek_stay_two(find):
    pairs = [(a, b) for a in range(0, 29, 7) for b in range(1, 29, 6) if a != b]
    counts = []
    for pair in pairs:
        canvas = wall(360, 520)
        one, other = (head("solvay_1927", index, 130) for index in pair)
        apart = 0.75 * (one[4][0] + other[4][0])  # boxes overlap by a quarter of their width
        place(canvas, one, 250 - apart / 2, 180)
        place(canvas, other, 250 + apart / 2, 184)
        counts.append(len(find(canvas)))

    # The head behind shows half a face; a profile that looks away shows less.
    assert max(counts) == 2
    assert min(counts) >= 1
    assert counts.count(2) >= len(pairs) - 2


@pytest.mark.parametrize("gap_px", [20, 30, 40])
@pytest.mark.parametrize("height_px", [100, 140, 180])
def test_two_kissing_profiles_stay_two(find, height_px, gap_px):
    canvas = wall(360, 520)
    left, right = head("cameraman", 0, height_px, mirrored=True), head("cameraman", 0, height_px)
    if left[2][2][0] < left[3][0]:  # its nose points to the left
        left, right = right, left
    nose_px = left[2][2][0] - left[3][0]

    people = [
        place(canvas, left, 260 - nose_px - gap_px / 2, 180),
        place(canvas, right, 260 + nose_px + gap_px / 2, 180),
    ]

    assert_each_is_found_once(find(canvas), people)


def test_a_crowd_of_twenty_is_twenty(find):
    canvas = wall(470, 560)
    large = [i for i, face in enumerate(LABELLED["solvay_1927"]) if face["box"][3] - face["box"][1] >= 60][:20]

    people = [
        place(canvas, head("solvay_1927", index, 84), 80 + 92 * (i % 5) + 30 * (i // 5 % 2), 75 + 100 * (i // 5))
        for i, index in enumerate(large)
    ]

    assert len(people) == 20
    assert_each_is_found_once(find(canvas), people)


@pytest.mark.parametrize("times", [1.0, 1.6, 2.4])
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_a_face_before_a_poster_of_itself_is_two(find, name, times):
    canvas = wall(520, 760)
    poster, person = head(name, 0, 100 * times), head(name, 0, 100)
    beside_px = poster[4][0] + 0.7 * person[4][0]  # the person's head hides the poster's cheek

    people = [place(canvas, poster, 340, 230), place(canvas, person, 340 + beside_px, 260)]

    assert_each_is_found_once(find(canvas), people)


def test_an_upright_person_beside_one_on_the_head_are_both_right(find):
    canvas = wall(360, 620)
    people = [place(canvas, head("astronaut", 0, 130), 430, 180)]
    below = wall(360, 620)
    points = place(below, head("hopper", 0, 130), 430, 180)
    canvas[:, :300] = below[::-1, ::-1][:, :300]
    people.append((619, 359) - points)

    assert_each_is_found_once(find(canvas), people)
