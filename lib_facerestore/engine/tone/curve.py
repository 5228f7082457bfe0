"""A tone as a curve from brightness to colour, and the tone of a place, if it has one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import FloatPixels, Picture, Pixels, read_only
from lib_facerestore.engine.levels import to_levels, to_unit_float
from lib_facerestore.engine.tone import evidence
from lib_facerestore.engine.tone.cells import KNOTS, LUMA, Cells, cells_of

_LEVELS = 256
_SMALL = 1e-6
# Cells of a square of a picture; a small one has too few of 8 px to tell a tone from chance.
_CELL_PX, _SMALL_CELL_PX, _SMALL_SIDE_PX = 8, 4, 72
_BAND_PX = 1_000_000


@dataclass(frozen=True, eq=False)
class Tone:
    """The one colour that a toned place has for each brightness: (256, 3) float32 in [0, 1]."""

    colours: NDArray[np.float32]

    def apply(self, pixels: FloatPixels) -> FloatPixels:
        """The pixels' brightness in the tone. Shapes: (H, W, 3) float32 in [0, 1] → the same, new memory."""
        position = np.clip(pixels @ LUMA, 0.0, 1.0) * np.float32(_LEVELS - 1)
        below = np.minimum(position.astype(np.int32), _LEVELS - 2)
        part = (position - below)[..., None]
        return np.asarray(self.colours[below] * (1 - part) + self.colours[below + 1] * part, np.float32)

    def paint(self, canvas: Pixels) -> None:
        """Bring a whole picture to the tone, in place: (H, W, 3) uint8 or uint16. Works in bands of rows."""
        rows = max(1, _BAND_PX // canvas.shape[1])
        for start in range(0, canvas.shape[0], rows):
            band = canvas[start : start + rows]
            band[...] = to_levels(self.apply(to_unit_float(band)), canvas.dtype)


GREY = Tone(read_only(np.repeat(np.linspace(0, 1, _LEVELS, dtype=np.float32)[:, None], 3, axis=1)))


def tone_of(picture: Picture, keep: str) -> Tone | None:
    """The tone of a picture as a whole, or None where some of its colours are no tone's.

    keep: "auto" looks whether the picture is grey or toned, "on" takes it for toned, "off" never does.
    """
    if keep == "off":
        return None
    return GREY if picture.is_grey else tone_of_cells(cells_of(picture.pixels), keep)


def tone_of_square(pixels: FloatPixels, keep: str) -> Tone | None:
    """The tone of a square of a picture at the picture's own size, or None. keep: "auto" or "on".

    Shapes: pixels (S, S, 3) float32 in [0, 1].
    """
    side_px = _CELL_PX if pixels.shape[0] >= _SMALL_SIDE_PX else _SMALL_CELL_PX
    return tone_of_cells(cells_of(pixels, side_px), keep)


def tone_of_cells(cells: Cells, keep: str) -> Tone | None:
    """The tone of a place, or None where some of its colours are no tone's. keep: "auto" or "on"."""
    found = evidence.fit(cells) if keep == "on" else evidence.believed(cells)
    return None if found is None else tone_with(found)


def tone_with(colour: NDArray[np.float32]) -> Tone:
    """The tone whose colour at each knot's brightness is that: (knots, 2), red and blue above brightness, in levels.

    A colour that does not exist so bright or so dark is made paler and keeps its brightness: white stays white.
    """
    luma = np.arange(_LEVELS, dtype=np.float32)
    red, blue = (np.interp(luma, KNOTS, colour[:, channel]) for channel in range(2))
    green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    above = np.stack([red, green, blue], axis=1)
    room = np.minimum(
        (_LEVELS - 1 - luma) / np.maximum(above.max(axis=1), _SMALL), luma / np.maximum(-above.min(axis=1), _SMALL)
    )
    levels = luma[:, None] + above * np.minimum(room, 1.0)[:, None]
    return Tone(read_only(np.clip(levels / (_LEVELS - 1), 0.0, 1.0).astype(np.float32)))
