"""Every setting changes the pixels that it should change and no others; a run leaves all random states alone."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.ports import Tools, UpscaledPixels
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings, field_types

# The middle one is the largest and the surest; crops of 120, 160 and 90 px that do not touch each other.
FACES = (face_at(256, 190, 160, index=0), face_at(90, 90, 120, index=1), face_at(440, 300, 90, index=2))
PICTURE = Picture(smooth_noise(384, 512, 4))
SEPIA = Picture(np.clip(smooth_noise(384, 512, 4)[..., :1] * np.array([1.0, 0.8, 0.6]), 0, 255).astype(np.uint8))
# A weight of 0.5 would make the fake restorer's crops one grey.
FACES_ONLY = RestoreSettings(mask="landmarks", fidelity=0.2)
ENLARGED = RestoreSettings(restorer="none", scale=2.0, upscale_strength=0.5)


class FidelityRestorer(FakeRestorer):
    """The negative at weight 0, the input at weight 1; a second one can be told apart by its tint."""

    has_fidelity = True

    def __init__(self, tint: float = 0.0) -> None:
        super().__init__()
        self.tint = np.array([tint, 0, -tint], np.float32)

    def restore(self, crops, fidelity):
        shown = [(1 - fidelity) * (1 - crop.pixels) + fidelity * crop.pixels + self.tint for crop in crops]
        return [np.clip(pixels, 0, 1).astype(np.float32) for pixels in shown]


class FakeUpscaler:
    """Doubles the picture and adds a few levels."""

    scale = 2

    def __init__(self, levels: int) -> None:
        self.used, self.levels = ModelUsed("upscaler", f"+{levels}", "3" * 64), levels

    def upscale(self, pixels, progress):
        larger = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR).astype(np.int32) + self.levels
        return UpscaledPixels(np.clip(larger, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype), 1, "cpu")


class Halves:
    """Skin in the upper half of the crop, background below."""

    used, classes = ModelUsed("parser", "fake parser", "2" * 64), PARSENET_CLASSES
    device = "cpu"

    def fall_back(self) -> bool:
        return False

    def avoid(self, device: str, problem: str) -> None:
        raise AssertionError("no device fails here")

    def parse(self, faces):
        labels = np.zeros((512, 512), np.uint8)
        labels[:256] = 1
        return [labels for _ in faces]


class ScoredDetector(FakeDetector):
    """Finds what scores enough; at a larger size also a fourth face."""

    def detect(self, pictures, threshold, short_side_px):
        more = [face_at(440, 80, 80, index=3)] if short_side_px > 640 else []
        return [[face for face in [*self.faces, *more] if face.score >= threshold]]


def tools_for(settings):
    """What a session would give, with fakes."""
    has_faces = settings.restorer != "none"
    return Tools(
        ScoredDetector(*FACES) if has_faces and not settings.aligned_input else None,
        FidelityRestorer() if has_faces else None,
        Halves() if settings.mask == "parsing" else None,
        FidelityRestorer(0.3) if settings.second_restorer != "none" else None,
        FakeUpscaler(9) if settings.upscaler == "auto" else None,
        FakeUpscaler(-9) if settings.second_upscaler != "none" else None,
    )


def run(settings, picture=PICTURE):
    return pipeline.run(picture, tools_for(settings), settings).picture.pixels


def places(size_hw=(384, 512), faces=FACES, grown=1.0):
    """Where the crops of these faces lie."""
    inside = np.zeros(size_hw, bool)
    for face in faces:
        x, y = face.landmarks.mean(axis=0)
        half = 0.62 * face.size_px * 2 * grown
        inside[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)] = True
    return inside


# Setting → settings to begin with, and the value that it is moved to. Only pixels inside the crops may change.
OF_FACES: dict[str, tuple[RestoreSettings, Any]] = {
    "fidelity": (FACES_ONLY, 0.9),
    "visibility": (FACES_ONLY, 0.4),
    "second_restorer": (FACES_ONLY, "another"),
    "second_fidelity": (dataclasses.replace(FACES_ONLY, second_restorer="another"), 0.9),
    "second_visibility": (dataclasses.replace(FACES_ONLY, second_restorer="another"), 0.3),
    "detection_threshold": (FACES_ONLY, 0.9895),
    "detection_size": (FACES_ONLY, 1280),
    "min_face_px": (FACES_ONLY, 50),
    "max_face_px": (FACES_ONLY, 70),
    "min_face_percent": (FACES_ONLY, 60.0),
    "max_faces": (FACES_ONLY, 1),
    "face_order": (dataclasses.replace(FACES_ONLY, max_faces=1), "left to right"),
    "which_faces": (FACES_ONLY, "centre"),
    "mask": (FACES_ONLY, "parsing"),
    "mask_feather": (FACES_ONLY, 20.0),
}
OF_THE_PICTURE: dict[str, tuple[RestoreSettings, Any]] = {
    "restorer": (FACES_ONLY, "none"),
    "aligned_input": (FACES_ONLY, True),
    "upscaler": (ENLARGED, "none"),
    "scale": (ENLARGED, 3.0),
    "width": (ENLARGED, 700),
    "height": (ENLARGED, 700),
    "size_mode": (dataclasses.replace(ENLARGED, width=700, height=700), "crop"),
    "longest_side": (ENLARGED, 700),
    "ceiling_megapixels": (ENLARGED, 0.5),
    "upscale_strength": (ENLARGED, 1.0),
    "second_upscaler": (ENLARGED, "another"),
    "second_upscaler_visibility": (dataclasses.replace(ENLARGED, second_upscaler="another"), 0.9),
    "order": (dataclasses.replace(FACES_ONLY, scale=2.0), "upscale first"),
    "large_faces": (dataclasses.replace(FACES_ONLY, scale=4.0), "off"),
}
IN_TESTS_BELOW = {"denoise", "keep_tone"}


def test_no_setting_is_without_a_test():
    assert OF_FACES.keys() | OF_THE_PICTURE.keys() | IN_TESTS_BELOW == field_types().keys()


@pytest.mark.parametrize("name", OF_FACES)
def test_a_setting_of_faces_changes_faces_and_nothing_else(name):
    settings, value = OF_FACES[name]

    before, after = run(settings), run(dataclasses.replace(settings, **{name: value}))

    faces = (*FACES, face_at(440, 80, 80)) if name == "detection_size" else FACES
    inside = places(faces=faces)
    assert inside.mean() < 0.5
    assert (before != after).any(axis=2)[inside].sum() > 500
    np.testing.assert_array_equal(before[~inside], after[~inside])
    np.testing.assert_array_equal(after[~inside], PICTURE.pixels[~inside])


@pytest.mark.parametrize("name", OF_THE_PICTURE)
def test_a_setting_of_the_picture_changes_the_picture(name):
    settings, value = OF_THE_PICTURE[name]

    before, after = run(settings), run(dataclasses.replace(settings, **{name: value}))

    assert before.shape != after.shape or (before != after).any(axis=2).sum() > 500


def test_upscale_strength_leaves_faces_to_themselves():
    settings = dataclasses.replace(FACES_ONLY, scale=2.0, mask="feather", mask_feather=0.0, fidelity=0.0)

    weak, strong = (run(dataclasses.replace(settings, upscale_strength=s)) for s in (0.0, 1.0))

    # Well inside a hard-edged mask only the restored crop is seen, and around it the background. base + (face − base)
    # in float32 is not the face to the last bit, so that a value near one half may round to either side.
    x, y = (2 * FACES[0].landmarks.mean(axis=0)).astype(int)
    faces = [pixels[y - 60 : y + 60, x - 60 : x + 60].astype(int) for pixels in (weak, strong)]
    assert np.abs(faces[0] - faces[1]).max() <= 1
    assert (faces[0] != faces[1]).mean() < 1e-3
    assert (weak[:40] != strong[:40]).any()


@pytest.mark.parametrize(("name", "value"), [("visibility", 0.0), ("second_visibility", 0.0)])
def test_an_invisible_pass_changes_nothing(name, value):
    without = run(dataclasses.replace(FACES_ONLY, restorer="none" if name == "visibility" else "auto"))

    result = run(dataclasses.replace(FACES_ONLY, **{name: value} | ({"second_restorer": "x"} if "2" in name else {})))

    np.testing.assert_array_equal(result, without)


def test_visibility_is_the_share_of_the_restored_face():
    settings = dataclasses.replace(FACES_ONLY, fidelity=0.0)

    none, half, whole = (run(dataclasses.replace(settings, visibility=v)).astype(int) for v in (0.0, 0.5, 1.0))

    assert np.abs(half - (none + whole) / 2).max() <= 1  # both are rounded


def test_keep_tone_changes_the_faces_of_a_toned_picture_only():
    kept, lost = (run(dataclasses.replace(FACES_ONLY, keep_tone=k, fidelity=0.0), SEPIA) for k in ("on", "off"))

    inside = places()
    assert (kept != lost).any(axis=2)[inside].sum() > 500
    np.testing.assert_array_equal(kept[~inside], lost[~inside])


def test_denoise_changes_what_two_random_checkpoints_make(runtime, tmp_path):
    for seed, file in enumerate(("realesr-general-x4v3.pth", "realesr-general-wdn-x4v3.pth")):
        torch.manual_seed(seed)
        torch.save({"params": SRVGGNetCompact(num_feat=16, num_conv=4, upscale=4).state_dict()}, tmp_path / file)
    session = Session(dataclasses.replace(runtime, models_folder=tmp_path, cache_folder=tmp_path / "converted"))
    settings = RestoreSettings(restorer="none", scale=2.0, upscaler="Real-ESRGAN general-x4v3", upscale_strength=1.0)
    picture = Picture(smooth_noise(40, 56))

    outputs = [
        next(session.restore([picture], dataclasses.replace(settings, denoise=d))).picture.pixels
        for d in (0.0, 0.5, 1.0)
    ]

    assert (outputs[0] != outputs[1]).any(axis=2).mean() > 0.5
    assert (outputs[1] != outputs[2]).any(axis=2).mean() > 0.5


def random_states():
    return torch.get_rng_state().tolist(), np.random.get_state(legacy=False)["state"]["key"].tolist(), random.getstate()


def test_random_states_are_the_same_before_and_after_a_whole_run(runtime, photograph):
    # The face is 64 px wide here, which is the embedded restorer's smallest and quickest input.
    small = Picture(cv2.resize(photograph, (171, 128), interpolation=cv2.INTER_AREA))
    settings = RestoreSettings(scale=2.0, upscaler="Real-ESRGAN animevideov3", large_faces="off")
    before = random_states()

    (result,) = Session(runtime).restore([small], settings)  # a session of its own: detection, loading, all of it

    assert result.report.count("restored") == 1
    assert result.report.tiles >= 1
    assert random_states() == before
