"""Where the time goes: for each row two bars, stock's and ours, as a drawing in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from benchmarks.speed.clock import STAGES

COLOURS = dict(zip(STAGES, ("#4e79a7", "#9c755f", "#e15759", "#edc948", "#59a14f", "#bab0ac")))
_WIDTH_PX, _BAR_LEFT_PX, _BAR_PX = 860, 250, 480  # of the drawing; where bars begin; length of stock's
_BAR_HEIGHT_PX, _PAIR_PX, _HEAD_PX = 16, 52, 44


def svg(rows: Sequence[dict[str, Any]]) -> str:
    """Stock's bar is as long in every row, so that lengths are ratios; the seconds stand beside them.

    rows: those of `speed.json`; drawn are the ones that restore with networks and our usual helpers in full precision.
    """
    drawn = [row for row in rows if row["variant"] == "ours" and row["restorer"] != "–"]
    height = _HEAD_PX + _PAIR_PX * len(drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH_PX}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{_WIDTH_PX}" height="{height}" fill="#fff"/>',
        *_legend(),
    ]
    for index, row in enumerate(drawn):
        parts += _pair(row, _HEAD_PX + _PAIR_PX * index)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    for index, (stage, colour) in enumerate(COLOURS.items()):
        x = _BAR_LEFT_PX + 80 * index
        yield f'<rect x="{x}" y="12" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="22">{stage}</text>'


def _pair(row: dict[str, Any], y: int) -> Iterator[str]:
    yield f'<text x="12" y="{y + 13}">{escape(row["scenario"])}</text>'
    words = f"{row['restorer']}, {row['device']}, {row['ratio']:.2f}×"
    yield f'<text x="12" y="{y + 31}" font-weight="bold">{escape(words)}</text>'
    px_per_second = _BAR_PX / row["stock"]["total"]
    for name, top in (("stock", y), ("ours", y + _BAR_HEIGHT_PX + 2)):
        seconds = row[name]
        x = float(_BAR_LEFT_PX)
        for stage, colour in COLOURS.items():
            # Subtracting one stage from another can leave a hair below nothing.
            width = max(0.0, seconds[stage]) * px_per_second
            yield (
                f'<rect class="{name} {stage}" x="{x:.1f}" y="{top}" width="{width:.1f}" '
                f'height="{_BAR_HEIGHT_PX}" fill="{colour}"/>'
            )
            x += width
        yield f'<text x="{x + 6:.1f}" y="{top + 13}">{name} {seconds["total"]:.1f} s</text>'
