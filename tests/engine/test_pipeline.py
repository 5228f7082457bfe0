"""The recipe with fakes: order, choices, failures, and that nothing outside the faces changes."""

import dataclasses

import numpy as np
import pytest

from helpers.stock import oval_labels
from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Face, ModelUsed, Picture
from lib_facerestore.engine.faces import align, paste
from lib_facerestore.engine.ports import NoProgress, Tools
from lib_facerestore.errors import DeviceFailed, InferenceFailed, Interrupted, OutOfMemory, WeightsMissing
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.settings import RestoreSettings

# Three faces far apart in a 384×512 picture, largest first.
LEFT, MIDDLE, RIGHT = face_at(90, 120, 120, 0, 0), face_at(260, 250, 110, 30, 1), face_at(430, 130, 100, 180, 2)
SETTINGS = RestoreSettings()


def tools(*faces, restorer=None, **more):
    return Tools(FakeDetector(*faces), restorer or FakeRestorer(), **{"face_batch": 4, **more})


def run(picture, tools, settings=SETTINGS, progress=None):
    prepared = pipeline.prepare(picture, tools, settings)
    return pipeline.finish(prepared, pipeline.choose_all(prepared, settings), tools, settings, progress)


def has_changed(result, picture, face):
    x, y = (round(v) for v in face.landmarks[2])
    here = slice(y - 8, y + 8), slice(x - 8, x + 8)
    return bool((result.picture.pixels[here] != picture.pixels[here]).any())


class Watcher(NoProgress):
    """Notes the steps; stops at the n-th check."""

    def __init__(self, stop_at=None):
        self.steps, self.checks, self.stop_at = [], 0, stop_at

    def check(self):
        self.checks += 1
        if self.checks == self.stop_at:
            raise Interrupted

    def step(self, done, total, what):
        self.steps.append((done, total, what))


def test_every_found_face_is_restored_in_place(picture):
    result = run(picture, tools(LEFT, MIDDLE, RIGHT))

    assert [face.outcome for face in result.report.faces] == ["restored"] * 3
    assert all(has_changed(result, picture, face) for face in (LEFT, MIDDLE, RIGHT))
    assert np.array_equal(result.picture.pixels[320:], picture.pixels[320:])
    assert not result.picture.pixels.flags.writeable


def test_finish_leaves_the_prepared_picture_for_another_finish(picture):
    fakes = tools(LEFT)
    before = picture.pixels.copy()
    prepared = pipeline.prepare(picture, fakes, SETTINGS)
    choices = pipeline.choose_all(prepared, SETTINGS)

    first = pipeline.finish(prepared, choices, fakes, SETTINGS)
    second = pipeline.finish(prepared, choices, fakes, SETTINGS)

    assert np.array_equal(picture.pixels, before)
    assert np.array_equal(first.picture.pixels, second.picture.pixels)


def test_crops_reach_the_restorer_in_the_chosen_order_and_batches(picture):
    restorer = FakeRestorer()

    run(
        picture,
        tools(LEFT, MIDDLE, RIGHT, restorer=restorer, face_batch=2),
        RestoreSettings(face_order="right to left"),
    )

    assert restorer.batches == [[2, 1], [0]]


def test_no_face_gives_the_picture_back_and_says_so(picture):
    result = run(picture, tools())

    assert result.picture.pixels is not None
    assert np.array_equal(result.picture.pixels, picture.pixels)
    assert result.report.faces == ()
    assert result.restored == ()


def test_failing_face_keeps_its_pixels_and_is_reported(picture):
    restorer = FakeRestorer(failing=frozenset({1}))

    result = run(picture, tools(LEFT, MIDDLE, RIGHT, restorer=restorer))

    assert [face.outcome for face in result.report.faces] == ["restored", "failed", "restored"]
    assert result.report.faces[1].reason == "fake restorer failed on face 2: it was told to."
    assert not has_changed(result, picture, MIDDLE)
    assert has_changed(result, picture, LEFT)
    assert has_changed(result, picture, RIGHT)


