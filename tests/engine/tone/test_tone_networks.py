"""Tones with the real embedded networks: a portrait on a page, a stamped page, sepia. What fakes show is elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.tone_pages import LUMA, grey, paper, photograph, sepia, signed, smaller, stamped, with_photograph
from lib_facerestore.engine.data import Picture
from lib_facerestore.settings import RestoreSettings

SMALL = "Real-ESRGAN animevideov3 (embedded)"
# The astronaut's head, 192×220 px, at half its size.
HEAD = np.s_[0:220, 128:320]


def head(make=lambda rgb: rgb) -> np.ndarray:
    return smaller(make(photograph("astronaut")[HEAD]), 0.5)


def run(session, rgb: np.ndarray, **chosen):
    (result,) = session.restore([Picture(rgb)], RestoreSettings(**chosen))
    return result


def chroma(rgb: np.ndarray) -> np.ndarray:
    return rgb.max(axis=2).astype(int) - rgb.min(axis=2)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=2)


def test_a_colour_portrait_on_a_page_stays_in_colour(session):
    page = with_photograph(paper(500, 420), head(), 300, 30)

    result = run(session, page, min_face_px=16)

    assert result.report.count("restored") == 1
    assert result.report.toned_faces == 0
    face = changed(page, result.picture.pixels)
    assert chroma(result.picture.pixels)[face].mean() > 0.9 * chroma(page)[face].mean()


def test_a_sepia_portrait_on_a_stamped_page_stays_sepia(session):
    page = stamped(with_photograph(paper(500, 420), head(sepia), 300, 30), 100, 100)

    result = run(session, page, min_face_px=16)

    assert (result.report.count("restored"), result.report.toned_faces) == (1, 1)
    after = result.picture.pixels
    face = changed(page, after)
    ramp = sepia(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))[0].astype(float)
    expected = np.stack([np.interp(after[face] @ LUMA, ramp @ LUMA, ramp[:, c]) for c in range(3)], axis=1)
    assert np.abs(after[face] - expected).mean() < 3
    assert np.array_equal(after[60:140, 60:140], page[60:140, 60:140])


def test_a_stamp_stays_red_and_a_signature_blue_while_words_stay_grey(session):
    page = signed(stamped(grey(paper(320, 300)), 250, 60, radius=12), 40, 60)
    settings = {"restorer": "none", "upscaler": SMALL, "scale": 2.0, "upscale_strength": 1.0}

    kept, off = (run(session, page, keep_tone=keep, **settings).picture.pixels for keep in ("auto", "off"))

    for part in (np.s_[90:150, 470:530], np.s_[90:150, 75:265]):
        assert np.abs(kept[part].astype(int) - off[part]).max() <= 3
        assert chroma(kept[part]).max() > 150
    assert chroma(kept[400:560, 100:500]).max() == 0
    assert chroma(off[400:560, 100:500]).max() > 5


@pytest.mark.parametrize("keep", ["auto", "on"])
def test_an_upscaled_sepia_photograph_is_sepia(session, keep):
    settings = {"restorer": "none", "upscaler": SMALL, "scale": 2.0, "upscale_strength": 1.0}

    result = run(session, head(sepia), keep_tone=keep, **settings)

    assert result.report.toned_part == 1.0
    after = result.picture.pixels.reshape(-1, 3)
    ramp = sepia(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))[0].astype(float)
    expected = np.stack([np.interp(after @ LUMA, ramp @ LUMA, ramp[:, c]) for c in range(3)], axis=1)
    assert np.abs(after - expected).mean() < 2
