"""A large face that the upscaler cannot enlarge: it alone is enlarged plainly, and the picture is finished."""

import cv2
import numpy as np
import pytest

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.ports import Tools, UpscaledPixels
from lib_facerestore.errors import InferenceFailed, Interrupted, ModelError, OutOfMemory
from lib_facerestore.settings import RestoreSettings

# Two places of 600 px on the doubled picture of 640×1300 px, side by side.
PICTURE = Picture(smooth_noise(320, 650))
FACES = (face_at(160, 160, 300, index=0), face_at(490, 160, 300, index=1))
SECOND_FACE = np.s_[:, 660:]


class Doubling:
    """A smooth network of factor 2 that fails on the so-manieth square, the only squares being faces."""

    used, scale = ModelUsed("upscaler", "doubling", "2" * 64), 2

    def __init__(self, error=None, failing=()):
        self.error, self.failing, self.squares = error, failing, 0

    def upscale(self, pixels, progress):
        if pixels.shape[0] == pixels.shape[1]:
            self.squares += 1
            if self.squares in self.failing:
                raise self.error
        larger = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        return UpscaledPixels(larger, 3, "cpu", ("It was slow.",))


def run(upscaler, **chosen):
    tools = Tools(FakeDetector(*FACES), FakeRestorer(), upscaler=upscaler)
    return pipeline.run(PICTURE, tools, RestoreSettings(scale=2, **chosen))


@pytest.mark.parametrize(
    "error",
    [
        InferenceFailed("doubling", "it was told to"),
        OutOfMemory("doubling", "cuda:0"),
        ModelError("Something else of the model."),
    ],
)
@pytest.mark.parametrize("large_faces", ["auto", "upsample"])
def test_a_large_face_that_cannot_be_enlarged_is_pasted_plainly_and_the_others_are_done(error, large_faces):
    result = run(Doubling(error, failing={1}), large_faces=large_faces)

    plain, good = run(Doubling(), large_faces="off").picture.pixels, run(Doubling()).picture.pixels
    assert [face.outcome for face in result.report.faces] == ["restored", "restored"]
    assert result.report.warnings == ("It was slow.", f"Face 1 was enlarged without an upscaler. {error}")
    assert np.array_equal(result.picture.pixels[:, :640], plain[:, :640])
    assert np.array_equal(result.picture.pixels[SECOND_FACE], good[SECOND_FACE])
    assert (good[:, :640] != plain[:, :640]).any()  # else it could not be told apart
    assert result.report.tiles == 6  # of the picture and of the second face


def test_an_upscaler_that_enlarges_no_face_is_named_for_the_picture_alone():
    result = run(Doubling(InferenceFailed("doubling", "it was told to"), failing={1, 2}))

    assert (result.report.upscaler, result.report.face_upscaler, result.report.tiles) == ("doubling", "", 3)
    assert len(result.report.warnings) == 3


def test_an_upscaler_that_only_failed_is_not_among_the_models():
    upscaler = Doubling(InferenceFailed("doubling", "it was told to"), failing={1, 2})

    report = run(upscaler, upscale_strength=0.0).report

    assert upscaler.squares == 2
    assert [model.name for model in report.models] == ["fake detector", "fake restorer"]


def test_a_stop_while_a_large_face_is_enlarged_goes_up():
    with pytest.raises(Interrupted):
        run(Doubling(Interrupted(), failing={1}))