def test_failing_batch_is_repeated_one_by_one_and_the_report_says_so(picture):
    restorer = FakeRestorer(failing=frozenset({2}))

    result = run(picture, tools(LEFT, MIDDLE, RIGHT, restorer=restorer, face_batch=3))

    assert restorer.batches == [[0, 1, 2], [0], [1], [2]]
    expected = "A batch of 3 faces was repeated one by one. fake restorer failed on face 3: it was told to."
    assert result.report.warnings == (expected,)


def test_memory_for_one_face_but_not_for_four_restores_all(picture):
    class Tight(FakeRestorer):
        def restore(self, crops, fidelity):
            if len(crops) > 1:
                raise OutOfMemory("fake restorer", "cuda:0")
            return super().restore(crops, fidelity)

    result = run(picture, tools(LEFT, MIDDLE, RIGHT, restorer=Tight()))

    assert result.report.count("restored") == 3
    assert "cuda:0 has no memory left for fake restorer" in result.report.warnings[0]


def test_no_memory_for_one_face_goes_on_on_the_cpu_and_says_so(picture):
    class OnTheGpu(FakeRestorer):
        device = "cuda:0"

        def restore(self, crops, fidelity):
            if self.device == "cuda:0":
                raise OutOfMemory("fake restorer", self.device)
            return super().restore(crops, fidelity)

        def fall_back(self):
            self.device = "cpu"
            return True

    result = run(picture, tools(LEFT, MIDDLE, restorer=OnTheGpu(), face_batch=1))

    assert result.report.count("restored") == 2
    (warning,) = result.report.warnings
    assert warning.endswith("Choose a smaller batch or the CPU. It went on on the CPU.")


def test_no_memory_for_one_face_fails_that_face_alone(picture):
    class Tight(FakeRestorer):
        def restore(self, crops, fidelity):
            if any(crop.face.index == 0 for crop in crops):
                raise OutOfMemory("fake restorer", "cuda:0", 780 * 2**20, 100 * 2**20)
            return super().restore(crops, fidelity)

    result = run(picture, tools(LEFT, MIDDLE, restorer=Tight(), face_batch=1))

    assert [face.outcome for face in result.report.faces] == ["failed", "restored"]
    assert "of about 780 MB, 100 MB are free" in result.report.faces[0].reason
    assert not has_changed(result, picture, LEFT)


class OnBrokenGpu(FakeRestorer):
    """Fails on its GPU, and on the CPU at the faces it was told to; notes which batches ran where."""

    def __init__(self, failing=frozenset()):
        super().__init__(failing=failing)
        self.device, self.avoided, self.ran = "xpu:0", [], []

    def restore(self, crops, fidelity):
        self.ran.append((self.device, len(crops)))
        if self.device != "cpu":
            raise DeviceFailed("fake restorer", self.device, "no suitable algorithm")
        return super().restore(crops, fidelity)

    def fall_back(self):
        was, self.device = self.device, "cpu"
        return was != "cpu"

    def avoid(self, device, problem):
        self.avoided.append((device, problem))


@pytest.mark.parametrize("face_batch", [1, 2, 4])
def test_a_device_that_fails_is_asked_once_and_the_cpu_restores_all_faces(picture, face_batch):
    expected = run(picture, tools(LEFT, MIDDLE, RIGHT))
    restorer = OnBrokenGpu()

    result = run(picture, tools(LEFT, MIDDLE, RIGHT, restorer=restorer, face_batch=face_batch))

    assert np.array_equal(result.picture.pixels, expected.picture.pixels)
    assert [device for device, _ in restorer.ran].count("xpu:0") == 1
    assert result.report.warnings == ("fake restorer failed on xpu:0: no suitable algorithm. It went on on the CPU.",)
    assert restorer.avoided == [("xpu:0", "no suitable algorithm")]
    assert result.report.device == "cpu"


@pytest.mark.parametrize("face_batch", [1, 4])
def test_a_device_is_not_avoided_where_the_cpu_fails_too(picture, face_batch):
    restorer = OnBrokenGpu(failing=frozenset({0, 1}))

    result = run(picture, tools(LEFT, MIDDLE, restorer=restorer, face_batch=face_batch))

    assert [face.reason for face in result.report.faces] == [
        "fake restorer failed on face 1: it was told to.",
        "fake restorer failed on face 2: it was told to.",
    ]
    assert restorer.avoided == []


