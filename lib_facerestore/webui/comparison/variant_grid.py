"""Turn the variants of a picture's faces, as the session makes them, into a grid and into sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from lib_facerestore.engine.data import FloatPixels
from lib_facerestore.engine.levels import to_levels
from lib_facerestore.hosts import base
from lib_facerestore.webui.comparison import grid_picture

if TYPE_CHECKING:
    from lib_facerestore.engine.comparison import FaceComparison, Variant


def draw_variants(found: FaceComparison, cell_px: int, said: list[str]) -> Image.Image:
    """Draw a row for each face and a column for each variant, in the font of the host's own plots.

    cell_px: side of a face: see `grid_picture.draw`. Where faces are left out, a sentence is added to `said`.
    """
    columns = [_label(variant) for variant in found.variants]
    rows = [
        grid_picture.Row(
            f"face {crop.face.index + 1}\n{crop.face.size_px:.0f} px",
            _image(crop.pixels),
            tuple(_cell(variant.faces[place]) for variant in found.variants),
        )
        for place, crop in enumerate(found.prepared.crops)
    ]
    grid, count = grid_picture.draw(
        columns, rows, cell_px, lambda size: base.font(size) or grid_picture.default_font(size)
    )
    if count < len(rows):
        said.append(f"The grid shows {count} of {len(rows)} faces; more would make it too large.")
    return grid


def status_of(found: FaceComparison) -> str:
    """Return the picture's line in the status: how many faces, in how many variants, how long, and on which device."""
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
    """Return a sentence for each cell without a face, and the warnings of what ran."""
    empty = [cell for variant in found.variants for cell in variant.faces if isinstance(cell, str)]
    return [*empty, *found.warnings]


def _label(variant: Variant) -> str:
    """Return the label of a variant's column: the model, and its weight if it has one."""
    return variant.restorer if variant.fidelity is None else f"{variant.restorer}\nweight {variant.fidelity:g}"


def _cell(content: FloatPixels | str) -> Image.Image | str:
    """Return what the grid shows of a restored face, or the first sentence of the reason why there is none.

    The other sentences may name folders of the server; they stand in the status only.
    """
    return content.partition(". ")[0] if isinstance(content, str) else _image(content)


def _image(pixels: FloatPixels) -> Image.Image:
    """Return a crop as a PIL image. Shapes: (S, S, 3) RGB float32 in [0, 1]."""
    return Image.fromarray(to_levels(pixels))
