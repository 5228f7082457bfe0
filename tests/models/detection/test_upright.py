"""Which way up a face stands, asked of the views all around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lib_facerestore.engine import pixels
from lib_facerestore.models.detection import accepted_rows
from lib_facerestore.models.detection.detected_rows import tilt_degrees
from lib_facerestore.models.detection.upright import set_upright, stands_as_said
from lib_facerestore.settings import RestoreSettings

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
THRESHOLD = 0.7


@pytest.fixture(scope="module")
def detector(session):
    return session.tools(RestoreSettings()).detector


@pytest.fixture(scope="module")
def astronaut():
    return pixels.read(SAMPLES / "photographs/astronaut.jpg").pixels


def row_with_tilt(rgb, detector, degrees):
    """The astronaut's row with its points turned around their middle, as if the face stood so."""
    (face,) = detector.detect([rgb], THRESHOLD, 640)[0]
    middle, angle = face.landmarks.mean(axis=0), np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.array([*face.box, face.score, *((face.landmarks - middle) @ turn.T + middle).ravel()], np.float32)


@pytest.mark.parametrize("degrees", [0, 90, 180, -60])
def test_the_direction_is_found_whatever_the_row_says(detector, astronaut, degrees):
    true_degrees = tilt_degrees(row_with_tilt(astronaut, detector, 0))

    upright = set_upright(detector.network, astronaut, row_with_tilt(astronaut, detector, degrees), THRESHOLD)

    assert upright[4] > 0.95
    assert tilt_degrees(upright) == pytest.approx(true_degrees, abs=8)


def test_a_row_with_the_right_points_stands_as_it_says_and_one_on_its_head_does_not(detector, astronaut):
    rows = np.stack([row_with_tilt(astronaut, detector, degrees) for degrees in (0, 180)])

    assert stands_as_said(detector.network, astronaut, rows).tolist() == [True, False]
    assert stands_as_said(detector.network, astronaut, rows[:0]).shape == (0,)


def test_a_wall_has_no_direction(detector):
    rgb = pixels.read(SAMPLES / "faceless/brick_wall.jpg").pixels
    row = np.array([100, 80, 180, 180, 0.9, *[100, 100, 140, 100, 120, 120, 105, 140, 135, 140]], np.float32)

    assert set_upright(detector.network, rgb, row, THRESHOLD)[4] < THRESHOLD


def test_a_certain_face_whose_direction_nothing_settles_stays_as_it_was_found(detector, astronaut, monkeypatch):
    (before,) = detector.detect([astronaut], THRESHOLD, 640)[0]
    monkeypatch.setattr(accepted_rows, "_PLAIN_SCORE", 2.0)
    monkeypatch.setattr(accepted_rows, "stands_as_said", lambda network, rgb, rows: np.zeros(len(rows), bool))
    monkeypatch.setattr(accepted_rows, "set_upright", lambda network, rgb, row, threshold: np.zeros_like(row))

    (face,) = detector.detect([astronaut], THRESHOLD, 640)[0]

    assert face.box == before.box
    assert np.array_equal(face.landmarks, before.landmarks)