class OnFullGpu:
    """Refuses the memory as often as it is told to, on the CPU too."""

    used: ModelUsed

    def __init__(self, *more, refusals=1):
        super().__init__(*more)
        self.refusals, self.device = refusals, "cuda:0"

    def ask(self):
        if self.refusals:
            self.refusals -= 1
            raise OutOfMemory(self.used.name, self.device)

    def fall_back(self):
        was, self.device = self.device, "cpu"
        return was != "cpu"

    def avoid(self, device, problem):
        raise AssertionError("no device fails here")


class TightDetector(OnFullGpu, FakeDetector):
    def detect(self, pictures, threshold, short_side_px):
        self.ask()
        return super().detect(pictures, threshold, short_side_px)


class TightParser(OnFullGpu):
    used, classes = ModelUsed("parser", "fake parser", "2" * 64), PARSENET_CLASSES
    faces = 0

    def parse(self, faces):
        self.ask()
        self.faces += 1
        return [oval_labels() for _ in faces]


def test_parser_without_memory_goes_on_on_the_cpu_and_says_so(picture):
    roomy, tight = TightParser(refusals=0), TightParser()

    expected, result = (run(picture, tools(LEFT, MIDDLE, parser=parser)) for parser in (roomy, tight))

    assert np.array_equal(result.picture.pixels, expected.picture.pixels)
    assert (tight.device, tight.faces) == ("cpu", 2)
    (warning,) = result.report.warnings
    assert warning == (
        "cuda:0 has no memory left for fake parser. Choose a smaller batch or the CPU. It went on on the CPU."
    )


def test_parser_that_fails_on_the_cpu_too_leaves_the_oval(picture):
    oval = run(picture, tools(LEFT, MIDDLE), RestoreSettings(mask="landmarks"))

    result = run(picture, tools(LEFT, MIDDLE, parser=TightParser(refusals=99)))

    assert result.report.count("restored") == 2
    assert np.array_equal(result.picture.pixels, oval.picture.pixels)
    assert result.report.warnings[-1].endswith("or the CPU. An oval mask was used instead.")


def test_parser_that_fails_leaves_the_oval(picture):
    class Failing(TightParser):
        def ask(self):
            raise InferenceFailed("fake parser", "it was told to")

    result = run(picture, tools(LEFT, parser=Failing()))

    assert result.report.count("restored") == 1
    assert result.report.warnings == ("fake parser failed: it was told to. An oval mask was used instead.",)


def test_detector_without_memory_goes_on_on_the_cpu_and_says_so(picture):
    detector = TightDetector(LEFT)

    result = run(picture, Tools(detector, FakeRestorer()))

    assert detector.device == "cpu"
    assert result.report.count("restored") == 1
    assert result.report.warnings[0].endswith("It went on on the CPU.")


def test_detector_without_memory_anywhere_is_an_error(picture):
    with pytest.raises(OutOfMemory, match="fake detector"):
        run(picture, Tools(TightDetector(LEFT, refusals=2), FakeRestorer()))


class StopWhen(NoProgress):
    """Stops as soon as that is so."""

    def __init__(self, is_time):
        self.is_time = is_time

    def check(self):
        if self.is_time():
            raise Interrupted


def test_stop_between_masks_goes_up(picture):
    parser = TightParser(refusals=0)

    with pytest.raises(Interrupted):
        run(picture, tools(LEFT, MIDDLE, RIGHT, parser=parser), progress=StopWhen(lambda: parser.faces == 1))

    assert parser.faces == 1


def test_stop_between_pasted_faces_goes_up(picture, monkeypatch):
    pasted, paste_face = [], paste.paste_face
    monkeypatch.setattr(paste, "paste_face", lambda *rest: pasted.append(1) or paste_face(*rest))

    with pytest.raises(Interrupted):
        run(picture, tools(LEFT, MIDDLE, RIGHT), progress=StopWhen(lambda: len(pasted) == 1))

    assert len(pasted) == 1


