"""Random and mutated files: a whole picture or a PictureError; random pictures come back from every lossless format."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from helpers.pixel_files.format_rows import ROWS
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

LIMITS = ReadLimits(megapixels=4, file_megabytes=1)
WHOLE = {name: make() for name, _, make in ROWS}
SIGNATURES = sorted({data[:12] for data in WHOLE.values()})
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """The file with some bytes changed, cut out, doubled or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        # Half of the mutations hit the first 200 bytes, where the headers are.
        last = draw(st.sampled_from([min(200, len(data)), len(data)]))
        start = draw(st.integers(0, max(0, last - 1)))
        length = draw(st.integers(1, 40))
        match draw(st.sampled_from(["change", "cut", "double", "insert", "truncate"])):
            case "change":
                data[start : start + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[start : start + length]
            case "double":
                data[start:start] = data[start : start + length]
            case "insert":
                data[start:start] = draw(st.binary(max_size=40))
            case "truncate":
                del data[start:]
    return bytes(data)


def decoded_or_refused(data: bytes) -> Picture | None:
    """The picture; None when it is refused with a sentence. Every other exception is a failure."""
    try:
        return decode(data, "a.bin", LIMITS)
    except PictureError as error:
        assert error.where == "a.bin"  # noqa: PT017  (also raised as a plain value, which would be a bug)
        return None


RANDOM = given(signature=st.sampled_from([b"", *SIGNATURES]), tail=st.binary(max_size=400))


@QUICK
@RANDOM
def test_random_bytes_are_refused_with_a_sentence_or_are_a_picture(signature, tail):
    picture = decoded_or_refused(signature + tail)

    assert picture is None or min(picture.size_hw) > 0


@pytest.mark.long
@settings(QUICK, max_examples=300)
@RANDOM
def test_300_times_random_bytes_are_refused_with_a_sentence_or_are_a_picture(signature, tail):
    picture = decoded_or_refused(signature + tail)

    assert picture is None or min(picture.size_hw) > 0


@pytest.mark.parametrize("name", WHOLE)
@settings(QUICK, max_examples=6)
@given(data=st.data())
def test_a_mutated_file_gives_a_picture_that_can_be_written_or_a_sentence(name, data):
    assert_can_be_written_or_was_refused(decoded_or_refused(data.draw(mutated(WHOLE[name]))))


@pytest.mark.long
@pytest.mark.parametrize("name", WHOLE)
@settings(QUICK, max_examples=60)
@given(data=st.data())
def test_each_of_60_mutated_files_gives_a_picture_that_can_be_written_or_a_sentence(name, data):
    assert_can_be_written_or_was_refused(decoded_or_refused(data.draw(mutated(WHOLE[name]))))


def assert_can_be_written_or_was_refused(picture: Picture | None) -> None:
    if picture is not None:
        assert picture.size_hw[0] * picture.size_hw[1] <= 4_000_000
        small = Picture(picture.pixels[:8, :8], None, picture.is_grey, picture.metadata)
        for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp"):
            assert pixels.encode(small, Path("again" + suffix), pixels.WriteOptions())


LOSSLESS = [
    (suffix, dtype, is_grey, has_alpha)
    for suffix, dtype, is_grey, has_alpha in itertools.product(
        (".png", ".tif", ".webp", ".bmp"), (np.uint8, np.uint16), (False, True), (False, True)
    )
    if dtype == np.uint8 or suffix in (".png", ".tif")  # the others hold 8 bits
]


@pytest.mark.parametrize(("suffix", "dtype", "is_grey", "has_alpha"), LOSSLESS)
@settings(QUICK, max_examples=5)
@given(data=st.data())
def test_every_lossless_combination_comes_back(suffix, dtype, is_grey, has_alpha, data):
    assert_comes_back(suffix, dtype, is_grey, has_alpha, data)


@pytest.mark.long
@pytest.mark.parametrize(("suffix", "dtype", "is_grey", "has_alpha"), LOSSLESS)
@settings(QUICK, max_examples=25)
@given(data=st.data())
def test_25_pictures_of_every_lossless_combination_come_back(suffix, dtype, is_grey, has_alpha, data):
    assert_comes_back(suffix, dtype, is_grey, has_alpha, data)


def assert_comes_back(suffix: str, dtype: type, is_grey: bool, has_alpha: bool, data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 14))
    values = data.draw(arrays.arrays(dtype, (height, width, 4)))
    colour = np.repeat(values[..., :1], 3, axis=2) if is_grey else np.ascontiguousarray(values[..., :3])
    alpha = np.ascontiguousarray(values[..., 3]) if has_alpha else None
    picture = Picture(colour, alpha, is_grey, Metadata(suffix[1:].upper()))

    again = decode(pixels.encode(picture, Path("a" + suffix), pixels.WriteOptions()), "a", LIMITS)

    assert again.pixels.dtype == dtype
    assert np.array_equal(again.pixels, picture.pixels)
    if has_alpha and not (suffix == ".webp" and again.alpha is None):
        assert np.array_equal(again.alpha, picture.alpha)
    elif has_alpha:  # libwebp writes no alpha channel where every pixel is opaque, which shows the same picture
        assert (picture.alpha == np.iinfo(dtype).max).all()
