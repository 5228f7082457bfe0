"""The recipe with a size: where faces land, in which order stages run, what large faces get, what the report holds."""

import cv2
import numpy as np
import pytest

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.ports import NoProgress, Tools, UpscaledPixels
from lib_facerestore.errors import Interrupted, SizeTooLarge
from lib_facerestore.settings import RestoreSettings


class Repeat:
    """Repeats every pixel, in three tiles, and complains."""

    used = ModelUsed("upscaler", "fake upscaler", "2" * 64)

    def __init__(self, scale=2):
        self.scale, self.seen = scale, []

    def upscale(self, pixels, progress):
        progress.check()
        self.seen.append((pixels.shape[:2], pixels.dtype))
        return UpscaledPixels(self.larger(pixels), 3, "cpu", ("It was slow.",))

    def larger(self, pixels):
        return np.repeat(np.repeat(pixels, self.scale, 0), self.scale, 1)


class Bilinear(Repeat):
    """Moves nothing by the half pixel that repeating leaves open."""

    def larger(self, pixels):
        return cv2.resize(pixels, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_LINEAR)


class Watching(FakeDetector):
    """Notes the sizes of the pictures it sees."""

    def __init__(self, *faces):
        super().__init__(*faces)
        self.seen = []

    def detect(self, pictures, threshold, short_side_px):
        self.seen += [picture.shape[:2] for picture in pictures]
        return super().detect(pictures, threshold, short_side_px)


class Level(FakeRestorer):
    """Keeps what it sees and gives one level, or what it saw."""

    def __init__(self, name, level=None):
        super().__init__()
        self.used, self.level, self.seen = ModelUsed("restorer", name, "3" * 64), level, []

    def restore(self, crops, fidelity):
        self.seen += [crop.pixels for crop in crops]
        return [c.pixels if self.level is None else np.full_like(c.pixels, self.level) for c in crops]


def run(picture, *faces, restorer=None, upscaler=None, second=None, detector=None, **chosen):
    tools = Tools(
        detector or FakeDetector(*faces), restorer or FakeRestorer(), second_restorer=second, upscaler=upscaler
    )
    return pipeline.run(picture, tools, RestoreSettings(**chosen))


def bare(picture, upscaler, **chosen):
    """The enlarged picture without any face."""
    return pipeline.run(picture, Tools(None, None, upscaler=upscaler), RestoreSettings(**chosen)).picture.pixels


