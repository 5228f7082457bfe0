"""The variants of a picture's faces as a grid, and as words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from lib_facerestore.engine.data import FloatPixels
from lib_facerestore.engine.pixels import from_unit_float
from lib_facerestore.hosts import base
from lib_facerestore.webui.comparison import grid_picture

if TYPE_CHECKING:
    from lib_facerestore.engine.comparison import FaceComparison, Variant


def drawn(found: FaceComparison, cell_px: int, said: list[str]) -> Image.Image:
    """A row for each face, a column for each variant, each cell of that many px; what is left out is said."""
    columns = [_label(variant) for variant in found.variants]
    rows = [
        grid_picture.Row(
            f"face {crop.face.index + 1}\n{crop.face.size_px:.0f} px",
            _image(crop.pixels),
            tuple(_cell(variant.faces[place]) for variant in found.variants),
        )
        for place, crop in enumerate(found.prepared.crops)
    ]
    grid, shown = grid_picture.draw(
        columns, rows, cell_px, lambda size: base.font(size) or grid_picture.default_font(size)
    )
    if shown < len(rows):
        said.append(f"The grid shows {shown} of {len(rows)} faces; more would make it too large.")
    return grid


def in_words(found: FaceComparison) -> str:
    """The picture's line in the status."""
    faces, ways = len(found.prepared.crops), len(found.variants)
    if not found.prepared.faces:
        return "no face found"
    skipped = len(found.prepared.faces) - faces
    left = f", {skipped} left out" if skipped else ""
    return (
        f"{faces} {'face' if faces == 1 else 'faces'}{left}, restored in {ways} {'way' if ways == 1 else 'ways'}"
        f" · {found.seconds:.2f} s · {found.device}"
    )


def failures(found: FaceComparison) -> list[str]:
    """Why cells are empty, and what was done otherwise than asked for."""
    empty = [cell for variant in found.variants for cell in variant.faces if isinstance(cell, str)]
    return [*empty, *found.warnings]


def _label(variant: Variant) -> str:
    return variant.restorer if variant.fidelity is None else f"{variant.restorer}\nweight {variant.fidelity:g}"


def _cell(shown: FloatPixels | str) -> Image.Image | str:
    """The picture, or what happened; the status says the rest, which may name folders of this machine."""
    return shown.partition(". ")[0] if isinstance(shown, str) else _image(shown)


def _image(pixels: FloatPixels) -> Image.Image:
    return Image.fromarray(from_unit_float(pixels))
