"""The sample photographs: every labelled face is found at the catalogue's threshold, and none where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

from lib_facerestore.engine import pixels
from lib_facerestore.models import catalogue
from lib_facerestore.settings import RestoreSettings

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
LABELS = json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))
PHOTOGRAPHS = {row["file"]: row for row in LABELS["photographs"]}
FACELESS = [row["file"] for row in LABELS["faceless"]]
DETECTION_SIZE_PX = 640
MATCH_IOU = 0.4
# 71 px wide, tilted by 42° and half in shadow: the first pass scores it 0.04, below 128 other places of the gravel
# around it, so it is not verified. One of 74; a detector that finds it makes this test fail, so that it is said.
KNOWN_MISSES = {"photographs/montage_angles.jpg": [PHOTOGRAPHS["photographs/montage_angles.jpg"]["faces"][5]["box"]]}


@pytest.fixture(scope="module")
def detector(session):
    return session.tools(RestoreSettings()).detector


@pytest.fixture(scope="module")
def found(detector):
    """Faces of a sample, found once at the catalogue's threshold."""
    known = {}

    def faces(file):
        if file not in known:
            picture = pixels.read(SAMPLES / file)
            (known[file],) = detector.detect([picture.pixels], detector.default_threshold, DETECTION_SIZE_PX)
        return known[file]

    return faces


def iou(a, b):
    """Shared area of two boxes as a part of their union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def test_samples_hold_enough_to_judge_by():
    assert len(PHOTOGRAPHS) >= 8
    assert sum(len(row["faces"]) for row in PHOTOGRAPHS.values()) >= 40
    assert len(FACELESS) >= 8


def test_threshold_is_the_catalogues(detector):
    assert detector.default_threshold == catalogue.by_name("RetinaFace MobileNet0.25 (embedded)", "detector").threshold


@pytest.mark.parametrize("file", PHOTOGRAPHS)
def test_every_labelled_face_but_the_known_miss_is_found(found, file):
    faces = found(file)

    best = [max((iou(label["box"], face.box) for face in faces), default=0.0) for label in PHOTOGRAPHS[file]["faces"]]

    missed = [PHOTOGRAPHS[file]["faces"][i]["box"] for i, value in enumerate(best) if value < MATCH_IOU]
    assert missed == KNOWN_MISSES.get(file, [])


@pytest.mark.parametrize("file", PHOTOGRAPHS)
def test_nothing_but_labelled_faces_is_found(found, file):
    labels = [label["box"] for label in PHOTOGRAPHS[file]["faces"]]

    extra = [
        (face.box, round(face.score, 3)) for face in found(file) if max(iou(b, face.box) for b in labels) < MATCH_IOU
    ]

    assert extra == []


def turned_points(points, quarters, size_hw):
    """Where points of a picture are after `np.rot90(picture, quarters)`."""
    height, width = size_hw
    for _ in range(quarters):
        points = np.stack([points[:, 1], width - 1 - points[:, 0]], axis=1)
        height, width = width, height
    return points


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("file", PHOTOGRAPHS)
def test_faces_of_a_turned_sample_are_found_once_with_the_points_of_the_upright_face(detector, file, quarters):
    rgb = pixels.read(SAMPLES / file).pixels
    labels = [face for face in PHOTOGRAPHS[file]["faces"] if face["box"] not in KNOWN_MISSES.get(file, [])]
    labels = [face for face in labels if max(np.subtract(face["box"][2:], face["box"][:2])) >= 48]

    turned = np.ascontiguousarray(np.rot90(rgb, quarters))
    (faces,) = detector.detect([turned], detector.default_threshold, DETECTION_SIZE_PX)

    for label in labels:
        points = turned_points(np.array(label["landmarks"]), quarters, rgb.shape[:2])
        size_px = max(
            np.hypot(*(points[1] - points[0])), np.hypot(*(points[3:].mean(axis=0) - points[:2].mean(axis=0)))
        )
        here = [f for f in faces if np.hypot(*(f.landmarks.mean(axis=0) - points.mean(axis=0))) < 0.9 * size_px]
        assert len(here) == 1, label["box"]
        assert np.hypot(*(here[0].landmarks - points).T).mean() / size_px < 0.35, label["box"]


@pytest.mark.parametrize("file", FACELESS)
def test_no_face_is_found_where_there_is_none(found, file):
    assert [(face.box, round(face.score, 3)) for face in found(file)] == []


@pytest.mark.parametrize("file", PHOTOGRAPHS)
def test_landmarks_lie_on_the_labelled_points_in_the_faces_own_order(found, file):
    pairs = [(label, face) for label in PHOTOGRAPHS[file]["faces"] for face in found(file)]
    pairs = [(label, face) for label, face in pairs if iou(label["box"], face.box) >= MATCH_IOU]

    assert pairs  # that none is missing is another test
    for label, face in pairs:
        points = np.array(label["landmarks"])
        # a profile's eyes are close together, so the longer of the two distances measures the face
        size_px = max(
            np.hypot(*(points[1] - points[0])), np.hypot(*(points[3:].mean(axis=0) - points[:2].mean(axis=0)))
        )

        distances = np.hypot(*(face.landmarks - points).T) / size_px

        # labels are set by hand to about 5 %; exchanged eyes or a wrong order would give 100 %
        assert distances.mean() < 0.2, label["box"]
