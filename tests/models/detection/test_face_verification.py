"""Face verification: real faces that the first pass doubts are confirmed, things that look like faces are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lib_facerestore.engine import pixels
from lib_facerestore.models.detection.detected_rows import overlap
from lib_facerestore.models.detection.face_verification import verify_faces
from lib_facerestore.settings import RestoreSettings

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
THRESHOLD = 0.7


@pytest.fixture(scope="module")
def network(session):
    return session.tools(RestoreSettings()).detector.network


def rows_of(*boxes):
    """Rows as the first pass gives them, without points."""
    rows = np.zeros((len(boxes), 15), np.float32)
    rows[:, :4] = np.array(boxes, np.float32).reshape(-1, 4)
    rows[:, 4] = 0.1
    return rows


def test_a_tilted_small_face_is_confirmed_and_its_points_are_found(network):
    rgb = pixels.read(SAMPLES / "photographs/montage_sizes.jpg").pixels
    labels = json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))["photographs"]
    face = next(row for row in labels if row["file"].endswith("montage_sizes.jpg"))["faces"][7]

    (verified,) = verify_faces(network, rgb, rows_of(face["box"]), THRESHOLD)

    eyes_px = np.hypot(*np.subtract(*face["landmarks"][:2]))
    apart = np.hypot(*(verified[5:].reshape(5, 2) - face["landmarks"]).T)
    assert verified[4] >= 0.9
    assert overlap(verified[:4], np.array(face["box"])) > 0.4
    assert apart.max() < 0.6 * eyes_px  # a face of 28 px: a hand label is good to a pixel or two


@pytest.mark.parametrize(
    ("file", "box"),
    [("foliage", (48, 13, 337, 256)), ("written_page", (212, 21, 317, 139)), ("gravel", (61, 94, 74, 111))],
)
def test_what_only_looked_like_a_face_is_not_confirmed(network, file, box):
    rgb = pixels.read(SAMPLES / f"faceless/{file}.jpg").pixels

    (verified,) = verify_faces(network, rgb, rows_of(box), THRESHOLD)

    assert verified[4] < THRESHOLD


def test_a_face_beside_the_place_does_not_confirm_it(network):
    rgb = pixels.read(SAMPLES / "photographs/astronaut.jpg").pixels
    label = json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))["photographs"]
    left, top, right, bottom = next(row for row in label if row["file"].endswith("astronaut.jpg"))["faces"][0]["box"]
    beside = (left + 1.1 * (right - left), top, right + 1.1 * (right - left), bottom)

    (verified,) = verify_faces(network, rgb, rows_of(beside), THRESHOLD)

    assert verified[4] < THRESHOLD


def test_no_rows_give_no_rows(network):
    rgb = np.zeros((90, 120, 3), np.uint8)

    assert verify_faces(network, rgb, rows_of(), THRESHOLD).shape == (0, 15)


def test_sixteen_bit_pixels_are_verified_like_their_eight_bit_twin(network):
    rgb = pixels.read(SAMPLES / "photographs/astronaut.jpg").pixels
    rows = rows_of((180, 60, 270, 180))

    eight, sixteen = (verify_faces(network, p, rows, THRESHOLD) for p in (rgb, rgb.astype(np.uint16) * 257))

    assert np.abs(eight - sixteen).max() < 0.01