def test_errors_that_are_not_one_faces_own_go_up(picture):
    class Missing(FakeRestorer):
        def restore(self, crops, fidelity):
            raise WeightsMissing("fake", "Install them.")

    with pytest.raises(WeightsMissing):
        run(picture, tools(LEFT, restorer=Missing()))


def test_stop_between_batches_goes_up(picture):
    restorer, watcher = FakeRestorer(), Watcher(stop_at=2)

    with pytest.raises(Interrupted):
        run(picture, tools(LEFT, MIDDLE, RIGHT, restorer=restorer, face_batch=1), progress=watcher)

    assert restorer.batches == [[0]]


def test_progress_counts_faces(picture):
    watcher = Watcher()

    run(picture, tools(LEFT, MIDDLE, RIGHT, face_batch=2), progress=watcher)

    assert watcher.steps == [(2, 3, "faces"), (3, 3, "faces")]


def test_only_chosen_faces_are_restored(picture):
    fakes = tools(LEFT, MIDDLE, RIGHT)
    prepared = pipeline.prepare(picture, fakes, SETTINGS)
    choices = [choice for choice in pipeline.choose_all(prepared, SETTINGS) if choice.face_index != 1]

    result = pipeline.finish(prepared, choices, fakes, SETTINGS)

    assert [(face.outcome, face.reason) for face in result.report.faces] == [
        ("restored", ""),
        ("skipped", "not chosen"),
        ("restored", ""),
    ]
    assert not has_changed(result, picture, MIDDLE)


def test_visibility_is_a_choice_of_each_face(picture):
    fakes = tools(LEFT, RIGHT)
    prepared = pipeline.prepare(picture, fakes, SETTINGS)
    hidden, shown = pipeline.choose_all(prepared, SETTINGS)

    result = pipeline.finish(prepared, [dataclasses.replace(hidden, visibility=0.0), shown], fakes, SETTINGS)

    assert not has_changed(result, picture, LEFT)
    assert has_changed(result, picture, RIGHT)


def test_crops_of_different_fidelity_do_not_share_a_batch(picture):
    restorer = FakeRestorer()
    fakes = tools(LEFT, MIDDLE, RIGHT, restorer=restorer)
    prepared = pipeline.prepare(picture, fakes, SETTINGS)
    a, b, c = pipeline.choose_all(prepared, SETTINGS)

    pipeline.finish(prepared, [a, dataclasses.replace(b, fidelity=0.9), c], fakes, SETTINGS)

    assert restorer.batches == [[0, 2], [1]]


def test_skipped_face_keeps_its_pixels_and_its_reason(picture):
    result = run(picture, tools(LEFT, RIGHT), RestoreSettings(min_face_px=55))

    # boxes of face_at are half the native side: 60 and 50 px
    assert [(f.outcome, f.reason) for f in result.report.faces] == [("restored", ""), ("skipped", "50 px, minimum 55")]
    assert not has_changed(result, picture, RIGHT)


def test_face_without_extent_fails_and_the_others_are_restored(picture):
    point = Face(1, (200, 200, 260, 260), np.full((5, 2), 230, np.float32), 0.9)

    result = run(picture, tools(LEFT, point))

    assert [face.outcome for face in result.report.faces] == ["restored", "failed"]
    assert "landmarks" in result.report.faces[1].reason


