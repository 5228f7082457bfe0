"""A table of faces as one labelled picture: a row for each face, a column for each way to restore it. Pillow only."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FontOfSize = Callable[[int], Any]
SMALLEST_CELL_PX, LARGEST_CELL_PX = 96, 512
# Wider tables are broken into bands, so that cells stay large where a page fits the whole picture in.
_MOST_COLUMNS = 6
_MOST_PIXELS, _MOST_SIDE_PX = 40_000_000, 16_000  # JPEG ends at 65 535 px a side, WebP at 16 383
_GAP_PX = 6
_BACKGROUND, _INK, _EMPTY = "white", "black", "#e4e4e4"
_MOST_LABEL_LINES = 4


@dataclass(frozen=True)
class Row:
    """One face. original: a square; cells: a square for each column, or the words that stand in its place."""

    label: str
    original: Image.Image
    cells: tuple[Image.Image | str, ...]


@dataclass(frozen=True)
class _Sheet:
    """Measures in px of one drawing. bands: the columns that stand above each other."""

    cell: int
    head: int
    margin: int
    line: int
    font: Any
    bands: tuple[range, ...]


def draw(
    columns: Sequence[str], rows: Sequence[Row], cell_px: int, font_of_size: FontOfSize | None = None
) -> tuple[Image.Image, int]:
    """The table, and how many of the rows it holds: all, unless cells of the smallest size would make it too large.

    The first column of every band is the original. font_of_size: gives a font for a height in px; Pillow's own where
    it is None.
    """
    cell = min(max(cell_px, SMALLEST_CELL_PX), LARGEST_CELL_PX)
    sheet = _sheet(columns, rows, cell, font_of_size)
    while not _fits(sheet, len(rows)) and cell > SMALLEST_CELL_PX:
        cell = max(SMALLEST_CELL_PX, cell * 9 // 10)
        sheet = _sheet(columns, rows, cell, font_of_size)
    shown = len(rows)
    while shown > 1 and not _fits(sheet, shown):
        shown -= 1
    picture = Image.new("RGB", _size(sheet, shown), _BACKGROUND)
    for number, band in enumerate(sheet.bands):
        _draw_band(picture, sheet, columns, rows[:shown], band, number * _band_height(sheet, shown))
    return picture, shown


def _sheet(columns: Sequence[str], rows: Sequence[Row], cell: int, font_of_size: FontOfSize | None) -> _Sheet:
    font = (font_of_size or default_font)(max(12, cell // 12))
    line = round(_height(font) * 1.3)
    labels = ["original", *columns]
    most = max(len(_wrapped(label, font, cell, _MOST_LABEL_LINES)) for label in labels)
    margin = round(max(_width(font, word) for row in rows for word in row.label.split("\n"))) + 2 * _GAP_PX
    count = max(1, -(-len(columns) // (_MOST_COLUMNS - 1)))
    ends = [round(len(columns) * number / count) for number in range(count + 1)]
    bands = tuple(range(start, end) for start, end in itertools.pairwise(ends))
    return _Sheet(cell, most * line + 2 * _GAP_PX, margin, line, font, bands)


def _fits(sheet: _Sheet, rows: int) -> bool:
    width, height = _size(sheet, rows)
    return width * height <= _MOST_PIXELS and max(width, height) <= _MOST_SIDE_PX


def _size(sheet: _Sheet, rows: int) -> tuple[int, int]:
    """Width and height."""
    across = 1 + max(len(band) for band in sheet.bands)
    width = sheet.margin + across * (sheet.cell + _GAP_PX) + _GAP_PX
    return width, len(sheet.bands) * _band_height(sheet, rows)


def _band_height(sheet: _Sheet, rows: int) -> int:
    return sheet.head + rows * (sheet.cell + _GAP_PX) + _GAP_PX


def _draw_band(
    picture: Image.Image, sheet: _Sheet, columns: Sequence[str], rows: Sequence[Row], band: range, top: int
) -> None:
    ink = ImageDraw.Draw(picture)
    step = sheet.cell + _GAP_PX
    lefts = [sheet.margin + place * step for place in range(1 + len(band))]
    for left, label in zip(lefts, ["original", *(columns[place] for place in band)]):
        lines = _wrapped(label, sheet.font, sheet.cell, _MOST_LABEL_LINES)
        _write(ink, sheet, lines, left, top + sheet.head - _GAP_PX - len(lines) * sheet.line, sheet.cell)
    for number, row in enumerate(rows):
        upper = top + sheet.head + number * step
        words = row.label.split("\n")
        _write(ink, sheet, words, 0, upper + (sheet.cell - len(words) * sheet.line) // 2, sheet.margin)
        for left, shown in zip(lefts, [row.original, *(row.cells[place] for place in band)]):
            _draw_cell(picture, ink, sheet, shown, left, upper)


def _draw_cell(
    picture: Image.Image, ink: ImageDraw.ImageDraw, sheet: _Sheet, shown: Image.Image | str, left: int, top: int
) -> None:
    if not isinstance(shown, str):
        picture.paste(shown.convert("RGB").resize((sheet.cell, sheet.cell), Image.Resampling.LANCZOS), (left, top))
        return
    ink.rectangle((left, top, left + sheet.cell - 1, top + sheet.cell - 1), fill=_EMPTY)
    lines = _wrapped(shown, sheet.font, sheet.cell - 2 * _GAP_PX, (sheet.cell - 2 * _GAP_PX) // sheet.line)
    _write(ink, sheet, lines, left, top + (sheet.cell - len(lines) * sheet.line) // 2, sheet.cell)


def _write(ink: ImageDraw.ImageDraw, sheet: _Sheet, lines: Sequence[str], left: int, top: int, width: int) -> None:
    """Lines below each other, each in the middle."""
    for number, line in enumerate(lines):
        start = left + (width - _width(sheet.font, line)) / 2
        ink.text((round(start), top + number * sheet.line), line, fill=_INK, font=sheet.font)


def _wrapped(text: str, font: Any, width: int, most: int) -> list[str]:
    """The text in lines that fit; what does not fit ends in dots."""
    text = _writable(text, font)
    longest = max(1, int(width / max(_width(font, "n"), 1)))
    lines = _lines(text, longest)
    while any(_width(font, line) > width for line in lines) and longest > 1:
        longest -= 1
        lines = _lines(text, longest)
    if len(lines) > most:
        lines = [*lines[: max(most - 1, 0)], f"{lines[most - 1][: max(longest - 3, 1)]}..."]
    return lines


def _lines(text: str, longest: int) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, longest)] or [""]


def default_font(size_px: int) -> Any:
    """Pillow's own font of that height; before Pillow 10.1 there is one small one only."""
    try:
        return ImageFont.load_default(size_px)  # type: ignore[call-arg, unused-ignore]
    except (TypeError, OSError):  # an old Pillow, or one without FreeType
        return ImageFont.load_default()


def _writable(text: str, font: Any) -> str:
    """The small font of old Pillows knows Latin-1 only, and raises at anything else."""
    return text if isinstance(font, ImageFont.FreeTypeFont) else text.encode("latin-1", "replace").decode("latin-1")


def _width(font: Any, text: str) -> float:
    return float(font.getbbox(_writable(text, font))[2])


def _height(font: Any) -> int:
    return int(font.getbbox("Ag")[3])
