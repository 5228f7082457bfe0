"""Hostile files: for each a sentence or a whole picture, in bounded memory; no picture is half decoded in silence."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.pixel_files import hostile
from helpers.pixel_files.format_rows import ICC, ROWS
from helpers.pixel_files.hostile import SMALL, saved
from lib_facerestore.cli import main
from lib_facerestore.engine import pixels
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

ROOT = Path(__file__).resolve().parents[3]
TOO_LARGE, DAMAGED, LONG_TEXT = "; raise it with --max-megapixels", "is damaged: ", "its text is longer than"
FRAMES, CMYK = "Only the first of 4 frames was taken.", "CMYK was converted to RGB"
HUNDRED_MB = 100_000_000
# name, file, what the sentence says
REFUSED = [
    ("bomb.png", lambda: hostile.png(40_000, 40_000, zeros=10_000_000), TOO_LARGE),
    ("bomb-within-limit.png", lambda: hostile.png(14_000, 14_000, zeros=10_000), DAMAGED),
    ("bomb-within-limit-16.png", lambda: hostile.png(10_000, 10_000, 16, zeros=10_000), DAMAGED),
    ("header.png", lambda: hostile.png(65_535, 65_535, zeros=1000), TOO_LARGE),
    ("header-16.png", lambda: hostile.png(65_535, 65_535, 16, zeros=1000), TOO_LARGE),
    ("header.bmp", lambda: hostile.bmp(65_535, 65_535), TOO_LARGE),
    ("header.tif", lambda: hostile.tiff(65_535, 65_535), TOO_LARGE),
    ("header-within-limit.tif", lambda: hostile.tiff(14_000, 14_000), DAMAGED),
    ("header.jpg", lambda: hostile.jpeg(65_535, 65_535), TOO_LARGE),
    ("header.gif", lambda: hostile.gif(65_535, 65_535), TOO_LARGE),
    ("frame.gif", lambda: hostile.gif_frame(60_000, 60_000), TOO_LARGE),
    ("header.webp", lambda: hostile.webp(65_535, 65_535), TOO_LARGE),
    ("text.png", lambda: hostile.png(3, 2, extra=hostile.chunk(b"tEXt", b"k\0" + b"a" * HUNDRED_MB)), LONG_TEXT),
    ("packed-text.png", lambda: _packed_text(b"zTXt", b"k\0\0"), LONG_TEXT),
    ("packed-text-16.png", lambda: _packed_text(b"iTXt", b"k\0\1\0\0\0", bits=16), LONG_TEXT),
    ("packed-profile.png", lambda: _packed_text(b"iCCP", b"k\0\0"), LONG_TEXT),
    ("checksum.png", lambda: _flipped(hostile.png(30, 20), -13), "the checksum of its IDAT chunk is wrong"),
    ("numbers.tif", lambda: saved("TIFF", Image.new("F", (5, 4))), "holds 32-bit floating-point numbers"),
    ("numbers-rgb.tif", lambda: _numbers(), "holds 32-bit floating-point numbers"),
    ("letter.png", lambda: b"Dear all", "is not a picture"),
]
# name, file, notes
READ = [
    ("one.png", lambda: saved("PNG", Image.new("RGB", (1, 1))), ()),
    ("long.png", lambda: saved("PNG", Image.new("RGB", (40_000, 10))), ()),
    ("tall.jpg", lambda: saved("JPEG", Image.new("L", (10, 40_000))), ()),
    ("jpeg-called.png", lambda: saved("JPEG"), ()),
    ("animated.gif", lambda: hostile.animation("GIF"), ("A palette was widened to RGB.", FRAMES)),
    ("animated.webp", lambda: hostile.animation("WEBP"), (FRAMES,)),
    ("animated.png", lambda: hostile.animation("PNG"), (FRAMES,)),
    ("pages.tif", lambda: hostile.animation("TIFF"), (FRAMES,)),
    ("stereo.jpg", lambda: hostile.animation("MPO"), (FRAMES,)),
    ("exif.jpg", lambda: saved("JPEG", exif=hostile.BROKEN_EXIF), ()),
    ("exif.webp", lambda: saved("WEBP", exif=hostile.BROKEN_EXIF), ()),
    ("exif.png", lambda: saved("PNG", exif=hostile.BROKEN_EXIF), ()),
    ("profile.jpg", lambda: saved("JPEG", icc_profile=b"broken" * 40), ()),
    ("profile.png", lambda: saved("PNG", icc_profile=b"broken" * 40), ()),
    ("profile.webp", lambda: saved("WEBP", icc_profile=b"broken" * 40), ()),
    ("profile.tif", lambda: saved("TIFF", icc_profile=b"broken" * 40), ()),
    ("cmyk.jpg", lambda: _cmyk(hostile.profile_that_prints_cyan_as_red()), (CMYK + " through its ICC profile.",)),
    ("cmyk-broken.jpg", lambda: _cmyk(b"broken" * 40), (CMYK + " without its ICC profile, which cannot be used.",)),
    ("cmyk-of-rgb.jpg", lambda: _cmyk(ICC), (CMYK + " without its ICC profile, which cannot be used.",)),
]


def _packed_text(kind: bytes, head: bytes, bits: int = 8) -> bytes:
    return hostile.png(3, 2, bits, extra=hostile.chunk(kind, head + zlib.compress(bytes(HUNDRED_MB))))


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _numbers() -> bytes:
    return cv2.imencode(".tif", np.zeros((4, 5, 3), np.float32))[1].tobytes()


def _cmyk(profile: bytes) -> bytes:
    return saved("JPEG", Image.new("CMYK", (30, 20), (255, 0, 0, 0)), icc_profile=profile)


def test_hostile_files_take_bounded_memory(tmp_path):
    paths = []
    for name, make, _ in REFUSED:
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make())

    command = [
        sys.executable,
        str(ROOT / "tests" / "helpers" / "pixel_files" / "read_in_children.py"),
        *map(str, paths),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    for line, path, (_, _, sentence) in zip(done.stdout.splitlines(), paths, REFUSED, strict=True):
        said, extra_mb = json.loads(line)
        # The file, the text it holds and Pillow's copies of both; a decoded bomb would take 600 MB and more.
        assert extra_mb < 5 * path.stat().st_size / 1e6 + 150, path.name
        assert said.startswith(f"{path} "), path.name
        assert sentence in said, path.name


@pytest.mark.parametrize(("name", "make", "notes"), READ, ids=[name for name, _, _ in READ])
def test_odd_files_are_read_and_written_again(name, make, notes, tmp_path):
    source = tmp_path / name
    source.write_bytes(make())

    picture = pixels.read(source)
    pixels.write(picture, tmp_path / f"again{pixels.output_suffix(source, pixels.WriteOptions())}")

    with Image.open(source) as image:
        assert picture.size_hw == image.size[::-1]
    assert picture.notes == notes
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["animated.gif", "animated.webp", "animated.png", "pages.tif", "stereo.jpg"])
def test_of_an_animation_the_first_frame_is_taken(name):
    make = next(make for row_name, make, _ in READ if row_name == name)

    picture = decode(make(), name, ReadLimits())

    assert np.abs(picture.pixels.astype(int) - (0, 20, 10)).max() <= 4  # what WebP and JPEG lose of a plain colour


def test_cmyk_goes_through_its_own_profile():
    picture = decode(_cmyk(hostile.profile_that_prints_cyan_as_red()), "cmyk.jpg", ReadLimits())

    red, green, blue = picture.pixels[10, 15].astype(int)
    assert (red > 200, green < 60, blue < 60) == (True, True, True)
    assert picture.metadata.icc == b""


@pytest.mark.parametrize(("name", "make"), [(name, make) for name, _, make in ROWS], ids=[name for name, _, _ in ROWS])
def test_a_truncated_file_is_never_half_a_picture(name, make):
    data = make()
    whole = decode(data, name, ReadLimits())

    for length in random.Random(7).sample(range(1, len(data)), 100):
        if name.startswith("GIF") and length >= len(data) - 2:  # the last two bytes say only that nothing follows
            assert np.array_equal(decode(data[:length], name, ReadLimits()).pixels, whole.pixels)
            continue
        with pytest.raises(PictureError, match=f"{re.escape(name)} is "):
            decode(data[:length], name, ReadLimits())


def test_the_command_line_says_a_sentence_for_each_and_does_the_others(runtime, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FACERESTORE_HOME", str(runtime.cache_folder.parent))
    bad, good = [], [tmp_path / "good.png", tmp_path / "long.png", tmp_path / "one.png"]
    for name, make, _ in REFUSED:
        bad.append(tmp_path / "in" / name)
        bad[-1].parent.mkdir(exist_ok=True)
        bad[-1].write_bytes(make())
    for path, size in zip(good, ((30, 20), (40_000, 10), (1, 1))):
        SMALL.resize(size).save(path)
    named = [*map(str, bad[:9]), str(good[0]), *map(str, bad[9:]), *map(str, good[1:])]

    status = main(["restore", *named, "-o", str(tmp_path / "out"), "--restorer", "none"])

    said = capsys.readouterr().err.splitlines()
    assert status == 1
    assert [line.split(" ", 1)[0] for line in said] == [str(path) for path in bad]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.png", "long.png", "one.png"]


def test_a_text_named_like_an_entry_of_pillow_harms_nothing():
    for keyword in ("icc_profile", "transparency", "dpi", "exif", "xmp", "gamma"):
        data = hostile.png(3, 2, extra=hostile.chunk(b"tEXt", keyword.encode() + b"\0hello"))

        picture = decode(data, "odd.png", ReadLimits())

        assert picture.metadata.text == ((keyword, "hello"),)
        assert picture.alpha is None
        for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp"):
            assert pixels.encode(picture, Path("again" + suffix), pixels.WriteOptions())


def test_a_workflow_of_five_megabytes_in_a_packed_chunk_is_kept():
    workflow = "node " * 1_000_000
    text = hostile.chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(workflow.encode()))

    assert decode(hostile.png(3, 2, extra=text), "a.png", ReadLimits()).metadata.text == (("workflow", workflow),)


def test_text_behind_the_frames_is_kept_without_decoding_them():
    data = hostile.animation("PNG")
    damaged_frame = data.index(b"fdAT") + 12
    late = _with_checksums(_flipped(data, damaged_frame)[:-12]) + hostile.chunk(b"tEXt", b"late\0yes") + data[-12:]

    assert ("late", "yes") in decode(late, "a.png", ReadLimits()).metadata.text


def _with_checksums(data: bytes) -> bytes:
    file, fixed = io.BytesIO(data[8:]), data[:8]
    while head := file.read(8):
        fixed += hostile.chunk(head[4:], file.read(int.from_bytes(head[:4], "big")))
        file.read(4)
    return fixed
