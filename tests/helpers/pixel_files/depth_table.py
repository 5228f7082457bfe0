"""Which depths of which kinds of picture are read, measured on other writers' files: a table of docs/formats.md."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from helpers.pixel_files import other_writers, raw_tiff
from helpers.pixel_files.deep_files import avif, jpeg2000, numbers, pam
from helpers.pixel_files.tiff_cases import COMPRESSIONS, HEIGHT, WIDTH, Case, assert_right, without_packages
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

HEAD = (
    "## Depths",
    "",
    "Bits per channel that are read; other depths are refused in a sentence. What is deeper than 8 bits comes with 16.",
    "The packages are tifffile and imagecodecs (extra `standalone`). A WebUI has neither: Pillow and OpenCV read there",
    "what they were found to read right. Every combination is tried, on files by libtiff, OpenJPEG, libavif, netpbm:",
    "`tests/engine/pixels/test_tiff_sweep.py`, `tests/engine/pixels/test_deep_sweep.py`.",
    "",
    "| kind | with the packages | without |",
    "|---|---|---|",
)


def lines(folder: Path) -> list[str]:
    """The section, line by line."""
    rows = [*HEAD]
    for kind in raw_tiff.KINDS:
        for is_planar in (False, True) if kind.samples > 1 else (False,):
            name = f"TIFF, {kind.name}{', separate planes' if is_planar else ''}"
            rows.append(_row(name, range(1, 17), functools.partial(_tiff, kind, is_planar)))
    for compression in COMPRESSIONS[1:]:
        rows.append(_row(f"TIFF, RGB, {compression}", (8, 16), functools.partial(_packed, compression, folder)))
    rows.append(_row("JPEG 2000, grey", (2, 4, 6, *range(8, 17)), lambda bits: _jpeg2000(bits, folder)))
    rows.append(
        _row("PGM, PPM, PAM", (1, 2, 4, 8, 10, 12, 16), lambda bits: pam(numbers(3, (1 << bits) - 1), (1 << bits) - 1))
    )
    rows.append(
        _row(
            "AVIF (without: 8 bits of them)",
            (8, 10, 12),
            lambda bits: avif(numbers(3, 65535), 65535, bits, folder, "-l"),
        )
    )
    return rows


def _row(name: str, depths: Iterable[int], make: Callable[[int], bytes]) -> str:
    files = {bits: make(bits) for bits in depths}
    return f"| {name} | {_words(_read(files))} | {_words(_read(files, has_packages=False))} |"


def _read(files: dict[int, bytes], has_packages: bool = True) -> list[int]:
    """Depths that are read."""
    found = []
    for bits, data in files.items():
        with contextlib.nullcontext() if has_packages else without_packages(), contextlib.suppress(PictureError):
            decode(data, "a", ReadLimits())
            found.append(bits)
    return found


def _words(depths: list[int]) -> str:
    """ "1–16" for neighbours without a gap, else each."""
    if len(depths) > 2 and depths == list(range(depths[0], depths[-1] + 1)):
        return f"{depths[0]}–{depths[-1]}"
    return ", ".join(map(str, depths)) or "–"


def _tiff(kind: raw_tiff.Kind, is_planar: bool, bits: int) -> bytes:
    case = Case(kind, bits, is_planar, ())
    data = raw_tiff.tiff(case.samples, kind, bits, is_planar)
    assert_right(decode(data, "a.tif", ReadLimits()), case)
    return data


def _packed(compression: str, folder: Path, bits: int) -> bytes:
    rgb = next(kind for kind in raw_tiff.KINDS if kind.name == "RGB")
    source, target = folder / "s.tif", folder / "t.tif"
    source.write_bytes(raw_tiff.tiff(Case(rgb, bits, False, ()).samples, rgb, bits))
    return other_writers.written("tiffcp", target, "-c", compression, source, target)


def _jpeg2000(bits: int, folder: Path) -> bytes:
    values = numbers(1, (1 << bits) - 1)
    if bits >= 8:
        return jpeg2000(folder / "s.pam", pam(values, (1 << bits) - 1))
    return jpeg2000(folder / "s.raw", values.astype(np.uint8).tobytes(), "-F", f"{WIDTH},{HEIGHT},1,{bits},u")
