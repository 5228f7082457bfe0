"""Faces restored in several ways: how often networks run, what comes out, and what a failure leaves."""

import dataclasses

import numpy as np
import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine.comparison import compare_restorers
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.levels import to_levels
from lib_facerestore.engine.ports import NoProgress, Tools
from lib_facerestore.engine.upscaling.resize import resize_float
from lib_facerestore.errors import Interrupted
from lib_facerestore.models import loading
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

SETTINGS = RestoreSettings(min_face_px=0)
EMBEDDED = "Real-ESRGAN x4plus (embedded)"


class CountingDetector(FakeDetector):
    calls = 0

    def detect(self, *args):
        self.calls += 1
        return super().detect(*args)


class Weighted(FakeRestorer):
    """Mixes black into the crop by its fidelity weight."""

    used = ModelUsed("restorer", "weighted", "2" * 64)
    has_fidelity = True

    def restore(self, crops, fidelity):
        self.batches.append([crop.face.index for crop in crops])
        return [crop.pixels * np.float32(fidelity) for crop in crops]


def variants_of(*restorers, faces=2, fidelities=(0.0, 0.5, 1.0), progress=None, detector=None):
    found = [face_at(130 + 200 * number, 190, 150, index=number) for number in range(faces)]
    detector = detector or CountingDetector(*found)
    pairs = [(str(number), restorer) for number, restorer in enumerate(restorers)]
    tools = Tools(detector, None, face_batch=4)
    return compare_restorers(
        Picture(smooth_noise(384, 512)), tools, SETTINGS, lambda: iter(pairs), fidelities, progress or NoProgress()
    )


def test_weights_multiply_only_models_that_have_one():
    made = variants_of(Weighted(), FakeRestorer())

    assert [(variant.restorer, variant.fidelity) for variant in made.variants] == [
        ("weighted", 0.0), ("weighted", 0.5), ("weighted", 1.0), ("fake restorer", None),
    ]  # fmt: skip
    crop = made.prepared.crops[1].pixels
    assert np.array_equal(made.variants[1].faces[1], crop * np.float32(0.5))
    assert np.array_equal(made.variants[3].faces[1], 1 - crop)


def test_devices_are_where_the_networks_ran():
    moved = Weighted()
    moved.device = "cuda:1"

    made = variants_of(moved)

    assert made.device == "cpu, cuda:1"  # the detector's and the restorer's


def test_one_detection_and_each_crop_once_for_each_variant():
    detector = CountingDetector(*[face_at(130 + 200 * number, 190, 150, index=number) for number in range(2)])
    weighted, plain = Weighted(), FakeRestorer(enlarged=2)

    made = variants_of(weighted, plain, detector=detector)

    assert detector.calls == 1
    assert sum(map(len, weighted.batches)) == 2 * 3
    assert sum(map(len, plain.batches)) == 2
    assert {face.shape for variant in made.variants for face in variant.faces} == {(512, 512, 3)}


def test_same_model_by_two_names_is_one_variant():
    restorer = FakeRestorer()

    made = variants_of(restorer, restorer)

    assert len(made.variants) == 1
    assert restorer.batches == [[0, 1]]


def test_failure_is_a_sentence_in_its_own_cell():
    made = variants_of(FakeRestorer(failing=frozenset([1])), "no such model", fidelities=())

    first, second = made.variants
    assert isinstance(first.faces[0], np.ndarray)
    assert first.faces[1] == "fake restorer failed on face 2: it was told to."
    assert second.faces == ("no such model", "no such model")
    assert any("repeated one by one" in warning for warning in made.warnings)


def test_no_restorer_is_asked_for_where_there_is_no_face():
    def refuse():
        raise AssertionError("a model was loaded for nothing")

    made = compare_restorers(
        Picture(smooth_noise(384, 512)), Tools(FakeDetector(), None), SETTINGS, refuse, (0.5,), NoProgress()
    )

    assert made.variants == ()


def test_stop_is_heeded_between_variants():
    class Stop(NoProgress):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks > 3:
                raise Interrupted

    weighted = Weighted()

    with pytest.raises(Interrupted):
        variants_of(weighted, progress=Stop())

    assert 0 < len(weighted.batches) < 3


@pytest.fixture
def two_models(runtime, tmp_path):
    """The embedded restorer, and a small random network that a user dropped into the folder."""
    folder = tmp_path / "models"
    folder.mkdir()
    torch.manual_seed(0)
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, folder / "mine.pth")
    return dataclasses.replace(runtime, models_folder=folder)


def test_variant_is_what_restoring_pastes(session, small_photograph):
    picture = Picture(small_photograph)
    settings = RestoreSettings(restorer=EMBEDDED)

    (result,) = session.restore([picture], settings)
    made = session.job().compare_faces(picture, settings, [EMBEDDED], [0.5])

    (pasted,), (variant,) = result.restored, made.variants
    assert variant.fidelity is None
    assert np.array_equal(variant.faces[0], resize_float(pasted.pixels, (512, 512)))


def test_missing_model_says_so_and_the_others_are_restored(session, small_photograph):
    made = session.job().compare_faces(Picture(small_photograph), SETTINGS, ["CodeFormer", "GFPGAN 9", EMBEDDED], [0.5])

    missing, unknown, restored = made.variants
    assert "The weights of codeformer.pth are missing" in missing.faces[0]
    assert "GFPGAN 9" in unknown.faces[0]
    assert isinstance(restored.faces[0], np.ndarray)


def test_each_network_is_loaded_once_for_many_pictures(two_models, small_photograph, monkeypatch):
    loaded = []
    load = loading.load_restorer
    monkeypatch.setattr(loading, "load_restorer", lambda spec, *more: loaded.append(spec.name) or load(spec, *more))
    session = Session(two_models)

    for _ in range(2):
        made = session.job().compare_faces(Picture(small_photograph), SETTINGS, ["mine", EMBEDDED], [0.0, 1.0])

    assert loaded == ["mine", EMBEDDED]
    assert [variant.restorer for variant in made.variants] == ["mine", EMBEDDED]


def test_grey_picture_keeps_its_tone(session, small_photograph):
    grey = np.repeat(np.asarray(small_photograph).mean(2, keepdims=True), 3, 2).astype(np.uint8)

    made = session.job().compare_faces(Picture(grey), SETTINGS, [EMBEDDED], [0.5])

    face = to_levels(made.variants[0].faces[0]).astype(int)
    assert np.ptp(face, axis=2).max() <= 1
