"""Where an upscaled picture keeps its tone: each place decides on its own pixels of the source, and no seam shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Picture, Pixels
from lib_facerestore.engine.levels import to_levels, to_unit_float
from lib_facerestore.engine.tone import evidence
from lib_facerestore.engine.tone.cells import Cells, cells_of
from lib_facerestore.engine.tone.curve import GREY, Tone, tone_of_cells, tone_with

# A block is what one decision is about. Cells are 8 px, or 16 in large pictures.
_BLOCK_CELLS = 4
# A tone is first seen in a window of 256 px or more. In windows of 128 px of colour photographs at three times their
# size, 3 in 100 look toned, of 256 px 1 in 400; of sepia photographs all do but those of one even grey.
_WINDOW_BLOCKS, _MOST_WINDOWS = 8, 12
_BAND_PX = 500_000
_NOWHERE = -1


@dataclass(frozen=True, eq=False)
class TonedPlaces:
    """Which blocks of a picture have which tone.

    tones: those that occur. labels: (rows, columns) of blocks, the tone's place in `tones`, or −1. block_px: of the
    source.
    """

    tones: tuple[Tone, ...]
    labels: NDArray[np.int32]
    block_px: int

    @property
    def part(self) -> float:
        """How much of the picture keeps a tone, 0 … 1."""
        return float(self._kept().mean())

    def paint(self, canvas: Pixels, scale_xy: tuple[float, float]) -> None:
        """Bring the toned places of the enlarged picture to their tones, in place. Works in bands of rows.

        Shapes: canvas (H, W, 3) uint8 or uint16. Blocks without a tone stay as they are to the bit. A block takes its
        tone whole where all eight around it have one too; towards others it fades over a block's length.
        """
        kept = self._kept()
        if kept.all() and len(self.tones) == 1:
            self.tones[0].paint(canvas)
            return
        height, width = canvas.shape[:2]
        columns = _between(np.arange(width), scale_xy[0] * self.block_px, kept.shape[1])
        step = max(1, _BAND_PX // width)
        for top in range(0, height, step):
            rows = _between(np.arange(top, min(top + step, height)), scale_xy[1] * self.block_px, kept.shape[0])
            band = canvas[top : top + step]
            before = to_unit_float(band) if kept[rows.first.min() : rows.second.max() + 1].any() else None
            if before is not None:
                band[...] = to_levels(self._painted(before, kept, rows, columns), canvas.dtype)

    def _painted(
        self, band: NDArray[np.float32], kept: NDArray[np.bool_], rows: _Between, columns: _Between
    ) -> NDArray[np.float32]:
        """The band with each tone laid over it as far as the tone's blocks are near."""
        result = band.copy()
        near = slice(int(rows.first.min()), int(rows.second.max()) + 1)
        for index in np.unique(self.labels[near][kept[near]]):
            share = _spread((kept & (self.labels == index)).astype(np.float32), rows, columns)
            touched = np.flatnonzero(share.any(axis=0))
            here = slice(int(touched[0]), int(touched[-1]) + 1)
            toned = self.tones[index].apply(band[:, here])
            result[:, here] += (toned - band[:, here]) * share[:, here, None]
        return result

    def _kept(self) -> NDArray[np.bool_]:
        """(rows, columns): blocks that have a tone and lie among such; beyond the border all do."""
        has_tone = (self.labels != _NOWHERE).view(np.uint8)
        eroded = cv2.erode(has_tone, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
        return np.asarray(eroded > 0)


def toned_places(picture: Picture, keep: str) -> TonedPlaces | None:
    """Where a picture has a tone, or None where it has none anywhere.

    keep: "auto" looks at each place, "on" takes the whole picture for toned, "off" nothing.
    """
    if keep == "off":
        return None
    if picture.is_grey:
        return _everywhere(GREY)
    cells = cells_of(picture.pixels)
    whole = tone_of_cells(cells, keep)
    if whole is not None:
        return _everywhere(whole)
    tones, labels = _labelled(cells)
    found = TonedPlaces(tuple(tones), labels, cells.side_px * _BLOCK_CELLS)
    return found if found.part > 0 else None


def _everywhere(tone: Tone) -> TonedPlaces:
    return TonedPlaces((tone,), np.zeros((1, 1), np.int32), 1)


def _labelled(cells: Cells) -> tuple[list[Tone], NDArray[np.int32]]:
    """Tones, and for each block the place of its own among them, or −1.

    What is grey is grey first. A window of other blocks that has a tone hands it to all blocks connected with it that
    agree. Black is of all tones, and grey where none came to it.
    """
    is_grey = _blocks(evidence.is_grey(cells))
    labels = np.where(is_grey & ~_blocks(evidence.is_black(cells)), 0, _NOWHERE).astype(np.int32)
    tones = [GREY]
    for window in _windows(*labels.shape):
        if (labels[window] != _NOWHERE).mean() > 0.5:
            continue  # what agrees with the tones there has them already
        here = cells.part(*(slice(part.start * _BLOCK_CELLS, part.stop * _BLOCK_CELLS) for part in window))
        colour = evidence.believed(here, bool((labels[window] == 0).any()))
        if colour is None:
            continue
        limits = evidence.strict_limits(evidence.noise_of(here, colour))
        free = (labels == _NOWHERE) & _blocks(evidence.within(cells, colour, limits))
        labels[_connected(free, window)] = len(tones)
        tones.append(tone_with(colour))
    labels[(labels == _NOWHERE) & is_grey] = 0
    return tones, labels


def _windows(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Squares of blocks, one every quarter of a side; none where the picture is smaller than one."""
    side = max(_WINDOW_BLOCKS, -(-max(rows, columns) // _MOST_WINDOWS))
    for top in range(0, rows - side + 1, side // 4):
        for left in range(0, columns - side + 1, side // 4):
            yield slice(top, top + side), slice(left, left + side)


def _blocks(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all cells of each block are true."""
    missing = [(0, -count % _BLOCK_CELLS) for count in cells.shape]
    padded = np.pad(cells, missing, constant_values=True)
    rows, columns = (count // _BLOCK_CELLS for count in padded.shape)
    return np.asarray(padded.reshape(rows, _BLOCK_CELLS, columns, _BLOCK_CELLS).all((1, 3)))


def _connected(free: NDArray[np.bool_], window: tuple[slice, slice]) -> NDArray[np.bool_]:
    """The blocks that are connected, side by side, with one in the window."""
    _, parts = cv2.connectedComponents(free.view(np.uint8), connectivity=4)
    wanted = np.unique(parts[window][free[window]])
    return np.asarray(free & np.isin(parts, wanted))


@dataclass(frozen=True, eq=False)
class _Between:
    """For each row (or column) of a canvas the two block centres it lies between, and the share of the second."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    share: NDArray[np.float32]


def _between(places: NDArray[np.int64], block_px: float, count: int) -> _Between:
    """places: px of the canvas. block_px: side of a block there."""
    position = np.clip((places + 0.5) / block_px - 0.5, 0, count - 1)
    first = position.astype(np.int64)
    share = (position - first).astype(np.float32)
    return _Between(first, np.minimum(first + 1, count - 1), share)


def _spread(blocks: NDArray[np.float32], rows: _Between, columns: _Between) -> NDArray[np.float32]:
    """A map of blocks on the canvas' grid, bilinear between the blocks' centres."""
    lines = blocks[rows.first] + (blocks[rows.second] - blocks[rows.first]) * rows.share[:, None]
    left, right = lines[:, columns.first], lines[:, columns.second]
    return np.asarray(left + (right - left) * columns.share, np.float32)
