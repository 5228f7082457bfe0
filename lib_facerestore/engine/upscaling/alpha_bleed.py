"""Colours below full transparency: nobody sees them, but every filter would mix them into the edges of what is seen."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Pixels, read_only
from lib_facerestore.engine.ports import MAX_CONTEXT_PX
from lib_facerestore.engine.upscaling.resize import LOBES

# Bounds labels and distances, 8 bytes a px, to some tens of megabytes; wider pictures take bands of twice the reach.
_BAND_PX = 2_000_000


def spread_colours(pixels: Pixels, alpha: NDArray[Any], size_hw: tuple[int, int]) -> Pixels:
    """A copy that can be brought to `size_hw`: fully transparent pixels have the colour of the nearest visible one.

    Shapes: (H, W, 3) and (H, W), uint8 or uint16 → (H, W, 3), read-only. Pixels too far from all that is seen to matter
    may keep their own colour. The pixels themselves where nothing or everything is fully transparent. Works in bands
    of rows.
    """
    if alpha.all() or not alpha.any():
        return pixels
    shrink = max(alpha.shape[0] / size_hw[0], alpha.shape[1] / size_hw[1])
    reach = max(MAX_CONTEXT_PX, math.ceil(LOBES * shrink))
    filled = pixels.copy()
    rows = max(2 * reach, _BAND_PX // alpha.shape[1])
    for top in range(0, alpha.shape[0], rows):
        first, last = max(0, top - reach), top + rows + reach
        hidden = alpha[first:last] == 0
        band = slice(top - first, top - first + rows)
        if hidden[band].any() and not hidden.all():
            colours = _nearest_visible(pixels[first:last], hidden, band)
            filled[top : top + rows][hidden[band]] = colours
    return read_only(filled)


def _nearest_visible(pixels: Pixels, hidden: NDArray[np.bool_], band: slice) -> Pixels:
    """(N, 3): for each hidden pixel of the band's rows the colour of the nearest one that is not hidden."""
    _, labels = cv2.distanceTransformWithLabels(
        hidden.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seen = ~hidden
    colour_of = np.zeros((int(labels.max()) + 1, 3), pixels.dtype)
    colour_of[labels[seen]] = pixels[seen]
    nearest: Pixels = colour_of[labels[band][hidden[band]]]
    return nearest
