"""JPEG 2000, AVIF, PNM and PNG of every depth, written by OpenJPEG, libavif and netpbm: right or refused, with and
without imagecodecs.
"""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest

from helpers.pixel_files import other_writers
from helpers.pixel_files.deep_files import avif, jpeg2000, numbers, pam, pgx
from helpers.pixel_files.tiff_cases import HEIGHT, WIDTH, whole_range, without_packages
from helpers.support import psnr, smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError


def read(data: bytes, has_packages: bool = True) -> Picture:
    with contextlib.nullcontext() if has_packages else without_packages():
        return decode(data, "a", ReadLimits())


def assert_shows(picture: Picture, full: np.ndarray, tolerance: int = 0) -> None:
    """full: (H, W, 1 to 4) in the whole range of the type that the picture must have."""
    count = full.shape[2]
    colours = np.repeat(full[..., :1], 3, axis=2) if count < 3 else full[..., :3]
    assert picture.pixels.dtype == full.dtype
    assert np.abs(picture.pixels.astype(int) - colours.astype(int)).max() <= tolerance
    assert (picture.alpha is None) == (count in (1, 3))
    if picture.alpha is not None:
        assert np.abs(picture.alpha.astype(int) - full[..., -1].astype(int)).max() <= tolerance


@pytest.mark.parametrize("suffix", [".jp2", ".j2k"])
@pytest.mark.parametrize("bits", [2, 4, 6, *range(8, 17)])
def test_jpeg_2000_keeps_its_depth_or_is_refused(bits, suffix, tmp_path):
    # From PAM and PGX OpenJPEG's tool makes at least 8 bits, from raw samples even depths only.
    for channels in (1, 2, 3, 4) if bits >= 8 else (1, 3):
        values = numbers(channels, (1 << bits) - 1)
        if bits >= 8:
            data = jpeg2000(tmp_path / "s.pam", pam(values, (1 << bits) - 1), suffix=suffix)
        else:
            planes = np.moveaxis(values, 2, 0).astype(np.uint8).tobytes()
            layout = f"{WIDTH},{HEIGHT},{channels},{bits},u"
            data = jpeg2000(tmp_path / "s.raw", planes, "-F", layout, suffix=suffix)

        picture = read(data)

        assert_shows(picture, whole_range(values, bits))
        assert picture.is_grey == (channels < 3)
        if bits == 8:
            assert_shows(read(data, has_packages=False), whole_range(values, bits))
        else:
            with pytest.raises(PictureError, match=f"of {bits} bits per channel; .*pip install imagecodecs"):
                read(data, has_packages=False)


def test_jpeg_2000_of_a_png_with_alpha(tmp_path):
    values = numbers(4, 65535)
    png = other_writers.run("pamtopng", stdin=pam(values, 65535))

    assert_shows(read(jpeg2000(tmp_path / "s.png", png)), values)


def test_jpeg_2000_that_is_no_rgb_is_refused(tmp_path):
    plane = numbers(1, 127)[..., 0].astype(np.uint8)

    with pytest.raises(PictureError, match="5 channels that are not RGB"):
        read(jpeg2000(tmp_path / "s.raw", plane.tobytes() * 5, "-F", f"{WIDTH},{HEIGHT},5,8,u"))
    with pytest.raises(PictureError, match="signed channels"):
        read(jpeg2000(tmp_path / "s.pgx", pgx(plane, 8, "-")))


def test_jpeg_2000_with_colours_of_half_resolution_is_read_close(tmp_path):
    rgb = smooth_noise(48, 64, sigma=6).astype(float)
    luma = rgb @ (0.299, 0.587, 0.114)
    planes = [luma, *(128 + (rgb[..., 2 - 2 * i] - luma) / scale for i, scale in enumerate((1.772, 1.402)))]
    small = [planes[0], *(p.reshape(24, 2, 32, 2).mean((1, 3)) for p in planes[1:])]
    content = b"".join(np.rint(plane).clip(0, 255).astype(np.uint8).tobytes() for plane in small)
    data = jpeg2000(tmp_path / "s.yuv", content, "-F", "64,48,3,8,u@1x1:2x2:2x2")

    assert psnr(read(data).pixels, rgb.astype(np.uint8)) > 35


