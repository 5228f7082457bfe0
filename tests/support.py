"""Fakes and measures that tests share. Fakes are for order and failures; what networks do is tested with networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lib_facerestore.engine.data import Crop, Face, FloatPixels, ModelUsed, Pixels
from lib_facerestore.errors import InferenceFailed


class FakeDetector:
    """Finds the faces it was given, whatever the picture shows."""

    used = ModelUsed("detector", "fake detector", "0" * 64)
    default_threshold = 0.5

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        return [list(self.faces) for _ in pictures]


class FakeRestorer:
    """Inverts every crop; fails on the faces it was told to fail on."""

    used = ModelUsed("restorer", "fake restorer", "1" * 64)
    has_fidelity = False

    def __init__(self, enlarged: int = 1, failing: frozenset[int] = frozenset()) -> None:
        self.enlarged, self.failing = enlarged, failing
        self.batches: list[list[int]] = []

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        self.batches.append([crop.face.index for crop in crops])
        for crop in crops:
            if crop.face.index in self.failing:
                raise InferenceFailed("fake restorer", "it was told to", crop.face.index)
        return [np.repeat(np.repeat(1 - c.pixels, self.enlarged, 0), self.enlarged, 1) for c in crops]


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> float:
    """Peak signal to noise ratio in dB; infinite for equal arrays."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))
