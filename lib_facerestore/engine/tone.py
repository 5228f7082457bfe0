"""Grey and sepia pictures: their colour is a function of brightness, and restored faces must keep to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import FloatPixels, Picture, Pixels, read_only, to_unit_float
from lib_facerestore.engine.resize import reduce_for_looking

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LEVELS = 256
# A picture is toned when the reduced copy lies this close to one colour per brightness, in levels of 8 bits. Measured
# on the samples: their sepia versions deviate by 1.4 on average as JPEG of quality 95, 2.0 at 90, 3.0 at 75 and 4.3 at
# 40 (4:2:0; the worst of 18 each), none of their areas by 16; colour photographs by 10 and more. An exception is a
# night sky, 2.3 on average because nearly all of it is black, but 16 in 1.9 % of its area. At 30 % of their colour six
# of seven photographs are still told from sepia.
_MEAN_DEVIATION, _LARGE_DEVIATION = 3.0, 16.0
_LARGE_PART = 0.01
_LOOK_SIDE_PX, _LEAST_SHRINK = 128, 4.0
_BAND_PX = 1_000_000


@dataclass(frozen=True, eq=False)
class Tone:
    """The one colour that a toned picture has for each brightness: (256, 3) float32 in [0, 1]."""

    colours: NDArray[np.float32]

    def apply(self, pixels: FloatPixels) -> FloatPixels:
        """The pixels' brightness in the picture's tone."""
        position = np.clip(pixels @ _LUMA, 0.0, 1.0) * np.float32(_LEVELS - 1)
        below = np.minimum(position.astype(np.int32), _LEVELS - 2)
        part = (position - below)[..., None]
        return np.asarray(self.colours[below] * (1 - part) + self.colours[below + 1] * part, np.float32)

    def paint(self, canvas: Pixels) -> None:
        """Bring a whole picture to the tone, in place: (H, W, 3) uint8 or uint16. Works in bands of rows."""
        largest = np.float32(np.iinfo(canvas.dtype).max)
        rows = max(1, _BAND_PX // canvas.shape[1])
        for start in range(0, canvas.shape[0], rows):
            band = canvas[start : start + rows]
            band[...] = np.rint(self.apply(to_unit_float(band)) * largest).clip(0, largest).astype(canvas.dtype)


def tone_of(picture: Picture, keep: str) -> Tone | None:
    """The picture's tone, or None for a colour photograph.

    keep: "auto" looks whether the picture is grey or toned, "on" takes it for toned, "off" never does.
    """
    if keep == "off":
        return None
    if picture.is_grey:
        return Tone(read_only(np.repeat(np.linspace(0, 1, _LEVELS, dtype=np.float32)[:, None], 3, axis=1)))
    small = _small(picture.pixels)
    colours = _colours_by_brightness(small)
    if keep == "auto" and not _is_toned(small, colours):
        return None
    return Tone(read_only(colours))


def _small(pixels: Pixels) -> FloatPixels:
    """A much reduced copy, (N, 3) float32 in [0, 1]: tone is a matter of areas, JPEG's noise one of pixels."""
    height, width = pixels.shape[:2]
    shrink = max(_LEAST_SHRINK, max(height, width) / _LOOK_SIDE_PX)
    size_wh = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return to_unit_float(reduce_for_looking(pixels, size_wh).reshape(-1, 3))


def _colours_by_brightness(small: FloatPixels) -> NDArray[np.float32]:
    """Mean colour of each brightness; brightnesses that do not occur lie on the line between their neighbours."""
    level = np.rint((small @ _LUMA) * (_LEVELS - 1)).astype(int).clip(0, _LEVELS - 1)
    count = np.bincount(level, minlength=_LEVELS)
    seen = np.flatnonzero(count)
    colours = np.empty((_LEVELS, 3), np.float32)
    # Black and white anchor the ends, so that a face brighter than all of the picture is not cut off.
    anchors = np.concatenate([[-1], seen, [_LEVELS]]) if seen.size else np.array([-1, _LEVELS])
    for channel in range(3):
        total = np.bincount(level, small[:, channel], _LEVELS)
        means = total[seen] / count[seen]
        values = np.concatenate([[0.0], means, [1.0]])
        colours[:, channel] = np.interp(np.arange(_LEVELS), anchors, values)
    return colours


def _is_toned(small: FloatPixels, colours: NDArray[np.float32]) -> bool:
    deviation = np.abs(small - Tone(colours).apply(small)).max(axis=1) * (_LEVELS - 1)
    return bool(deviation.mean() < _MEAN_DEVIATION and (deviation > _LARGE_DEVIATION).mean() < _LARGE_PART)
