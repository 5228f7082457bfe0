"""The embedded restorer on real faces shrunk to 1/4 and JPEG-compressed; all faces: docs/embedded-restorer.md."""

import embedded_restorer as benchmark
import numpy as np
import pytest

from lib_facerestore.settings import RestoreSettings

SPECIMENS = {specimen.name: specimen for specimen in benchmark.specimens()}
# The first three of the list, not the best three; and one of those that hold the line, so that it keeps holding.
FIRST_THREE = list(SPECIMENS)[:3]
HOLDS_THE_LINE = "hopper 0"


@pytest.fixture(scope="module")
def restored(session):
    """Faces degraded and restored, by name, each once."""
    known = {}

    def outcome(name):
        if name not in known:
            known[name] = benchmark.restore(SPECIMENS[name], session)
        return known[name]

    return outcome


@pytest.fixture(params=[*FIRST_THREE, HOLDS_THE_LINE])
def outcome(request, restored):
    """One face degraded and restored."""
    return restored(request.param)


def test_restored_face_is_finite_and_in_range(outcome):
    restored = outcome.crops["restored"]

    assert np.isfinite(restored).all()
    assert restored.min() >= 0
    assert restored.max() <= 1


def test_restored_face_is_sharper_than_degraded(outcome):
    assert outcome.sharpness("restored") >= outcome.sharpness("degraded")


def test_face_of_50_px_is_at_most_twice_as_sharp_as_the_original(restored):
    outcome = restored(HOLDS_THE_LINE)

    assert outcome.holds()
    assert outcome.holds(outcome.own_side_px)


@pytest.mark.xfail(
    raises=AssertionError, strict=True, reason="texture invented from 16 to 18 px: docs/embedded-restorer.md"
)
@pytest.mark.parametrize("name", FIRST_THREE)
def test_face_of_16_to_18_px_is_at_most_twice_as_sharp_as_the_original(restored, name):
    assert restored(name).holds()


def test_faces_of_16_to_18_px_are_skipped_by_default():
    assert all(SPECIMENS[name].size_px / benchmark.SHRINK < RestoreSettings().min_face_px for name in FIRST_THREE)


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

    assert np.hypot(shift[0], shift[1]) < 2
