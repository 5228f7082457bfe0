"""Every format × mode × depth through read, a painted face, write and read again; the table in docs/formats.md.

Run `PYTHONPATH=tests python tests/engine/pixels/test_format_table.py` to write the table anew.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.pixel_files.depth_table import lines as depth_lines
from helpers.pixel_files.format_rows import HEIGHT, ICC, ROWS, WIDTH
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "formats.md"
FACE = (slice(10, 30), slice(20, 40))
LOSSY = ("JPEG", "WebP RGB lossy", "AVIF")


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    read_as: str
    written_as: str
    outside: str
    alpha: str
    carried: str
    notes: str


def row(name: str, suffix: str, data: bytes, folder: Path) -> Row:
    """One line of the table, measured."""
    source = folder / f"source{suffix}"
    source.write_bytes(data)
    before = pixels.read(source)
    canvas = before.pixels.copy()
    canvas[FACE] = np.iinfo(canvas.dtype).max // 2
    target = folder / f"result{pixels.output_suffix(source, pixels.WriteOptions())}"
    pixels.write(dataclasses.replace(before, pixels=canvas), target, overwrite=True)
    after = pixels.read(target)
    outside = np.ones(before.size_hw, bool)
    outside[FACE] = False
    error = np.abs(after.pixels.astype(int) - before.pixels)[outside]
    same_alpha = "–" if before.alpha is None else _yes(np.array_equal(before.alpha, after.alpha))
    carried = [
        label
        for label, kept in (
            ("EXIF", b"Us." in before.metadata.exif and b"Us." in after.metadata.exif),
            ("ICC", before.metadata.icc and before.metadata.icc == after.metadata.icc),
            ("XMP", before.metadata.xmp and before.metadata.xmp == after.metadata.xmp),
            ("text", before.metadata.text and before.metadata.text == after.metadata.text),
        )
        if kept
    ]
    return Row(
        name,
        _shape(before),
        f"{after.metadata.format} {_shape(after)}",
        "identical" if error.max() == 0 else f"mean {error.mean():.1f} levels",
        same_alpha,
        ", ".join(carried) or "–",
        " ".join(before.notes) or "–",
    )


def _shape(picture: Picture) -> str:
    channels = ("grey" if picture.is_grey else "RGB") + ("+alpha" if picture.alpha is not None else "")
    return f"{channels} {8 * picture.pixels.dtype.itemsize}"


def _yes(value: bool) -> str:
    return "identical" if value else "CHANGED"


def table(folder: Path) -> str:
    """The whole document."""
    head = [field.name.replace("_", " ") for field in dataclasses.fields(Row)]
    lines = [
        "# What goes in and what comes out",
        "",
        "Written by `PYTHONPATH=tests python tests/engine/pixels/test_format_table.py`; the test of that name fails "
        "when this page is out of date.",
        "Every source carries what its format can of EXIF (orientation 6), ICC, XMP and text. A rectangle is painted "
        "over",
        "in place of a face; *outside* compares all other decoded pixels of the result with those of the source, at "
        "the",
        "default quality. HEIC is read where the installed Pillow has a plugin for it.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for name, suffix, make in ROWS:
        values = dataclasses.astuple(row(name, suffix, make(), folder))
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join([*lines, "", *depth_lines(folder)]) + "\n"


@pytest.mark.parametrize(("name", "suffix", "make"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_format_comes_back_as_it_came(name, suffix, make, tmp_path):
    found = row(name, suffix, make(), tmp_path)

    assert found.outside == "identical" or name.startswith(LOSSY)
    assert found.alpha in ("–", "identical")
    assert found.read_as == found.written_as.split(" ", 1)[1]


@pytest.mark.parametrize("name", ["PNG RGB 8", "PNG RGBA 16", "TIFF RGB 16", "JPEG RGB 4:4:4", "WebP RGB lossless"])
def test_metadata_is_carried_and_orientation_applied(name, tmp_path):
    suffix, make = next((suffix, make) for row_name, suffix, make in ROWS if row_name == name)
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    source.write_bytes(make())

    pixels.write(pixels.read(source), target)

    again = pixels.read(target)
    assert again.size_hw == (WIDTH, HEIGHT)
    assert b"Us." in again.metadata.exif
    assert again.metadata.icc == ICC
    assert cv2.imread(str(target), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION).shape[:2] == again.size_hw
    with Image.open(target) as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_the_committed_table_is_what_is_measured(tmp_path):
    assert DOCUMENT.read_text(encoding="utf-8") == table(tmp_path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        DOCUMENT.write_text(table(Path(name)), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT} written\n")
