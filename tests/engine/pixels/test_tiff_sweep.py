"""TIFF of every depth, channel, plane, meaning, compression, predictor and tiling: right or refused, with and without
the packages that read TIFF. The samples are ours, the files libtiff's (tiffcp); the readers are others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.pixel_files import other_writers, raw_tiff
from helpers.pixel_files.raw_tiff import KINDS
from helpers.pixel_files.tiff_cases import COMPRESSIONS, Case, assert_right, without_packages
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

DEPTHS = tuple(range(1, 17))
PREDICTED = ("lzw:2", "zip:2", "zstd:2")  # libtiff predicts 8, 16 and 32 bits only
LAYOUTS = (("-s", "-r", "5"), ("-t", "-w", "16", "-l", "16"))


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


def files(bits: int, folder: Path, step: int) -> Iterator[tuple[Case, bytes]]:
    """Each case, or each of so many, as a file of libtiff's. Byte order, order of bits and BigTIFF take turns."""
    source, target = folder / "source.tif", folder / "target.tif"
    for index, case in list(enumerate(cases(bits)))[bits % step :: step]:
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


# No property of the files comes round with every eleventh case, and each depth begins with another one.
@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)], ids=["each eleventh", "all"])
@pytest.mark.parametrize("bits", DEPTHS)
def test_every_tiff_is_read_right_and_without_the_packages_right_or_refused(bits, step, tmp_path):
    read = read_without = refused = 0
    for case, data in files(bits, tmp_path, step):
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

    assert read >= 150 // step
    assert refused
    assert bool(read_without) == (bits in (1, 2, 4, 8, 16))


def _read_or_sentence(data: bytes) -> tuple[Picture | None, str]:
    try:
        return decode(data, "a.tif", ReadLimits()), ""
    except PictureError as error:
        return None, str(error)
