"""Draw a labelled table of faces: a row for each face, a column for each way to restore it. Knows Pillow only."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FontOfSize = Callable[[int], Any]
"""Height in px → a Pillow font of that height."""
SMALLEST_CELL_PX, LARGEST_CELL_PX = 96, 512
# A table with more columns is broken into bands below each other: pages show the whole picture, and cells of a very
# wide one would be small there.
_MOST_COLUMNS = 6
# JPEG can have 65 535 px a side, WebP 16 383.
_MOST_PIXELS, _MOST_SIDE_PX = 40_000_000, 16_000
_GAP_PX = 6
_BACKGROUND, _INK, _EMPTY = "white", "black", "#e4e4e4"
_MOST_LABEL_LINES = 4


@dataclass(frozen=True)
class Row:
    """One face of the table."""

    label: str
    """One line or more, written before the row."""
    original: Image.Image
    """The face as it is; a square."""
    cells: tuple[Image.Image | str, ...]
    """For each column the restored face, a square, or the words that are written where there is none."""


@dataclass(frozen=True)
class _Sheet:
    """The measures of one table, in px."""

    cell: int
    """Side of a face."""
    head: int
    """Height of the labels above the columns of a band."""
    margin: int
    """Width of the labels before the rows."""
    line: int
    """Height of a line of text."""
    font: Any
    """Pillow's font of all labels."""
    bands: tuple[range, ...]
    """The columns of each band, from the top; the original in front of each band is not counted."""


def draw(
    columns: Sequence[str], rows: Sequence[Row], cell_px: int, font_of_size: FontOfSize | None = None
) -> tuple[Image.Image, int]:
    """Draw the table; return it and the number of its rows.

    columns: their labels. cell_px: wanted side of a cell; limited to the allowed range, and reduced where the table
    would be too large. Where cells of the smallest size make it too large, the last rows are left out.
    font_of_size: Pillow's own font where it is None. The first column of every band shows the originals.
    """
    cell = min(max(cell_px, SMALLEST_CELL_PX), LARGEST_CELL_PX)
    sheet = _sheet(columns, rows, cell, font_of_size)
    while not _fits(sheet, len(rows)) and cell > SMALLEST_CELL_PX:
        cell = max(SMALLEST_CELL_PX, cell * 9 // 10)
        sheet = _sheet(columns, rows, cell, font_of_size)
    count = len(rows)
    while count > 1 and not _fits(sheet, count):
        count -= 1
    picture = Image.new("RGB", _size_wh(sheet, count), _BACKGROUND)
    for number, band in enumerate(sheet.bands):
        _draw_band(picture, sheet, columns, rows[:count], band, number * _band_height(sheet, count))
    return picture, count


def _sheet(columns: Sequence[str], rows: Sequence[Row], cell: int, font_of_size: FontOfSize | None) -> _Sheet:
    """Return the measures of a table with cells of that side in px; columns: their labels."""
    font = (font_of_size or default_font)(max(12, cell // 12))
    line = round(_height(font) * 1.3)
    labels = ["original", *columns]
    most = max(len(_wrapped(label, font, cell, _MOST_LABEL_LINES)) for label in labels)
    margin = round(max(_width(font, word) for row in rows for word in row.label.split("\n"))) + 2 * _GAP_PX
    count = max(1, -(-len(columns) // (_MOST_COLUMNS - 1)))
    ends = [round(len(columns) * number / count) for number in range(count + 1)]
    bands = tuple(range(start, end) for start, end in itertools.pairwise(ends))
    return _Sheet(cell, most * line + 2 * _GAP_PX, margin, line, font, bands)


def _fits(sheet: _Sheet, row_count: int) -> bool:
    """Return whether a table of that many rows is within the limits of pixels and sides."""
    width, height = _size_wh(sheet, row_count)
    return width * height <= _MOST_PIXELS and max(width, height) <= _MOST_SIDE_PX


def _size_wh(sheet: _Sheet, row_count: int) -> tuple[int, int]:
    """Return (width, height) in px of a table of that many rows."""
    across = 1 + max(len(band) for band in sheet.bands)
    width = sheet.margin + across * (sheet.cell + _GAP_PX) + _GAP_PX
    return width, len(sheet.bands) * _band_height(sheet, row_count)


def _band_height(sheet: _Sheet, row_count: int) -> int:
    """Return the height of a band in px, with its labels."""
    return sheet.head + row_count * (sheet.cell + _GAP_PX) + _GAP_PX


def _draw_band(
    picture: Image.Image, sheet: _Sheet, columns: Sequence[str], rows: Sequence[Row], band: range, top: int
) -> None:
    """Draw one band, labels and cells, into the picture. columns: all labels. top: where the band begins, in px."""
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
        for left, content in zip(lefts, [row.original, *(row.cells[place] for place in band)]):
            _draw_cell(picture, ink, sheet, content, left, upper)


def _draw_cell(
    picture: Image.Image, ink: ImageDraw.ImageDraw, sheet: _Sheet, content: Image.Image | str, left: int, top: int
) -> None:
    """Draw one cell, a face or words on grey. left, top: its corner, in px."""
    if not isinstance(content, str):
        picture.paste(content.convert("RGB").resize((sheet.cell, sheet.cell), Image.Resampling.LANCZOS), (left, top))
        return
    ink.rectangle((left, top, left + sheet.cell - 1, top + sheet.cell - 1), fill=_EMPTY)
    lines = _wrapped(content, sheet.font, sheet.cell - 2 * _GAP_PX, (sheet.cell - 2 * _GAP_PX) // sheet.line)
    _write(ink, sheet, lines, left, top + (sheet.cell - len(lines) * sheet.line) // 2, sheet.cell)


def _write(ink: ImageDraw.ImageDraw, sheet: _Sheet, lines: Sequence[str], left: int, top: int, width: int) -> None:
    """Write lines below each other, each centred in a space of that width. left, top: the space's corner; all in px."""
    for number, line in enumerate(lines):
        start = left + (width - _width(sheet.font, line)) / 2
        ink.text((round(start), top + number * sheet.line), line, fill=_INK, font=sheet.font)


def _wrapped(text: str, font: Any, width: int, most: int) -> list[str]:
    """Return the text in lines of at most that width in px; where it needs more lines than `most`, it ends in "..."."""
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
    """Return the text's lines, broken between words so that none has more characters; [""] for an empty text."""
    return [line for part in text.split("\n") for line in textwrap.wrap(part, longest)] or [""]


def default_font(size_px: int) -> Any:
    """Return Pillow's own font of that height; before Pillow 10.1, or without FreeType, its only one, a small one."""
    try:
        return ImageFont.load_default(size_px)  # type: ignore[call-arg, unused-ignore]
    except (TypeError, OSError):  # an old Pillow, or one without FreeType
        return ImageFont.load_default()


def _writable(text: str, font: Any) -> str:
    """Return the text with "?" for what the font cannot write: Pillow's small font raises beyond Latin-1."""
    return text if isinstance(font, ImageFont.FreeTypeFont) else text.encode("latin-1", "replace").decode("latin-1")


def _width(font: Any, text: str) -> float:
    """Return the width of a line in px."""
    return float(font.getbbox(_writable(text, font))[2])


def _height(font: Any) -> int:
    """Return the height in px from the line's top to the lowest letter."""
    return int(font.getbbox("Ag")[3])
