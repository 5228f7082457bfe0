"""Pages, graphics, duotones, sepia, hand-tinted photographs: which faces and parts keep a tone, which their colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from helpers.support import FakeDetector, face_at
from helpers.tone_pages import (
    RED,
    ColourfulRestorer,
    Page,
    TintingUpscaler,
    duotone,
    faded,
    flag,
    grey,
    grey_wall_with_skin,
    jpeg,
    night,
    paper,
    photograph,
    pixel_art,
    sepia,
    signed,
    smaller,
    stamped,
    tinted,
    with_photograph,
)
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.ports import Tools
from lib_facerestore.engine.report import to_plain
from lib_facerestore.settings import KeepTone, RestoreSettings

# Where the faces are: x, y and side of the square that a network sees. The photographs are 512×440 and 512×600.
ASTRONAUT, HOPPER = (224, 107, 176), (264, 202, 339)
Make = Callable[[np.ndarray], np.ndarray]


def same(rgb: np.ndarray) -> np.ndarray:
    return rgb


navy_cream, plum_gold, green_white, black_cyan = (
    partial(duotone, dark=dark, light=light)
    for dark, light in [
        ((15, 20, 80), (255, 235, 200)),
        ((60, 10, 70), (255, 200, 60)),
        ((10, 70, 40), (250, 255, 250)),
        ((0, 0, 0), (120, 250, 255)),
    ]
)


def astronaut(make: Make = same) -> np.ndarray:
    return make(photograph("astronaut"))


def hopper(make: Make = same) -> np.ndarray:
    return make(photograph("hopper"))


def on_page(make: Make, factor: float = 0.75, **page) -> np.ndarray:
    """The astronaut, 384×330 at three quarters, at (60, 40) of a page of 1000×1100 px."""
    return with_photograph(paper(1100, 1000, **page), smaller(astronaut(make), factor), 60, 40)


def moved(face: tuple[int, int, int], factor: float, x: int, y: int) -> tuple[int, int, int]:
    return round(x + face[0] * factor), round(y + face[1] * factor), round(face[2] * factor)


ON_PAGE = moved(ASTRONAUT, 0.75, 60, 40)
IN_PHOTO, IN_WORDS = (130, 110, 370, 300), (100, 700, 800, 1000)
STAMP, SIGNATURE = (770, 270, 830, 330), (700, 400, 800, 440)


def stamped_page(make: Make, **page) -> np.ndarray:
    return signed(stamped(on_page(make, **page), 800, 300), 705, 420)


def two_photographs() -> np.ndarray:
    return with_photograph(on_page(sepia), smaller(hopper(), 0.7), 560, 40)


def face_untouched() -> np.ndarray:
    return tinted(astronaut(grey), (110, 380, 45), (390, 330, 45))


def framed() -> np.ndarray:
    return with_photograph(flag(700, 780, (150, 30, 40)), astronaut(sepia), 134, 130)


def contrast(make: Make, share: float) -> np.ndarray:
    """A print that has faded: blacks and whites drawn to a light grey, then toned."""
    pale = np.rint(150 + share * (astronaut(grey).astype(float) - 150)).astype(np.uint8)
    return make(pale)


WHOLE_ASTRONAUT, WHOLE_HOPPER = (0, 0, 512, 440), (0, 0, 512, 600)

TONED: dict[str, tuple[Make, Page]] = {
    "a grey photograph": (grey, Page(partial(astronaut, grey), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,))),
    "another grey photograph": (grey, Page(partial(hopper, grey), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "a grey photograph as JPEG": (grey, Page(lambda: jpeg(hopper(grey), 60), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "sepia": (sepia, Page(partial(astronaut, sepia), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,))),
    "sepia as JPEG 90": (
        sepia,
        Page(lambda: jpeg(astronaut(sepia), 90), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,)),
    ),
    "sepia as JPEG 75": (sepia, Page(lambda: jpeg(hopper(sepia), 75), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "sepia as JPEG 50": (sepia, Page(lambda: jpeg(hopper(sepia), 50), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "small sepia": (
        sepia,
        Page(lambda: smaller(astronaut(sepia), 0.35), moved(ASTRONAUT, 0.35, 0, 0), True, toned=((0, 0, 179, 154),)),
    ),
    "small sepia as JPEG": (
        sepia,
        Page(
            lambda: jpeg(smaller(astronaut(sepia), 0.5), 85),
            moved(ASTRONAUT, 0.5, 0, 0),
            True,
            toned=((0, 0, 256, 220),),
        ),
    ),
    "faded sepia": (sepia, Page(partial(contrast, sepia, 0.45), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,))),
    "navy and cream": (
        navy_cream,
        Page(partial(astronaut, navy_cream), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,)),
    ),
    "plum and gold": (plum_gold, Page(partial(hopper, plum_gold), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "green and white": (green_white, Page(partial(hopper, green_white), HOPPER, True, toned=(WHOLE_HOPPER,))),
    "black and cyan": (black_cyan, Page(partial(astronaut, black_cyan), ASTRONAUT, True, toned=(WHOLE_ASTRONAUT,))),
    "a duotone as JPEG": (
        navy_cream,
        Page(lambda: jpeg(hopper(navy_cream), 75), HOPPER, True, toned=(WHOLE_HOPPER,)),
    ),
    "sepia on a stamped page": (
        sepia,
        Page(partial(stamped_page, sepia), ON_PAGE, True, keeps=(STAMP, SIGNATURE), toned=(IN_PHOTO,)),
    ),
    "sepia on a stamped page as JPEG": (
        sepia,
        Page(lambda: jpeg(stamped_page(sepia), 90), ON_PAGE, True, keeps=(STAMP, SIGNATURE), toned=(IN_PHOTO,)),
    ),
    "a duotone on a stamped page": (
        plum_gold,
        Page(partial(stamped_page, plum_gold), ON_PAGE, True, keeps=(STAMP, SIGNATURE), toned=(IN_PHOTO,)),
    ),
    "grey on a stamped page": (
        grey,
        Page(partial(stamped_page, grey), ON_PAGE, True, keeps=(STAMP, SIGNATURE), toned=(IN_PHOTO, IN_WORDS)),
    ),
    "grey on a stamped page as JPEG": (
        grey,
        Page(lambda: jpeg(stamped_page(grey), 85), ON_PAGE, True, keeps=(STAMP, SIGNATURE), toned=(IN_PHOTO, IN_WORDS)),
    ),
    "sepia beside a colour photograph": (
        sepia,
        Page(two_photographs, ON_PAGE, True, keeps=((640, 140, 840, 330),), toned=(IN_PHOTO,)),
    ),
    "hand-tinted, but not the face": (
        grey,
        Page(face_untouched, ASTRONAUT, True, keeps=((70, 340, 150, 420), (350, 290, 430, 370))),
    ),
    "sepia in a red frame": (
        sepia,
        Page(framed, moved(ASTRONAUT, 1, 134, 130), True, keeps=((0, 0, 100, 700),), toned=((260, 250, 520, 450),)),
    ),
}

COLOUR: dict[str, Page] = {
    "a colour photograph": Page(astronaut, ASTRONAUT, keeps=(WHOLE_ASTRONAUT,)),
    "another colour photograph": Page(hopper, HOPPER, keeps=(WHOLE_HOPPER,)),
    "a colour photograph as JPEG 40": Page(lambda: jpeg(hopper(), 40), HOPPER, keeps=(WHOLE_HOPPER,)),
    "a faded photograph": Page(lambda: faded(astronaut(), 0.3), ASTRONAUT, keeps=(WHOLE_ASTRONAUT,)),
    "another faded photograph": Page(lambda: faded(hopper(), 0.3), HOPPER, keeps=(WHOLE_HOPPER,)),
    "a portrait on a page": Page(partial(on_page, same), ON_PAGE, keeps=(IN_PHOTO,)),
    "a small portrait on a page": Page(
        partial(on_page, same, 0.15), moved(ASTRONAUT, 0.15, 60, 40), keeps=((60, 40, 136, 106),)
    ),
    "a portrait on a page as JPEG": Page(lambda: jpeg(on_page(same), 75), ON_PAGE, keeps=(IN_PHOTO,)),
    "a portrait on a black page": Page(partial(on_page, same, colour=(0, 0, 0)), ON_PAGE, keeps=(IN_PHOTO,)),
    "a portrait on a cream page": Page(partial(on_page, same, colour=(250, 244, 228)), ON_PAGE, keeps=(IN_PHOTO,)),
    "colour beside sepia": Page(two_photographs, moved(HOPPER, 0.7, 560, 40), keeps=((640, 140, 840, 330),)),
    "a page with a stamp": Page(
        lambda: stamped(paper(160, 200, lines=True), 130, 40, radius=9), keeps=((118, 28, 142, 52),)
    ),
    "a page with a signature": Page(lambda: signed(paper(600, 420), 100, 80), keeps=((95, 60, 200, 100),)),
    "a page with many stamps": Page(
        lambda: stamped(stamped(paper(500, 700), 80, 60), 300, 120, (20, 120, 60)),
        keeps=((50, 30, 110, 90), (270, 90, 330, 150)),
    ),
    "a grey page with red words": Page(
        lambda: with_photograph(paper(500, 700, (190, 190, 190)), flag(30, 200, RED), 200, 80),
        keeps=((200, 80, 400, 110),),
    ),
    "three stripes": Page(
        partial(flag, 400, 610, (0, 35, 149), (255, 255, 255), (237, 41, 57)),
        (200, 200, 150),
        keeps=((0, 0, 203, 400), (407, 0, 610, 400)),  # white stays white
    ),
    "three other stripes": Page(
        partial(flag, 400, 610, (0, 0, 0), (221, 0, 0), (255, 206, 0)), (300, 200, 250), keeps=((0, 0, 610, 400),)
    ),
    "a red square on white": Page(
        lambda: with_photograph(paper(400, 610, (255, 255, 255), lines=False), flag(200, 220, RED), 195, 100),
        (300, 200, 280),
        keeps=((195, 100, 415, 300),),
    ),
    "pixel art": Page(partial(pixel_art, 320, 480, 1), (240, 160, 200), keeps=((0, 0, 480, 320),)),
    "finer pixel art": Page(partial(pixel_art, 320, 480, 7, 4), (240, 160, 200), keeps=((0, 0, 480, 320),)),
    "skin before a grey wall": Page(
        partial(grey_wall_with_skin, 400, 520), (260, 200, 300), keeps=((190, 100, 330, 300),)
    ),
    "skin before a grey wall, closer": Page(
        partial(grey_wall_with_skin, 400, 520), (260, 200, 180), keeps=((190, 100, 330, 300),)
    ),
    "hand-tinted cheeks": Page(
        lambda: tinted(astronaut(grey), (200, 125, 14), (250, 125, 14)),
        ASTRONAUT,
        keeps=((186, 111, 214, 139), (236, 111, 264, 139)),
    ),
    "hand-tinted sepia": Page(
        lambda: tinted(hopper(sepia), (215, 240, 28), (310, 240, 28)),
        HOPPER,
        keeps=((195, 220, 235, 260), (290, 220, 330, 260)),
    ),
    "night": Page(lambda: night(astronaut()), ASTRONAUT, keeps=((40, 40, 80, 80),)),
    "coffee": Page(partial(photograph, "coffee", "faceless"), keeps=((0, 0, 600, 400),)),
}


def restored(rgb: np.ndarray, face: tuple[int, int, int], keep_tone: KeepTone):
    tools = Tools(FakeDetector(face_at(*face)), ColourfulRestorer())
    return pipeline.run(Picture(rgb), tools, RestoreSettings(keep_tone=keep_tone, mask="feather"))


def upscaled(rgb: np.ndarray, keep_tone: KeepTone):
    settings = RestoreSettings(restorer="none", scale=2.0, upscale_strength=1.0, keep_tone=keep_tone)
    return pipeline.run(Picture(rgb), Tools(None, None, upscaler=TintingUpscaler()), settings)


def doubled(part: tuple[int, int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = (2 * edge for edge in part)
    return np.s_[top:bottom, left:right]


def off_tone(rgb: np.ndarray, make: Make) -> float:
    """Levels by which colours differ from what `make` gives for their brightness, on average."""
    ramp = make(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))[0].astype(float)
    luma = np.array([0.299, 0.587, 0.114])
    expected = [np.interp(rgb @ luma, ramp @ luma, ramp[:, channel]) for channel in range(3)]
    return float(np.abs(rgb - np.stack(expected, axis=-1)).mean())


def middle(face: tuple[int, int, int]) -> tuple[slice, slice]:
    """Where the mask is 1: half of the square."""
    x, y, side = face
    return np.s_[y - side // 4 : y + side // 4, x - side // 4 : x + side // 4]


@pytest.mark.parametrize("name", TONED)
def test_a_face_keeps_the_tone_of_its_own_place(name):
    make, page = TONED[name]
    before = page.make()

    kept, lost = (restored(before, page.face, keep) for keep in ("auto", "off"))

    here = middle(page.face)
    assert (kept.report.toned_faces, lost.report.toned_faces) == (1, 0)
    assert off_tone(kept.picture.pixels[here], make) < 5
    assert off_tone(lost.picture.pixels[here], make) > 12
    changed = (kept.picture.pixels != before).any(axis=2)
    assert not (changed & ~(lost.picture.pixels != before).any(axis=2)).sum() > 0.02 * changed.sum()


@pytest.mark.parametrize("name", [name for name, page in COLOUR.items() if page.face])
def test_a_face_among_colours_is_left_to_its_network(name):
    page = COLOUR[name]
    before = page.make()

    kept, off = (restored(before, page.face, keep) for keep in ("auto", "off"))

    assert kept.report.toned_faces == 0
    assert np.array_equal(kept.picture.pixels, off.picture.pixels)


@pytest.mark.parametrize("name", [name for name, (_, page) in TONED.items() if page.toned])
def test_an_upscaler_leaves_a_toned_part_in_its_tone(name):
    make, page = TONED[name]

    kept, lost = (upscaled(page.make(), keep) for keep in ("auto", "off"))

    assert kept.report.toned_part > 0.1
    for part in page.toned:
        assert off_tone(lost.picture.pixels[doubled(part)], make) > 5
        assert off_tone(kept.picture.pixels[doubled(part)], make) < 3


@pytest.mark.parametrize("name", [*(name for name, (_, page) in TONED.items() if page.keeps), *COLOUR])
def test_upscaled_colour_is_what_the_network_made_of_it(name):
    page = COLOUR.get(name) or TONED[name][1]

    kept, off = (upscaled(page.make(), keep).picture.pixels.astype(int) for keep in ("auto", "off"))

    for part in page.keeps:
        assert np.abs(kept[doubled(part)] - off[doubled(part)]).max() <= 3


def test_the_edge_of_a_toned_part_is_soft():
    page = signed(paper(600, 420), 100, 80)

    shift = np.abs(np.diff(upscaled(page, "auto").picture.pixels[40:130, :, 2].astype(int), axis=1))
    off = np.abs(np.diff(upscaled(page, "off").picture.pixels[40:130, :, 2].astype(int), axis=1))

    # From the tint to grey blue rises by 252·0.3 less what brightness loses, over 64 px: about a level for each.
    assert (shift - off).max() <= 2


def test_sixteen_bits_of_a_stamped_page_keep_their_colour_and_their_tone():
    page = stamped_page(grey).astype(np.uint16) * 257

    kept, off = (upscaled(page, keep).picture.pixels.astype(int) for keep in ("auto", "off"))

    assert np.abs(kept[doubled(STAMP)] - off[doubled(STAMP)]).max() == 0
    inside = kept[doubled(IN_PHOTO)]
    assert (inside.max(axis=2) - inside.min(axis=2)).max() <= 1


def test_a_toned_report_says_so_as_plain_data():
    page, (_, faces) = stamped_page(sepia), TONED["sepia on a stamped page"]

    plain: dict[str, Any] = to_plain(restored(page, faces.face, "auto").report)
    larger: dict[str, Any] = to_plain(upscaled(page, "auto").report)

    assert (plain["toned_faces"], plain["toned_part"]) == (1, 0.0)
    assert larger["toned_faces"] == 0
    assert 0.3 < larger["toned_part"] < 1
    assert "tone" not in plain["status"]


def test_there_are_forty_pages():
    assert len(TONED) + len(COLOUR) >= 40
