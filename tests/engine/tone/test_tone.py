"""Grey stays grey, sepia stays sepia, colour stays colour: detection on real photographs and restored faces."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline, pixels
from lib_facerestore.engine.data import FloatPixels, ModelUsed, Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.engine.ports import Tools, UpscaledPixels
from lib_facerestore.engine.tone import Tone, tone_of
from lib_facerestore.settings import KeepTone, RestoreSettings

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
COLOUR = ["astronaut", "hopper", "montage_border", "montage_sizes"]
COLOUR_WITHOUT_FACES = ["coffee", "galaxies", "rocket"]
GREY = ["solvay_1927", "cameraman", "montage_angles"]
# The sepia of many picture editors, on linear weights of red, green and blue.
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def photograph(name: str, folder: str = "photographs") -> np.ndarray:
    with Image.open(SAMPLES / folder / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def sepia(rgb: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(rgb @ SEPIA.T), 0, 255).astype(np.uint8)


def as_jpeg(rgb: np.ndarray, quality: int, chroma: str = "4:2:0") -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=chroma)
    return decode(buffer.getvalue(), "a.jpg", ReadLimits())


class ColourfulRestorer(FakeRestorer):
    """Gives every face noise of all colours, as a network trained on colour photographs might."""

    def restore(self, crops, fidelity: float) -> list[FloatPixels]:
        return [np.random.default_rng(5).random(crop.pixels.shape, np.float32) for crop in crops]


def restored(picture: Picture, keep_tone: KeepTone) -> Picture:
    tools = Tools(FakeDetector(face_at(250, 190, 220)), ColourfulRestorer())
    settings = RestoreSettings(keep_tone=keep_tone)
    prepared = pipeline.prepare(picture, tools, settings)
    result = pipeline.finish(prepared, pipeline.choose_all(prepared, settings), tools, settings)
    assert result.report.count("restored") == 1
    return result.picture


def off_tone(rgb: np.ndarray, tone: Tone) -> float:
    """Levels by which colours differ from those of the tone at their brightness, on average."""
    return float(np.abs(rgb - tone.apply((rgb / 255).astype(np.float32)) * 255).mean())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_in_a_grey_file_all_channels_stay_equal_bit_for_bit(dtype):
    grey = np.repeat(smooth_noise(384, 512, dtype=dtype)[..., :1], 3, axis=2)
    picture = Picture(grey, is_grey=True)

    after = restored(picture, "auto").pixels

    assert not np.array_equal(after, grey)
    assert np.array_equal(after[..., 0], after[..., 1])
    assert np.array_equal(after[..., 0], after[..., 2])


@pytest.mark.parametrize("quality", [95, 90, 75])
@pytest.mark.parametrize("name", COLOUR + GREY)
def test_a_sepia_photograph_is_toned_at_every_usual_quality(name, quality):
    assert tone_of(as_jpeg(sepia(photograph(name)), quality), "auto") is not None


@pytest.mark.parametrize("name", GREY)
def test_a_grey_photograph_saved_as_colour_is_toned(name):
    assert tone_of(Picture(photograph(name)), "auto") is not None


@pytest.mark.parametrize(
    ("name", "folder"),
    [(name, "photographs") for name in COLOUR] + [(name, "faceless") for name in COLOUR_WITHOUT_FACES],
)
def test_a_colour_photograph_has_no_tone(name, folder):
    assert tone_of(Picture(photograph(name, folder)), "auto") is None


def test_on_takes_colour_for_toned_and_off_takes_sepia_for_colour():
    colour, toned = Picture(photograph("hopper")), Picture(sepia(photograph("hopper")))

    assert tone_of(colour, "on") is not None
    assert tone_of(toned, "off") is None
    assert tone_of(Picture(np.zeros((42, 60, 3), np.uint8), is_grey=True), "off") is None


def test_a_colourful_face_takes_the_tone_of_a_sepia_picture():
    picture = as_jpeg(sepia(photograph("astronaut")), 95, "4:4:4")

    kept, lost = (restored(picture, keep).pixels for keep in ("auto", "off"))

    changed = (kept != picture.pixels).any(axis=2)
    red_over_blue = kept[changed].astype(float).mean(axis=0)
    assert changed.sum() > 10_000
    tone = tone_of(picture, "auto")
    # Where the mask is soft, light and dark are mixed, and sepia's mixtures are not quite sepia's colours.
    assert off_tone(kept[changed], tone) < 2
    assert off_tone(lost[changed], tone) > 10
    # SEPIA's white has 0.937 as much blue as red before clipping to 255; its mid grey 0.937 / 1.351.
    assert red_over_blue[2] / red_over_blue[0] == pytest.approx(0.937 / 1.351, abs=0.06)


def test_a_tone_gives_back_the_colours_it_was_made_of():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    tone = Tone(np.concatenate([ramp**0.8, ramp, ramp**1.3], axis=1))

    found = tone.apply(np.full((1, 3), 100 / 255, np.float32))

    assert np.allclose(found, tone.colours[100], atol=1e-5)


def test_a_sepia_file_comes_back_sepia_from_a_file(tmp_path):
    source = tmp_path / "old.jpg"
    pixels.write(Picture(sepia(photograph("hopper"))), source)

    after = restored(pixels.read(source), "auto")
    pixels.write(after, tmp_path / "new.jpg")

    tone = tone_of(pixels.read(source), "auto")
    face = np.s_[140:240, 200:300]
    assert off_tone(pixels.read(tmp_path / "new.jpg").pixels[face], tone) < 2
    assert off_tone(restored(pixels.read(source), "off").pixels[face], tone) > 10


def test_a_grey_file_whose_tone_is_not_kept_becomes_a_colour_picture():
    grey = Picture(np.repeat(smooth_noise(384, 512)[..., :1], 3, axis=2), is_grey=True)

    after = restored(grey, "off")

    assert not np.array_equal(after.pixels[..., 0], after.pixels[..., 1])
    assert not after.is_grey  # a writer takes one channel of a grey picture, and the colours would be lost


class TintingUpscaler:
    """Doubles a picture and tints it, as a network trained on colour photographs might."""

    used, scale = ModelUsed("upscaler", "tinting", "3" * 64), 2

    def upscale(self, pixels, progress):
        doubled = np.repeat(np.repeat(pixels, 2, 0), 2, 1).astype(np.float32) * (1.0, 0.9, 0.7)
        return UpscaledPixels(np.rint(doubled).astype(pixels.dtype), 1, "cpu")


@pytest.mark.parametrize("keep_tone", ["auto", "on"])
def test_an_upscaler_does_not_tint_a_grey_file(keep_tone):
    grey = Picture(np.repeat(smooth_noise(96, 131)[..., :1], 3, axis=2), is_grey=True)
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=1.0, keep_tone=keep_tone)

    after = pipeline.run(grey, Tools(None, None, upscaler=TintingUpscaler()), settings).picture

    assert after.is_grey
    assert np.array_equal(after.pixels[..., 0], after.pixels[..., 1])
    assert np.array_equal(after.pixels[..., 0], after.pixels[..., 2])


def test_a_second_upscaler_alone_does_not_tint_a_grey_file():
    grey = Picture(np.repeat(smooth_noise(96, 131)[..., :1], 3, axis=2), is_grey=True)
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=1.0, second_upscaler_visibility=0.5)

    after = pipeline.run(grey, Tools(None, None, second_upscaler=TintingUpscaler()), settings).picture

    assert after.is_grey
    assert np.array_equal(after.pixels[..., 0], after.pixels[..., 2])


def test_an_upscaler_keeps_the_tone_of_a_sepia_picture():
    toned = Picture(sepia(np.repeat(smooth_noise(96, 131)[..., :1], 3, axis=2)))
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=1.0)

    after = pipeline.run(toned, Tools(None, None, upscaler=TintingUpscaler()), settings).picture

    blue_to_red = [np.median(p.pixels[..., 2] / np.maximum(p.pixels[..., 0], 1)) for p in (toned, after)]
    assert blue_to_red[1] == pytest.approx(blue_to_red[0], abs=0.02)


def test_a_grey_file_upscaled_without_keeping_its_tone_becomes_a_colour_picture():
    grey = Picture(np.repeat(smooth_noise(96, 131)[..., :1], 3, axis=2), is_grey=True)
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=1.0, keep_tone="off")

    assert not pipeline.run(grey, Tools(None, None, upscaler=TintingUpscaler()), settings).picture.is_grey
