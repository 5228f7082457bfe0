"""TIFF of every depth, channel, plane, meaning, compression, predictor and tiling: right or refused, with and without
the packages that read TIFF. The samples are ours, the files libtiff's (tiffcp); the readers are others.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import other_writers
import pytest
import raw_tiff
from raw_tiff import KINDS, Kind

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

HEIGHT, WIDTH = 13, 21
DEPTHS = tuple(range(1, 17))
COMPRESSIONS = ("none", "packbits", "lzw", "zip", "zstd", "lzma")
PREDICTED = ("lzw:2", "zip:2", "zstd:2")  # libtiff predicts 8, 16 and 32 bits only
LAYOUTS = (("-s", "-r", "5"), ("-t", "-w", "16", "-l", "16"))
PACKAGES = ("tifffile", "imagecodecs")


@dataclass(frozen=True)
class Case:
    kind: Kind
    bits: int
    is_planar: bool
    how: tuple[str, ...]

    @property
    def samples(self) -> np.ndarray:
        return raw_tiff.samples_of(self.kind, self.bits, HEIGHT, WIDTH)


def cases(bits: int) -> list[Case]:
    """Every combination that libtiff's tiffcp can write, and tiles of planes that are not 8 bits deep.

    Those it refuses or, of 16 bits, fills with bytes of two planes in turn, so that they are written here.
    """
    found = []
    compressions = COMPRESSIONS + (PREDICTED if bits in (8, 16) else ())
    for kind, is_planar, compression, layout in itertools.product(KINDS, (False, True), compressions, LAYOUTS):
        if is_planar and kind.samples == 1:
            continue
        is_own = is_planar and bits != 8 and layout[0] == "-t"
        if not is_own:
            found.append(Case(kind, bits, is_planar, ("-c", compression, *layout)))
        elif compression == "none":
            found.append(Case(kind, bits, is_planar, ()))
    return found


def files(bits: int, folder: Path) -> Iterator[tuple[Case, bytes]]:
    """Each case as a file of libtiff's. Byte order, order of bits and BigTIFF take turns."""
    source, target = folder / "source.tif", folder / "target.tif"
    for index, case in enumerate(cases(bits)):
        order = "<>"[index % 2]
        if not case.how:
            yield case, raw_tiff.tiff(case.samples, case.kind, bits, case.is_planar, order, tile=16)
            continue
        source.write_bytes(raw_tiff.tiff(case.samples, case.kind, bits, case.is_planar, order))
        more = (["-8"] if index % 7 == 0 else []) + (["-f", "lsb2msb"] if index % 5 == 0 else [])
        yield (
            case,
            other_writers.written("tiffcp", target, *case.how, *more, "-L" if index % 3 else "-B", source, target),
        )


def whole_range(values: np.ndarray, bits: int) -> np.ndarray:
    kind = np.uint8 if bits <= 8 else np.uint16
    return np.rint(values / ((1 << bits) - 1) * np.iinfo(kind).max).astype(kind)


def expected(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and alpha that the file's samples stand for."""
    kind, samples = case.kind, case.samples
    full = whole_range(samples, case.bits)
    largest = np.iinfo(full.dtype).max
    colours = samples.shape[2] - len(kind.extra)
    alpha = full[..., colours] if kind.extra[:1] in ((1,), (2,)) else None
    if kind.photometric == 3:
        return raw_tiff.colour_map(case.bits).T[samples[..., 0]], None
    if kind.photometric == 5:
        light = 1 - full / largest
        return np.rint(light[..., :3] * light[..., 3:4] * largest).astype(full.dtype), alpha
    pixels = full[..., :3] if colours == 3 else np.repeat(full[..., :1], 3, axis=2)
    if kind.photometric == 0:
        pixels = largest - pixels
    if kind.extra == (1,):
        divided = np.rint(pixels * (largest / np.maximum(alpha, 1).astype(float))[..., None])
        pixels = np.minimum(divided, largest).astype(full.dtype)
    return pixels, alpha


def assert_right(picture: Picture, case: Case) -> None:
    """Division by alpha and inks are computed in float32, which may round a last step the other way."""
    pixels, alpha = expected(case)
    is_computed = case.kind.extra[:1] == (1,) or case.kind.photometric == 5
    assert picture.pixels.dtype == pixels.dtype, case
    assert np.abs(picture.pixels.astype(int) - pixels.astype(int)).max() <= is_computed, case
    assert (picture.alpha is None) == (alpha is None), case
    assert alpha is None or np.array_equal(picture.alpha, alpha), case
    assert picture.is_grey == (case.kind.photometric in (0, 1)), case
    said = "".join(picture.notes)
    assert ("left out" in said) == (0 in case.kind.extra), case


@contextmanager
def without_packages() -> Iterator[None]:
    """As in a WebUI, where Pillow and OpenCV are all there is."""
    with pytest.MonkeyPatch.context() as patch:
        for package in PACKAGES:
            patch.setitem(sys.modules, package, None)
        yield


@pytest.mark.parametrize("bits", DEPTHS)
def test_every_tiff_is_read_right_and_without_the_packages_right_or_refused(bits, tmp_path):
    read = read_without = refused = 0
    for case, data in files(bits, tmp_path):
        assert_right(decode(data, "a.tif", ReadLimits()), case)
        read += 1
        with without_packages():
            picture, sentence = _read_or_sentence(data)
        if picture is None:
            assert "pip install tifffile imagecodecs" in sentence, case
            refused += 1
        else:
            assert_right(picture, case)
            read_without += 1

    assert read >= 150
    assert refused
    assert bool(read_without) == (bits in (1, 2, 4, 8, 16))


def _read_or_sentence(data: bytes) -> tuple[Picture | None, str]:
    try:
        return decode(data, "a.tif", ReadLimits()), ""
    except PictureError as error:
        return None, str(error)
