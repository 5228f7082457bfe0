"""The embedded restorer on real faces shrunk to 1/4 and JPEG-compressed; all faces: docs/embedded-restorer.md."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import embedded_restorer as benchmark

# The first three of the list, not the best three.
FACES = benchmark.specimens()[:3]


@pytest.fixture(scope="module", params=FACES, ids=[face.name for face in FACES])
def outcome(request, session):
    """One face degraded and restored."""
    return benchmark.restore(request.param, session)


def test_restored_face_is_finite_and_in_range(outcome):
    restored = outcome.crops["restored"]

    assert np.isfinite(restored).all()
    assert restored.min() >= 0
    assert restored.max() <= 1


def test_restored_face_is_sharper_than_degraded_and_at_most_twice_as_sharp_as_original(outcome):
    degraded, original = outcome.sharpness("degraded"), outcome.sharpness("original")

    assert degraded <= outcome.sharpness("restored") <= 2 * original


def test_restored_face_is_not_the_bicubic_one(outcome):
    difference = np.abs(outcome.crops["restored"] - outcome.crops["bicubic"])[outcome.mask >= 0.5] * 255

    # half a level is what rounding alone would give
    assert difference.mean() > 0.5


def test_restored_face_keeps_the_mean_colour_of_the_degraded(outcome):
    assert outcome.colour_shift() <= 8


def test_the_four_crops_lie_on_each_other(outcome):
    # Smoothed to what 1/4 leaves, a crop shifted by a pixel of the degraded picture (8 px here) correlates less.
    import cv2

    def smooth(version):
        return cv2.GaussianBlur(cv2.cvtColor(outcome.crops[version], cv2.COLOR_RGB2GRAY), (0, 0), 12)

    shift, _ = cv2.phaseCorrelate(smooth("original"), smooth("restored"), cv2.createHanningWindow((512, 512), 5))

    assert np.hypot(*shift) < 2