def bilinear(image, x, y):
    """Sampled at points whose four neighbours lie inside."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, down = (x - left)[..., None], (y - top)[..., None]
    image = np.atleast_3d(image)
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def exact_paste(base, face, scale_xy):
    """Float64 levels: every canvas pixel led back to the picture, from there to the crop, and blended."""
    ys, xs = np.mgrid[0 : base.shape[0], 0 : base.shape[1]].astype(np.float64)
    xs, ys = (xs + 0.5) / scale_xy[0] - 0.5, (ys + 0.5) / scale_xy[1] - 0.5
    affine, side = face.crop.affine, face.pixels.shape[0]
    u = affine[0, 0] * xs + affine[0, 1] * ys + affine[0, 2]
    v = affine[1, 0] * xs + affine[1, 1] * ys + affine[1, 2]
    inside = (u >= 0) & (v >= 0) & (u < side - 1) & (v < side - 1)  # the mask is 0 in the outermost 10 px
    weight = bilinear(face.mask, u[inside], v[inside])
    result = base.astype(np.float64)
    result[inside] += (bilinear(face.pixels, u[inside], v[inside]) * 255 - result[inside]) * weight
    return result


@pytest.mark.parametrize(
    ("scale", "size_hw", "side_px"),
    # Sides whose place is about 512 px, so that one sample a pixel is exact. 1.37: 275.37 and 453.47 are rounded down.
    [(2.0, (402, 662), 260), (4.0, (804, 1324), 130), (1.37, (275, 453), 372)],
)
def test_in_one_pass_a_face_is_pasted_at_exactly_its_enlarged_place(scale, size_hw, side_px):
    picture, face = Picture(smooth_noise(201, 331)), face_at(190, 108, side_px, 12)
    scale_xy = size_hw[1] / 331, size_hw[0] / 201

    result = run(picture, face, upscaler=Repeat(), scale=scale)

    pixels, base = result.picture.pixels, bare(picture, Repeat(), scale=scale)
    expected = exact_paste(base, result.restored[0], scale_xy)
    assert pixels.shape[:2] == size_hw
    assert (pixels != base).mean() > 0.1
    # One level of rounding, and OpenCV's positions are multiples of 1/32 px.
    assert np.abs(pixels - expected).max() <= 1.5
    elsewhere = exact_paste(base, result.restored[0], (scale_xy[0] * 1.005, scale_xy[1]))
    assert np.abs(pixels - elsewhere).max() > 3


@pytest.mark.parametrize(
    ("order", "looked_at"), [("one pass", (384, 512)), ("upscale first", (768, 1024)), ("restore first", (384, 512))]
)
def test_each_order_looks_for_faces_in_its_own_picture(picture, order, looked_at):
    detector = Watching(face_at(260, 180, 120))

    run(picture, detector=detector, upscaler=Repeat(), scale=2, order=order)

    assert detector.seen == [looked_at]


def test_restore_first_enlarges_the_picture_with_the_restored_face(picture):
    face = face_at(260, 180, 120)
    restored = run(picture, face).picture

    result = run(picture, face, upscaler=Repeat(), scale=2, order="restore first")

    assert np.array_equal(result.picture.pixels, bare(restored, Repeat(), scale=2))


def test_upscale_first_restores_in_the_enlarged_picture(picture):
    face = face_at(500, 350, 240)
    enlarged = Picture(bare(picture, Repeat(), scale=2))

    result = run(picture, face, upscaler=Repeat(), scale=2, order="upscale first")

    assert np.array_equal(result.picture.pixels, run(enlarged, face).picture.pixels)


@pytest.mark.parametrize("order", ["upscale first", "restore first"])
@pytest.mark.parametrize("aligned", [False, True])
def test_the_report_of_two_runs_is_one(picture, order, aligned):
    more = {"aligned_input": True, "mask": "feather", "large_faces": "off"} if aligned else {}

    report = run(picture, face_at(260, 180, 120), upscaler=Repeat(), scale=2, order=order, **more).report

    assert [face.outcome for face in report.faces] == ["restored"]
    assert (report.restorer, report.upscaler, report.scale, report.tiles) == ("fake restorer", "fake upscaler", 2.0, 3)
    assert report.size_hw == (768, 1024)
    assert {model.role for model in report.models} >= {"restorer", "upscaler"}
    assert len(report.models) == len(set(report.models))
    assert [stage for stage, _ in report.seconds].count("upscale") == 2
    assert report.warnings == ("It was slow.",)


@pytest.mark.parametrize("order", ["one pass", "upscale first", "restore first"])
def test_without_a_restorer_every_order_is_the_enlarged_picture(picture, order):
    tools = Tools(None, None, upscaler=Repeat())

    result = pipeline.run(picture, tools, RestoreSettings(scale=2, order=order, restorer="none"))

    assert np.array_equal(result.picture.pixels, bare(picture, Repeat(), scale=2))
    assert not result.report.looked_for_faces
    assert (result.report.tiles, result.report.upscaler) == (3, "fake upscaler")


def band_energy(pixels):
    """Energy between sigma 1 and 2 px in the middle 400×400."""
    y, x = pixels.shape[0] // 2, pixels.shape[1] // 2
    middle = pixels[y - 200 : y + 200, x - 200 : x + 200].astype(np.float32)
    return float(np.square(cv2.GaussianBlur(middle, (0, 0), 1) - cv2.GaussianBlur(middle, (0, 0), 2)).mean())


@pytest.mark.parametrize(("large_faces", "low", "high"), [("detail", 0.9, 1.3), ("auto", 0.9, 1.3), ("off", 0.0, 0.3)])
def test_a_face_of_a_thousand_pixels_stays_as_sharp_as_its_picture_with_detail(large_faces, low, high):
    picture = Picture(smooth_noise(1501, 1640, sigma=1.0))
    same = Level("same")  # what a perfect restorer of 512 px gives

    result = run(picture, face_at(820, 750, 2000), restorer=same, large_faces=large_faces)

    assert len(same.seen) == 1
    assert low <= band_energy(result.picture.pixels) / band_energy(picture.pixels) <= high


@pytest.mark.parametrize(("large_faces", "is_upsampled"), [("auto", True), ("upsample", True), ("detail", False)])
def test_a_large_place_gets_the_crop_through_the_upscaler_or_the_detail(picture, large_faces, is_upsampled):
    upscaler, face = Bilinear(), face_at(260, 180, 300)  # its place is 600 px
    plain = run(picture, face, upscaler=Bilinear(), scale=2, large_faces="off").picture.pixels

    result = run(picture, face, upscaler=upscaler, scale=2, large_faces=large_faces)

    crop_call = [((512, 512), np.uint16)] if is_upsampled else []
    assert upscaler.seen == [((384, 512), np.uint8), *crop_call]
    assert result.report.tiles == (6 if is_upsampled else 3)
    assert result.report.warnings == ("It was slow.",)
    # A bilinear resize adds nothing, so the face must lie where it lay: half a crop pixel would be 3 levels and more.
    apart = np.abs(result.picture.pixels.astype(int) - plain)
    assert apart.max() <= (2 if is_upsampled else 30)


def test_off_leaves_the_upscaler_to_the_picture_alone(picture):
    upscaler = Repeat()

    run(picture, face_at(260, 180, 300), upscaler=upscaler, scale=2, large_faces="off")

    assert [size for size, _ in upscaler.seen] == [(384, 512)]


def test_visibility_zero_with_a_scale_is_the_background_alone(picture):
    upscaler = Repeat()

    result = run(picture, face_at(260, 180, 300), upscaler=upscaler, scale=2, visibility=0.0)

    assert np.array_equal(result.picture.pixels, bare(picture, Repeat(), scale=2))
    assert len(upscaler.seen) == 1  # nobody sees the face, so it is not enlarged either


@pytest.mark.parametrize(("visibility", "seen"), [(1.0, 0.25), (0.0, None), (0.5, 0.125)])
def test_the_second_restorer_sees_what_the_first_shows(picture, visibility, seen):
    first, second = Level("first", 0.25), Level("second", 0.75)

    run(picture, face_at(260, 180, 120), restorer=first, second=second, visibility=visibility)

    expected = first.seen[0] if seen is None else first.seen[0] * (1 - visibility) + seen
    np.testing.assert_allclose(second.seen[0], expected, atol=1e-6)


def test_the_second_pass_lies_over_the_first(picture):
    tools = {"restorer": Level("first", 0.25), "second": Level("second", 0.75)}

    result = run(picture, face_at(260, 180, 120), **tools, second_visibility=0.5)

    # The nose, (257, 314) of the crop's 512, is wholly inside the mask: ¼, then half-way to ¾.
    assert np.abs(result.picture.pixels[194, 260] - 255 * 0.5).max() <= 1
    assert (result.report.restorer, result.report.second_restorer) == ("first", "second")
    (restored,) = result.restored  # one crop for each face, cut from the picture and not from the first pass
    assert restored.model == "second"
    np.testing.assert_array_equal(restored.crop.pixels, tools["restorer"].seen[0])


def test_second_visibility_zero_is_the_first_pass_alone(picture):
    face, second = face_at(260, 180, 120), Level("second", 0.75)
    alone = run(picture, face, restorer=Level("first", 0.25))

    result = run(picture, face, restorer=Level("first", 0.25), second=second, second_visibility=0.0)

    assert np.array_equal(result.picture.pixels, alone.picture.pixels)
    assert second.seen == []


def test_a_stop_while_the_picture_is_enlarged_goes_up(picture):
    class StopsAtOnce(NoProgress):
        def check(self):
            raise Interrupted

    with pytest.raises(Interrupted):
        pipeline.run(picture, Tools(None, None, upscaler=Repeat()), RestoreSettings(scale=2), StopsAtOnce())


@pytest.mark.parametrize("order", ["one pass", "upscale first", "restore first"])
def test_a_network_of_factor_one_cleans_once_in_every_order_and_is_reported(picture, order):
    cleaner = Repeat(1)
    tools = Tools(FakeDetector(face_at(300, 150, 120)), FakeRestorer(), upscaler=cleaner)

    result = pipeline.run(picture, tools, RestoreSettings(order=order))

    assert [size for size, _ in cleaner.seen] == [(384, 512)]
    assert (result.report.upscaler, result.report.tiles, result.report.scale) == ("fake upscaler", 3, 1.0)
    assert cleaner.used in result.report.models
    assert result.report.count("restored") == 1


@pytest.mark.parametrize("order", ["one pass", "restore first", "upscale first"])
def test_a_size_too_large_is_said_before_any_network_runs(order):
    detector, upscaler = Watching(face_at(60, 50, 40)), Repeat()
    tools = Tools(detector, FakeRestorer(), upscaler=upscaler)

    with pytest.raises(SizeTooLarge, match="at most"):
        pipeline.run(Picture(smooth_noise(96, 128)), tools, RestoreSettings(width=4096, order=order))

    assert detector.seen == upscaler.seen == []
