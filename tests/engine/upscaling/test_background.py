"""The enlarged picture: strengths and visibilities bit for bit, exact sizes, alpha and depth, what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from helpers.support import FakeDetector, FakeRestorer, face_at, psnr, smooth_noise
from lib_facerestore.engine import pipeline, sizes
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.ports import NoProgress, Tools, UpscaledPixels
from lib_facerestore.engine.upscaling import background, upscale_picture
from lib_facerestore.engine.upscaling.resize import resize_exact
from lib_facerestore.errors import SettingsError
from lib_facerestore.settings import RestoreSettings, setting_range


class FakeUpscaler:
    """Repeats the negative of every pixel: nothing like a resize, so that each mixture shows."""

    def __init__(self, scale=4, name="fake upscaler", warnings=()):
        self.used, self.scale, self.warnings = ModelUsed("upscaler", name, "2" * 64), scale, warnings
        self.seen = []

    def picture(self, pixels):
        negative = np.iinfo(pixels.dtype).max - pixels
        return np.repeat(np.repeat(negative, self.scale, 0), self.scale, 1)

    def upscale(self, pixels, progress):
        progress.check()
        self.seen.append(pixels.shape[:2])
        return UpscaledPixels(self.picture(pixels), 3, "fake device", self.warnings)


class Grey(FakeUpscaler):
    """One level everywhere."""

    def picture(self, pixels):
        return np.full((pixels.shape[0] * self.scale, pixels.shape[1] * self.scale, 3), 200, pixels.dtype)


def enlarge(picture, upscaler=None, second=None, **chosen):
    chosen = {"upscale_strength": 1.0, "restorer": "none", **chosen}
    tools = Tools(None, None, upscaler=upscaler, second_upscaler=second)
    settings = RestoreSettings(**chosen)
    plan = background.size_plan(picture.size_hw, settings, upscaler)
    return upscale_picture(picture, plan, tools, settings, NoProgress())


def levels_apart(a, b):
    return int(np.abs(a.astype(np.int64) - b).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strength_zero_is_the_plain_resize_and_runs_no_network(dtype):
    picture, upscaler = Picture(smooth_noise(96, 131, dtype=dtype)), FakeUpscaler()

    result = enlarge(picture, upscaler, scale=2.5, upscale_strength=0.0)

    assert np.array_equal(result.pixels, resize_exact(picture.pixels, (240, 328)))
    assert result.pixels.dtype == dtype
    assert (upscaler.seen, result.ran.tiles) == ([], 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("scale", "size_hw"), [(4.0, (384, 524)), (2.5, (240, 328))])
def test_strength_one_is_the_networks_picture(dtype, scale, size_hw):
    picture, upscaler = Picture(smooth_noise(96, 131, dtype=dtype)), FakeUpscaler()

    result = enlarge(picture, upscaler, scale=scale)

    assert np.array_equal(result.pixels, resize_exact(upscaler.picture(picture.pixels), size_hw))
    assert result.pixels.dtype == dtype
    assert result.pixels.flags.writeable  # faces are pasted on it
    assert (result.ran.tiles, result.ran.devices) == (3, ("fake device",))


def test_strength_one_half_is_the_mean(picture):
    plain = enlarge(picture, FakeUpscaler(), scale=1.5, upscale_strength=0.0).pixels.astype(int)
    network = enlarge(picture, FakeUpscaler(), scale=1.5).pixels

    result = enlarge(picture, FakeUpscaler(), scale=1.5, upscale_strength=0.5).pixels

    assert levels_apart(result, (plain + network) / 2) <= 1
    assert levels_apart(network, plain) > 50


@pytest.mark.parametrize(("visibility", "weight"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_second_upscaler_is_mixed_with_the_first_by_its_visibility(picture, visibility, weight):
    first, second = FakeUpscaler(), Grey(2)
    alone = enlarge(picture, FakeUpscaler(), scale=2).pixels.astype(float)

    result = enlarge(picture, first, second, scale=2, second_upscaler_visibility=visibility)

    error = levels_apart(result.pixels, alone + (200 - alone) * weight)
    assert error <= (0 if weight in (0, 1) else 1)
    assert len(second.seen) == (1 if visibility else 0)
    assert result.ran.tiles == (6 if visibility else 3)


def test_second_upscaler_is_mixed_with_the_plain_resize_where_the_first_is_lanczos(picture):
    plain = resize_exact(picture.pixels, (768, 1024)).astype(float)

    result = enlarge(picture, None, Grey(2), scale=2, second_upscaler_visibility=0.5)

    assert levels_apart(result.pixels, (plain + 200) / 2) <= 1


def test_alpha_is_resized_alongside_in_sixteen_bits():
    pixels, alpha = smooth_noise(60, 83, dtype=np.uint16), smooth_noise(60, 83, 1, dtype=np.uint16)[..., 0]

    result = enlarge(Picture(pixels, alpha), FakeUpscaler(), scale=1.37)

    assert result.pixels.shape == (82, 114, 3)  # 60 · 1.37 = 82.2, 83 · 1.37 = 113.71
    assert np.array_equal(result.alpha, resize_exact(alpha, (82, 114)))
    assert (result.pixels.dtype, result.alpha.dtype) == (np.uint16, np.uint16)


def test_a_crop_is_cut_at_the_end_and_faces_lie_where_they_lie_uncut(picture):
    cut_out = face_at(300, 150, 120)
    picture = Picture(picture.pixels, picture.pixels[..., 1].copy())
    tools = Tools(FakeDetector(cut_out), FakeRestorer(), upscaler=FakeUpscaler())
    whole = pipeline.run(picture, tools, RestoreSettings(scale=1.5625)).picture  # 600×800

    cut = pipeline.run(picture, tools, RestoreSettings(width=600, height=600, size_mode="crop")).picture

    assert cut.size_hw == (600, 600)
    assert np.array_equal(cut.pixels, whole.pixels[:, 100:700])
    assert np.array_equal(cut.alpha, whole.alpha[:, 100:700])
    bare = pipeline.run(picture, Tools(None, None, upscaler=FakeUpscaler()), RestoreSettings(scale=1.5625)).picture
    rows, columns = np.nonzero((cut.pixels != bare.pixels[:, 100:700]).any(axis=2))
    # The oval is symmetric about the eye-to-mouth line, x = 256 of 512: (300 + ½)·1.5625 − ½ − 100 = 369.
    assert abs((columns.min() + columns.max()) / 2 - 369) <= 2
    assert rows.max() < 2 * 150 * 1.5625


def test_the_ceiling_reduces_the_result_and_the_report_says_so(picture):
    settings = RestoreSettings(scale=4, ceiling_megapixels=1.0, restorer="none")

    result = pipeline.run(picture, Tools(None, None, upscaler=FakeUpscaler()), settings)

    # 4× would be 2048×1536; √(1e6 / (384·512)) = 2.255 gives 1154.7 and 866.
    assert result.picture.size_hw == (866, 1154)
    assert result.report.warnings == (
        "The size was reduced from 2048×1536 to 1154×866 px, because 1 megapixels is the limit.",
    )


@pytest.mark.parametrize("scale", [0.0, -2.0, math.nan, math.inf, 100.0])
def test_what_is_no_scale_gets_a_sentence(scale):
    with pytest.raises(SettingsError, match=r"^The setting scale cannot be .*: it must be a number from 0\.05 to 8\.$"):
        RestoreSettings(scale=scale)
    with pytest.raises(SettingsError, match=r"^The setting scale cannot be .*: it must be a number from 0\.05 to 8\.$"):
        sizes.target_size((384, 512), sizes.TargetSize(scale=scale))


@pytest.mark.parametrize("asked", [{"width": 20_000}, {"longest_side": 4097}, {"height": 32_767}])
def test_a_target_over_the_limit_is_refused_before_any_network_runs(picture, asked):
    upscaler = FakeUpscaler()

    with pytest.raises(SettingsError, match="at most 4096×3072 px for this picture"):
        enlarge(picture, upscaler, ceiling_megapixels=1000.0, **asked)

    assert upscaler.seen == []


@pytest.mark.parametrize(("size_hw", "expected"), [((67, 1), (221, 3)), ((1, 67), (3, 221)), ((1, 1), (3, 3))])
def test_a_picture_one_pixel_wide_is_enlarged(size_hw, expected):
    pixels = np.full((*size_hw, 3), 90, np.uint8)

    result = enlarge(Picture(pixels, pixels[..., 0].copy()), FakeUpscaler(), scale=3.3, upscale_strength=0.5)

    assert result.pixels.shape == (*expected, 3)
    assert result.alpha.shape == expected
    assert levels_apart(result.pixels, np.float64(127.5)) <= 1  # the mean of 90 and 255 − 90


@given(st.integers(1, 60), st.integers(1, 60), st.floats(1.01, 8.0))
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_fraction_gives_the_exact_rounded_size(height, width, scale):
    result = enlarge(Picture(np.zeros((height, width, 3), np.uint8)), FakeUpscaler(2), scale=scale)

    expected = math.floor(height * scale + 0.5), math.floor(width * scale + 0.5)
    assert result.pixels.shape[:2] == expected
    assert result.scale_xy == (expected[1] / width, expected[0] / height)


@pytest.mark.parametrize(
    ("asked", "size_hw"),
    [
        ({"scale": 1.37}, (526, 701)),  # 526.08, 701.44
        ({"width": 900, "height": 900}, (675, 900)),
        ({"width": 900, "height": 900, "size_mode": "crop"}, (900, 900)),
        ({"width": 700}, (525, 700)),
        ({"height": 500}, (500, 667)),
        ({"longest_side": 1000}, (750, 1000)),
        ({"longest_side": 256}, (192, 256)),
    ],
)
def test_each_way_to_ask_gives_its_size(picture, asked, size_hw):
    settings = RestoreSettings(restorer="none", **asked)

    result = pipeline.run(picture, Tools(None, None, upscaler=FakeUpscaler()), settings)

    assert result.picture.size_hw == result.report.size_hw == size_hw


@pytest.mark.parametrize(
    ("network", "scale", "seen"),
    [
        (2, 5, [(9, 13), (18, 26), (36, 52)]),
        (4, 4, [(9, 13)]),
        (4, 4.15, [(9, 13)]),
        (4, 1.2, [(9, 13)]),
        (1, 3, [(9, 13)]),
    ],
)
def test_the_network_runs_as_often_as_the_size_needs(network, scale, seen):
    upscaler = FakeUpscaler(network, warnings=("It was slow.",))

    result = enlarge(Picture(smooth_noise(9, 13)), upscaler, scale=scale)

    assert upscaler.seen == seen
    assert result.ran.tiles == 3 * len(seen)
    assert set(result.ran.warnings) == {"It was slow."}


def test_no_size_leaves_the_picture_to_be_written_on(picture):
    result = enlarge(picture, FakeUpscaler())

    assert np.array_equal(result.pixels, picture.pixels)
    assert not np.shares_memory(result.pixels, picture.pixels)
    assert (result.scale_xy, result.ran.tiles) == ((1.0, 1.0), 0)


class Sized(FakeUpscaler):
    """Resizes on the way."""

    def __init__(self, scale):
        super().__init__(scale)
        self.asked = []

    def upscale_to(self, pixels, size_hw, progress):
        self.asked.append((pixels.shape[:2], size_hw))
        return UpscaledPixels(resize_exact(self.picture(pixels), size_hw), 3, "fake device")


@pytest.mark.parametrize("strength", [1.0, 0.75])
def test_an_upscaler_that_can_resizes_in_its_last_pass(strength):
    picture, sized = Picture(smooth_noise(40, 61)), Sized(2)

    result = enlarge(picture, sized, scale=3, upscale_strength=strength)

    assert (sized.seen, sized.asked) == ([(40, 61)], [((80, 122), (120, 183))])
    expected = enlarge(picture, FakeUpscaler(2), scale=3, upscale_strength=strength)
    assert np.array_equal(result.pixels, expected.pixels)
    assert result.ran.tiles == expected.ran.tiles == 6


def test_mixing_writes_over_the_network_and_never_over_the_picture(picture):
    before = picture.pixels.copy()

    result = enlarge(picture, FakeUpscaler(1), Grey(1), scale=1.0, width=512, upscale_strength=0.5)

    assert np.array_equal(picture.pixels, before)
    assert not np.shares_memory(result.pixels, picture.pixels)


@pytest.mark.parametrize("strength", [1.0, 0.75])
def test_a_network_of_factor_one_runs_once_at_the_pictures_own_size(picture, strength):
    cleaner = FakeUpscaler(1)

    result = enlarge(picture, cleaner, upscale_strength=strength)

    assert cleaner.seen == [(384, 512)]
    wanted = picture.pixels + (255.0 - 2.0 * picture.pixels) * strength
    assert levels_apart(result.pixels, wanted) <= (0 if strength == 1 else 1)
    assert (result.scale_xy, result.ran.tiles) == ((1.0, 1.0), 3)


SMALLER = [{"scale": 0.37}, {"longest_side": 200}, {"width": 90}, {"height": 384},
           {"width": 500, "height": 20, "size_mode": "crop"}]  # fmt: skip


@pytest.mark.parametrize("asked", SMALLER)
def test_a_picture_that_does_not_grow_is_reduced_from_its_own_pixels(picture, asked):
    first, second = FakeUpscaler(4), FakeUpscaler(2)
    settings = RestoreSettings(restorer="none", upscale_strength=1.0, **asked)

    result = pipeline.run(picture, Tools(None, None, upscaler=first, second_upscaler=second), settings)

    plain = pipeline.run(picture, Tools(None, None), settings)
    assert (first.seen, second.seen) == ([], [])
    assert np.array_equal(result.picture.pixels, plain.picture.pixels)
    assert (result.report.tiles, result.report.models) == (0, ())
    assert result.report.upscaler == ("Lanczos" if result.picture.size_hw[0] < 384 else "")


def test_a_network_that_cleans_runs_before_a_reduction(picture):
    cleaner, enlarging = FakeUpscaler(1), FakeUpscaler(4)
    tools = Tools(None, None, upscaler=cleaner, second_upscaler=enlarging)
    settings = RestoreSettings(restorer="none", scale=0.5, upscale_strength=1.0)

    result = pipeline.run(picture, tools, settings)

    assert (cleaner.seen, enlarging.seen) == ([(384, 512)], [])
    assert np.array_equal(result.picture.pixels, resize_exact(255 - picture.pixels, (192, 256)))
    assert result.report.upscaler == cleaner.used.name


def test_a_face_larger_than_its_crop_is_not_enlarged_by_a_network_on_a_picture_that_shrinks():
    large = Picture(smooth_noise(1400, 1700))
    upscaler = FakeUpscaler(4)
    tools = Tools(FakeDetector(face_at(850, 700, 1200)), FakeRestorer(), upscaler=upscaler)

    result = pipeline.run(large, tools, RestoreSettings(scale=0.9))

    assert upscaler.seen == []
    assert result.report.count("restored") == 1


def test_orders_in_two_steps_still_enlarge_a_large_face_with_the_upscaler():
    upscaler = FakeUpscaler(2)
    tools = Tools(FakeDetector(face_at(350, 340, 640)), FakeRestorer(), upscaler=upscaler)

    pipeline.run(Picture(smooth_noise(690, 710)), tools, RestoreSettings(scale=1.5, order="restore first"))

    assert upscaler.seen == [(512, 512), (690, 710)]  # the face at the picture's own size, then the picture


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_report_names_an_upscaler_only_where_it_ran(picture, strength):
    upscaler = FakeUpscaler(2)
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=strength)

    report = pipeline.run(picture, Tools(None, None, upscaler=upscaler), settings).report

    assert report.upscaler == (upscaler.used.name if strength else "Lanczos")
    assert report.models == ((upscaler.used,) if strength else ())


def test_a_face_on_a_reduced_picture_is_the_restored_one_reduced():
    """A real reduction of the full-size result is the yardstick; the seam lies within a px of the mask's edge."""
    picture = Picture(smooth_noise(700, 900))
    tools = Tools(FakeDetector(face_at(450, 350, 380)), FakeRestorer(enlarged=2))

    small = pipeline.run(picture, tools, RestoreSettings(scale=0.3)).picture.pixels

    full = pipeline.run(picture, tools, RestoreSettings()).picture.pixels
    assert psnr(small, resize_exact(full, (210, 270))) > 45


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"width": 90, "longest_side": 80}, "longest_side cannot be 80: it must be 0 beside a width or height"),
        ({"scale": 2.0, "size_mode": "crop"}, "size_mode cannot be 'crop': it must be fit, unless both"),
        ({"height": 90, "size_mode": "crop"}, "size_mode cannot be 'crop': it must be fit, unless both"),
    ],
)
def test_a_size_for_no_picture_is_refused_before_one_is_read(chosen, said):
    with pytest.raises(SettingsError, match=said):
        background.check_size(RestoreSettings(**chosen))


@pytest.mark.parametrize("chosen", [{}, {"size_mode": "crop"}, {"width": 90}, {"scale": 2.0, "longest_side": 80}])
def test_sizes_that_some_picture_can_have_are_let_through(chosen):
    background.check_size(RestoreSettings(**chosen))


def test_the_limits_of_sizes_are_those_of_the_settings():
    assert (sizes.MIN_SCALE, sizes.MAX_SCALE) == setting_range("scale") == (0.05, 8.0)
    assert (
        setting_range("width")[1] == setting_range("height")[1] == setting_range("longest_side")[1] == sizes.MAX_SIDE_PX
    )
