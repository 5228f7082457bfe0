"""An upscaler of a host behind our port, the host being a fake: depth, size, stops, and results that are none."""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from PIL import Image, ImageOps

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.ports import NoProgress
from lib_facerestore.errors import InferenceFailed, Interrupted, SettingsError
from lib_facerestore.models.adapters.other_upscaler import OtherUpscaler
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

HEIGHT, WIDTH = 48, 64


class Others:
    """One upscaler that inverts and doubles as often as it must, then rounds sides down to multiples of 8."""

    def __init__(self, file=None):
        self._file, self.factors = file, []

    def names(self):
        return ("Theirs",)

    def scale(self, name):
        return 2

    def file(self, name):
        return self._file

    def device(self):
        return "mps"

    def upscale(self, name, image, scale):
        self.factors.append(scale)
        assert image.mode == "RGB"
        width, height = (int(side * scale // 8 * 8) for side in image.size)
        return ImageOps.invert(image).resize((width, height), Image.Resampling.BICUBIC)


class Stopped(NoProgress):
    """Stops at the n-th question."""

    def __init__(self, at):
        self.left = at

    def check(self):
        self.left -= 1
        if self.left == 0:
            raise Interrupted


@pytest.fixture
def pixels():
    return smooth_noise(HEIGHT, WIDTH)


def adapter(others):
    return OtherUpscaler("Theirs", "", others, "cpu")


@pytest.mark.parametrize("size_hw", [(96, 128), (66, 88), (101, 135), (30, 40)])
def test_size_is_exact_and_the_host_is_asked_once(pixels, size_hw):
    others = Others()

    done = adapter(others).upscale_to(pixels, size_hw, NoProgress())

    assert done.pixels.shape == (*size_hw, 3)
    assert done.pixels.flags.writeable
    assert others.factors == [pytest.approx(max(1, size_hw[0] / HEIGHT, size_hw[1] / WIDTH))]
    assert (done.tiles, done.warnings) == (1, ())


@pytest.mark.parametrize(("width", "asked"), [(128, 2), (133, 2), (136, 136 / 64), (96, 1.5)])
def test_a_hair_above_its_factor_the_host_is_asked_for_one_pass(pixels, width, asked):
    others = Others()
    size_hw = (round(HEIGHT * width / WIDTH), width)

    made = OtherUpscaler("Theirs", "", others, "cpu").upscale_to(pixels, size_hw, NoProgress())

    assert made.pixels.shape == (*size_hw, 3)
    assert others.factors == [pytest.approx(asked, rel=1e-6)]


def test_result_is_the_hosts_to_the_bit_where_its_size_fits(pixels):
    done = adapter(Others()).upscale_to(pixels, (96, 128), NoProgress())

    assert np.array_equal(done.pixels, np.asarray(Others().upscale("Theirs", Image.fromarray(pixels), 2)))


def test_sixteen_bits_pass_through_eight_and_that_is_said(pixels):
    deep = pixels.astype(np.uint16) * 257

    done = adapter(Others()).upscale_to(deep, (96, 128), NoProgress())
    face = adapter(Others()).upscale(deep, NoProgress())

    assert done.pixels.dtype == np.uint16
    assert np.array_equal(done.pixels, adapter(Others()).upscale(pixels, NoProgress()).pixels.astype(np.uint16) * 257)
    assert done.warnings == ("Theirs works with 8 bits per channel; the picture's 16 bits passed through them.",)
    assert face.warnings == ()


@pytest.mark.parametrize("at", [1, 2])
def test_stop_before_or_meanwhile_is_heeded(pixels, at):
    others = Others()

    with pytest.raises(Interrupted):
        adapter(others).upscale_to(pixels, (96, 128), Stopped(at))
    assert len(others.factors) == at - 1


def test_resize_in_place_of_a_network_is_a_failure(pixels):
    others = Others()
    others.upscale = lambda name, image, scale: image.resize((128, 96), Image.Resampling.LANCZOS)

    with pytest.raises(InferenceFailed, match="only resized the picture"):
        adapter(others).upscale_to(pixels, (96, 128), NoProgress())


@pytest.mark.parametrize("colour", [(0, 0, 0), (90, 120, 30)])
def test_picture_of_one_colour_is_no_failure(colour):
    others = Others()
    others.upscale = lambda name, image, scale: image.resize((128, 96), Image.Resampling.LANCZOS)
    plain = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)

    done = adapter(others).upscale_to(plain, (96, 128), NoProgress())

    assert (done.pixels == colour).all()


def test_result_that_is_no_image_is_a_failure(pixels):
    others = Others()
    others.upscale = lambda name, image, scale: torch.zeros(3)

    with pytest.raises(InferenceFailed, match="the WebUI gave Tensor, which is no image"):
        adapter(others).upscale_to(pixels, (96, 128), NoProgress())


def run(runtime, others, **more):
    session = Session(dataclasses.replace(runtime, other_upscalers=others))
    settings = RestoreSettings(**{"restorer": "none", "scale": 2.0, "upscale_strength": 1.0, **more})
    (result,) = session.restore([Picture(smooth_noise(HEIGHT, WIDTH))], settings)
    return result


def test_report_names_the_upscaler_and_the_hash_of_its_file(runtime, tmp_path):
    file = tmp_path / "theirs.bin"
    file.write_bytes(b"their weights")
    runtime = dataclasses.replace(runtime, cache_folder=tmp_path / "converted")

    known, unknown = (run(runtime, Others(place), upscaler="Theirs").report for place in (file, None))

    assert (known.upscaler, known.tiles, known.device) == ("Theirs", 1, "mps")
    assert [model.sha256 for model in known.models] == [hashlib.sha256(b"their weights").hexdigest()]
    assert [model.sha256 for model in unknown.models] == [""]


def test_file_that_is_ours_too_is_run_by_us(runtime, tmp_path):
    folder = tmp_path / "ESRGAN"
    folder.mkdir()
    torch.manual_seed(1)
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, folder / "mine.pth")
    (tmp_path / "link").symlink_to(folder)
    runtime = dataclasses.replace(runtime, folders=(folder,), cache_folder=tmp_path / "converted")
    others = Others(tmp_path / "link" / "mine.pth")

    result = run(runtime, others, upscaler="Theirs")

    assert result.report.upscaler == "mine"
    assert others.factors == []


def test_at_its_own_size_a_picture_is_not_given_to_the_host(runtime):
    others = Others()

    result = run(runtime, others, upscaler="Theirs", scale=1.0)

    assert (result.report.upscaler, others.factors) == ("", [])


def test_name_that_nobody_knows_is_an_error(runtime):
    with pytest.raises(SettingsError, match="upscaler cannot be 'Nobody'"):
        run(runtime, Others(), upscaler="Nobody")
