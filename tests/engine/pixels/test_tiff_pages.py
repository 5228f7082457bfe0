"""What a TIFF's directories say: which page is the picture, what is refused and in which words, lossy compressions."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.pixel_files import other_writers, raw_tiff
from helpers.pixel_files.format_rows import ICC
from helpers.pixel_files.hostile import grey_alpha_tiff
from helpers.pixel_files.raw_tiff import KINDS, Kind
from helpers.pixel_files.tiff_cases import without_packages
from helpers.support import psnr, smooth_noise
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.engine.pixels.formats import tiff_pages
from lib_facerestore.errors import PictureError, PictureTooLarge

BY_NAME = {kind.name: kind for kind in KINDS}
RGB = BY_NAME["RGB"]


def tiff_of(rgb: np.ndarray, **more: Any) -> bytes:
    return raw_tiff.tiff(rgb.astype(np.uint16), RGB, 8, **more)


def colours(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def joined(folder: Path, *files: bytes) -> bytes:
    """One file with the pages of all, by libtiff."""
    paths = [folder / f"{index}.tif" for index in range(len(files))]
    for path, data in zip(paths, files):
        path.write_bytes(data)
    return other_writers.written("tiffcp", folder / "all.tif", *paths, folder / "all.tif")


def read(data: bytes, has_packages: bool = True) -> Picture:
    with contextlib.nullcontext() if has_packages else without_packages():
        return decode(data, "a.tif", ReadLimits())


@pytest.mark.parametrize("has_packages", [True, False])
def test_the_largest_full_picture_is_taken_and_no_thumbnail(tmp_path, has_packages):
    small, page = colours(12, 15, 1), colours(40, 57, 2)
    larger_thumbnail = tiff_of(colours(90, 80, 3), t254=(1,))

    data = joined(tmp_path, tiff_of(small, t254=(1,)), tiff_of(page), larger_thumbnail)

    picture = read(data, has_packages)

    assert np.array_equal(picture.pixels, page)
    assert picture.notes == ()


def test_of_several_pages_the_largest_is_taken_and_that_is_said(tmp_path):
    first, second = colours(20, 31, 1), colours(40, 57, 2)

    larger_last, equal = (
        joined(tmp_path, tiff_of(first), tiff_of(second)),
        joined(tmp_path, tiff_of(first), tiff_of(first)),
    )

    assert np.array_equal(read(larger_last).pixels, second)
    assert read(larger_last).notes == ("Only number 2, the largest, of 2 frames was taken.",)
    assert read(equal).notes == ("Only the first of 2 frames was taken.",)


def test_metadata_is_that_of_the_page_taken(tmp_path):
    page = pixels.encode(Picture(colours(40, 57, 2), metadata=Metadata(icc=ICC)), Path("a.tif"), pixels.WriteOptions())

    found = read(joined(tmp_path, tiff_of(colours(12, 15), t254=(1,)), page))

    assert found.metadata.icc == ICC


def test_a_picture_in_a_sub_directory_is_taken_where_the_main_one_is_a_thumbnail():
    inner = tiff_of(colours(40, 57, 2))
    pages = tiff_pages.pages_of(_with_sub_directory(tiff_of(colours(8, 9), t254=(1,)), inner))

    assert pages is not None
    assert pages.chosen.size_hw == (40, 57)
    assert pages.chosen.number is None


def _with_sub_directory(outer: bytes, inner: bytes) -> bytes:
    """The outer file whose directory names that of the inner one, moved behind it."""
    moved = len(outer)
    shifted = raw_tiff.moved(inner, moved)
    return raw_tiff.with_tag(outer + shifted, 330, moved + 8)


@pytest.mark.parametrize(
    ("kind", "bits", "more", "words"),
    [
        (RGB, 16, {"t339": (2, 2, 2)}, "16-bit signed numbers"),
        (RGB, 8, {"t258": (5, 6, 5)}, r"channels of different depths \(5, 6, 5 bits\)"),
        (Kind("CIELab", 8, 3), 8, {}, "CIELab"),
        (Kind("raw", 32803, 1), 16, {}, "camera raw"),
        (Kind("odd", 77, 1), 8, {}, "photometric interpretation 77"),
        (Kind("inks", 5, 4), 8, {"t332": (2,)}, "inks other than cyan"),
        (Kind("RGB", 2, 1), 8, {}, "says RGB, 1 channel of 8 bits, no compression, but has 1 channels"),
        (BY_NAME["palette"], 8, {"t320": (1, 2, 3)}, "a palette of 3 numbers where 768 belong"),
    ],
    ids=lambda value: value.name if isinstance(value, Kind) else None,
)
@pytest.mark.parametrize("has_packages", [True, False])
def test_what_is_no_picture_in_rgb_is_refused_in_true_words(kind, bits, more, words, has_packages):
    data = raw_tiff.tiff(raw_tiff.samples_of(kind, bits, 13, 21), kind, bits, **more)

    with pytest.raises(PictureError, match=words):
        read(data, has_packages)


def test_a_palette_of_eight_bit_numbers_is_one_of_eight_bit_colours():
    kind = BY_NAME["palette"]
    samples, narrow = raw_tiff.samples_of(kind, 4, 13, 21), raw_tiff.colour_map(4, is_narrow=True)

    picture = read(raw_tiff.tiff(samples, kind, 4, t320=tuple(narrow.ravel().tolist())))

    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, narrow.T[samples[..., 0]])


@pytest.mark.parametrize("factor", [256, 257])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("has_packages", [True, False])
def test_a_palette_of_eight_bits_in_sixteen_is_read_everywhere(bits, factor, has_packages):
    kind = BY_NAME["palette"]
    samples, narrow = raw_tiff.samples_of(kind, bits, 13, 21), raw_tiff.colour_map(bits, is_narrow=True)
    narrow[0, 0] = 200  # two colours may all be black by chance

    data = raw_tiff.tiff(samples, kind, bits, t320=tuple((narrow * factor).ravel().tolist()))

    assert np.array_equal(read(data, has_packages).pixels, narrow.T[samples[..., 0]])


def test_missing_strips_and_short_files_are_damaged():
    whole = tiff_of(colours(40, 57))

    with pytest.raises(PictureError, match=r"is damaged: it ends at byte \d+, its pixels at byte \d+"):
        read(whole[:-10])
    with pytest.raises(PictureError, match="some are missing"):
        read(raw_tiff.tiff(colours(40, 57).astype(np.uint16), RGB, 8, tile=16, t256=(400,)))


def test_sixteen_bit_grey_with_alpha_keeps_both():
    values = np.random.default_rng(1).integers(0, 65536, (4, 5, 2), np.uint16)

    picture = read(grey_alpha_tiff(5, 4, values.tobytes()))

    assert np.array_equal(picture.pixels[..., 0], values[..., 0])
    assert np.array_equal(picture.alpha, values[..., 1])


def test_the_pixel_limit_is_that_of_the_page_taken():
    with pytest.raises(PictureTooLarge, match="57×40 px"):
        decode(tiff_of(colours(40, 57)), "a.tif", ReadLimits(megapixels=0.002))


@pytest.mark.parametrize("compression", ["jpeg:r:95", "jpeg:95", "webp:95"])
@pytest.mark.parametrize("layout", [("-s", "-r", "16"), ("-t", "-w", "32", "-l", "32")])
@pytest.mark.parametrize("has_packages", [True, False])
def test_lossy_compressions_are_read_close_to_what_was_written(tmp_path, compression, layout, has_packages):
    rgb = smooth_noise(66, 91)
    (tmp_path / "s.tif").write_bytes(tiff_of(rgb))
    data = other_writers.written(
        "tiffcp", tmp_path / "o.tif", "-c", compression, *layout, tmp_path / "s.tif", tmp_path / "o.tif"
    )

    if compression == "webp:95" and not has_packages:
        with pytest.raises(PictureError, match="pip install tifffile imagecodecs"):
            read(data, has_packages)
    else:
        assert psnr(read(data, has_packages).pixels, rgb) > 30


@pytest.mark.parametrize("compression", ["g3", "g3:2d", "g4"])
@pytest.mark.parametrize("kind", ["grey, white is zero", "grey"])
@pytest.mark.parametrize("has_packages", [True, False])
def test_fax_pages_are_read_exactly(tmp_path, compression, kind, has_packages):
    samples = raw_tiff.samples_of(BY_NAME[kind], 1, 33, 70)
    (tmp_path / "s.tif").write_bytes(raw_tiff.tiff(samples, BY_NAME[kind], 1))
    data = other_writers.written(
        "tiffcp", tmp_path / "o.tif", "-c", compression, tmp_path / "s.tif", tmp_path / "o.tif"
    )
    white = samples[..., 0] == (kind == "grey")

    picture = read(data, has_packages)

    assert np.array_equal(picture.pixels[..., 0] == 255, white)


def test_readers_say_nothing_on_the_terminal(tmp_path):
    """Damaged and odd files, read in a process of their own, whose output is looked at."""
    whole = tiff_of(colours(40, 57)), raw_tiff.tiff(raw_tiff.samples_of(RGB, 16, 13, 21), RGB, 16)
    grey_with_rgb_profile = Picture(np.zeros((4, 6, 3), np.uint16), is_grey=True, metadata=Metadata(icc=ICC))
    odd_png = pixels.encode(grey_with_rgb_profile, Path("a.png"), pixels.WriteOptions())
    files = []
    for data in (odd_png, *whole, *(one[:-10] for one in whole), *(one[: len(one) // 2] for one in whole)):
        files.append(tmp_path / f"{len(files)}.tif")
        files[-1].write_bytes(data)
    script = (
        "import sys\nfrom pathlib import Path\nfrom lib_facerestore.engine import pixels\n"
        "from lib_facerestore.errors import PictureError\n"
        "for name in sys.argv[1:]:\n    try:\n        pixels.read(Path(name))\n    except PictureError:\n        pass\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, files)], capture_output=True, timeout=120, check=True
    )

    assert done.stdout == b""
    assert done.stderr == b""


@pytest.mark.parametrize("has_packages", [True, False])
def test_tags_of_other_programs_are_not_spoken_of_on_the_terminal(tmp_path, has_packages, capfd):
    rgb = colours(40, 57)
    (tmp_path / "s.tif").write_bytes(tiff_of(rgb))
    packed = other_writers.written(
        "tiffcp", tmp_path / "o.tif", "-L", "-c", "lzw", tmp_path / "s.tif", tmp_path / "o.tif"
    )
    odd = raw_tiff.of_unknown_type(raw_tiff.with_tag(packed, 65101, 5), 65101)

    picture = read(odd, has_packages)

    assert np.array_equal(picture.pixels, rgb)
    assert capfd.readouterr() == ("", "")