@pytest.mark.parametrize("highest", [1, 3, 15, 100, 255, 256, 1000, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pnm_and_pam_of_any_white_are_read_right(highest, channels):
    values = numbers(channels, highest)
    kind = np.uint8 if highest <= 255 else np.uint16
    full = np.rint(values / highest * np.iinfo(kind).max).astype(kind)
    source = pam(values, highest)
    files = [other_writers.run("pamtopam", stdin=source)]
    if channels in (1, 3):
        binary = other_writers.run("pamtopnm", stdin=source)
        files += [binary, other_writers.run("pnmtoplainpnm", stdin=binary), binary.replace(b"\n", b" # a word\n", 1)]

    for data in files:
        # 10 of 100 is 25.5 of 255: either neighbour is right.
        assert_shows(read(data, has_packages=False), full, tolerance=highest == 100)


def test_pnm_that_ends_early_or_goes_beyond_white_is_damaged():
    data = other_writers.run("pamtopnm", stdin=pam(numbers(3, 4095), 4095))

    with pytest.raises(PictureError, match="holds 818 of 819 samples"):
        read(data[:-2])
    with pytest.raises(PictureError, match="a sample is 65535, and 4095 is white"):
        read(data[:-2] + b"\xff\xff")
    with pytest.raises(PictureError, match="65535 is the most"):
        read(data.replace(b"4095", b"70000", 1))


def png_cases() -> list[tuple[int, int, tuple[str, ...]]]:
    """Channels, bits, options of netpbm's pnmtopng; it takes the smallest depth that holds the picture."""
    plain = [(1, bits) for bits in (1, 2, 4, 8, 16)] + [(3, 8), (3, 16)]
    return [(channels, bits, how) for (channels, bits), how in itertools.product(plain, ((), ("-interlace",)))]


@pytest.mark.parametrize(("channels", "bits", "how"), png_cases())
def test_png_of_every_depth_is_read_right(channels, bits, how):
    values = numbers(channels, (1 << bits) - 1)
    source = other_writers.run("pamtopnm", stdin=pam(values, (1 << bits) - 1))
    data = other_writers.run("pnmtopng", *how, stdin=source)
    full = whole_range(values, bits)
    transparent = other_writers.run("pnmtopng", *how, "-transparent==black", stdin=source)
    seen = (values != 0).any(axis=2)

    assert_shows(read(data), full)
    keyed = read(transparent)
    assert np.array_equal(keyed.pixels, read(data).pixels)
    assert keyed.alpha is not None
    assert np.array_equal(keyed.alpha == 0, ~seen)
    assert np.array_equal(keyed.alpha == np.iinfo(full.dtype).max, seen)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_png_with_alpha_is_read_right(channels, bits):
    values = numbers(channels, (1 << bits) - 1)

    assert_shows(read(other_writers.run("pamtopng", stdin=pam(values, (1 << bits) - 1))), whole_range(values, bits))


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("channels", [3, 4])
def test_avif_keeps_its_depth(channels, depth, tmp_path):
    values = numbers(channels, 65535)
    data = avif(values, 65535, depth, tmp_path, "-l")
    steps = np.rint(values / 65535 * ((1 << depth) - 1))

    # libavif rounds 16 bits to its own depth, half a step of which may go the other way.
    assert_shows(read(data), whole_range(steps, depth), tolerance=65536 >> depth if depth > 8 else 1)
    without = read(data, has_packages=False)
    assert_shows(without, whole_range(steps * 255 / ((1 << depth) - 1), 8), tolerance=1)
    assert bool(without.notes) == (depth > 8)
    assert all("were cut to 8; pip install imagecodecs" in note for note in without.notes)


@pytest.mark.parametrize("turn", [("--irot", "1"), ("--irot", "2"), ("--imir", "0"), ("--imir", "1")])
def test_a_turned_avif_of_ten_bits_is_turned_as_one_of_eight(turn, tmp_path):
    ten, eight = (read(avif(numbers(3, 65535), 65535, depth, tmp_path, "-l", *turn)) for depth in (10, 8))

    assert ten.size_hw == eight.size_hw
    assert np.abs(ten.pixels / 257 - eight.pixels).max() <= 1


@pytest.mark.parametrize("depth", [8, 10])
def test_a_grey_avif_and_one_multiplied_by_alpha(depth, tmp_path):
    grey = numbers(1, 255)
    data = avif(grey, 255, depth, tmp_path, "--min", 0, "--max", 0, "-y", "400")
    assert np.abs(read(data).pixels / (257 if depth > 8 else 1) - grey).max() <= 1

    values = numbers(4, 255)
    picture = read(avif(values, 255, depth, tmp_path, "-l", "-p"))
    opaque = values[..., 3] > 128
    assert np.abs(picture.pixels / (257 if depth > 8 else 1) - values[..., :3])[opaque].max() <= 3


def test_what_an_avif_says_of_its_colours_is_read(tmp_path):
    data = avif(numbers(3, 255), 255, 10, tmp_path, "--cicp", "9/16/9")

    assert read(data).metadata.colour_chunks == (("cICP", bytes((9, 16, 0, 1))),)