def test_two_hundred_faces_are_restored():
    picture = Picture(smooth_noise(400, 900))
    faces = [face_at(25 + 44 * (i % 20), 25 + 38 * (i // 20), 50, 7 * i, i) for i in range(200)]
    restorer = FakeRestorer()

    result = run(picture, tools(*faces, restorer=restorer), RestoreSettings(min_face_px=0))

    assert result.report.count("restored") == 200
    assert [face.index for face in result.report.faces] == list(range(200))
    assert [len(batch) for batch in restorer.batches] == [4] * 50


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_picture_stays_grey_when_a_restorer_tints(dtype):
    class Tinting(FakeRestorer):
        def restore(self, crops, fidelity):
            return [pixels * np.array([1.0, 0.8, 0.6], np.float32) for pixels in super().restore(crops, fidelity)]

    grey = smooth_noise(384, 512, dtype=dtype)[..., :1].repeat(3, axis=2)
    picture = Picture(grey, is_grey=True)

    result = run(picture, tools(LEFT, restorer=Tinting()))

    pixels = result.picture.pixels
    assert has_changed(result, picture, LEFT)
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 1], pixels[..., 2])
    assert result.picture.is_grey


def test_alpha_metadata_and_notes_pass_through():
    pixels = smooth_noise(384, 512)
    picture = Picture(pixels, pixels[..., 0].copy(), notes=("Palette was widened.",))

    result = run(picture, tools(LEFT))

    assert np.array_equal(result.picture.alpha, picture.alpha)
    assert result.picture.metadata == picture.metadata
    assert result.report.warnings == ("Palette was widened.",)


def test_aligned_input_needs_no_detector():
    picture = Picture(smooth_noise(512, 640))
    settings = RestoreSettings(aligned_input=True, mask="feather")

    result = run(picture, Tools(None, FakeRestorer()), settings)

    assert result.report.count("restored") == 1
    assert np.array_equal(result.picture.pixels[:, :60], picture.pixels[:, :60])  # the square is columns 64 to 576
    inverse = 255 - picture.pixels[256, 320].astype(int)
    assert np.abs(result.picture.pixels[256, 320] - inverse).max() <= 1


def test_no_restorer_leaves_all_faces_and_says_so(picture):
    result = run(picture, Tools(FakeDetector(LEFT), None))

    assert [(face.outcome, face.reason) for face in result.report.faces] == [("skipped", "no restorer chosen")]
    assert np.array_equal(result.picture.pixels, picture.pixels)


def test_enlarging_restorer_is_pasted_at_the_same_place(picture):
    once = run(picture, tools(LEFT, restorer=FakeRestorer()))
    twice = run(picture, tools(LEFT, restorer=FakeRestorer(enlarged=2)))

    difference = np.abs(once.picture.pixels.astype(int) - twice.picture.pixels)
    assert difference.max() <= 3  # masks of two grids, averaged down
    assert has_changed(twice, picture, LEFT)


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_a_crop_is_cut_with_the_restorers_kernel(picture, kernel):
    restorer, found = FakeRestorer(), face_at(300, 150, 120)
    restorer.crop_kernel = kernel

    prepared = pipeline.prepare(picture, Tools(FakeDetector(found), restorer), RestoreSettings())

    expected = align.align(picture.pixels, found, kernel=kernel).pixels
    assert np.array_equal(prepared.crops[0].pixels, expected)


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [(512, None, 512), (1024, None, 1024), (256, None, 256), (256, 512, 512), (1024, 512, 1024), (512, 2048, 2048)],
)
@pytest.mark.parametrize("aligned", [False, True])
def test_a_crop_has_the_side_of_the_restorer_that_takes_the_larger_one(picture, first, second, side, aligned):
    restorer, other = FakeRestorer(), None if second is None else FakeRestorer()
    restorer.crop_side_px = first
    if other is not None and second is not None:
        other.crop_side_px = second
    tools = Tools(FakeDetector(face_at(300, 150, 120)), restorer, second_restorer=other)

    prepared = pipeline.prepare(picture, tools, RestoreSettings(aligned_input=aligned))

    (crop,) = prepared.crops
    assert crop.side_px == side
    # The whole height of the picture, or the face's own square.
    assert crop.native_side_px == pytest.approx(384 if aligned else 120, rel=1e-4)


@pytest.mark.parametrize("side", [256, 512, 1024, 2048])
def test_a_crop_of_any_side_is_pasted_where_it_was_cut(side):
    class Keeping(FakeRestorer):
        crop_side_px = side

        def restore(self, crops, fidelity):
            return [crop.pixels for crop in crops]

    smooth, found = Picture(smooth_noise(384, 512, sigma=8.0)), face_at(300, 150, 250, 20)

    result = run(smooth, tools(found, restorer=Keeping()))

    # A shift by half a pixel of the picture would change this noise by 5 levels.
    assert np.abs(result.picture.pixels.astype(int) - smooth.pixels).max() <= 2
