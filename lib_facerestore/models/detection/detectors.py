"""RetinaFace behind the detector port: batches by size, a second size for large pictures, lying faces, duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Box, Face, ModelUsed, Pixels
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.detection.accepted_rows import CERTAIN_SCORE, accept_rows
from lib_facerestore.models.detection.detected_rows import (
    ROW_LENGTH,
    first_of_each_person,
    not_nested,
    own_eyes_only,
    tilt_degrees,
    turned_back,
)
from lib_facerestore.models.detection.detection_size import resize_for_detection, rows_in_picture_px
from lib_facerestore.models.detection.retinaface import RetinaFaceNetwork

if TYPE_CHECKING:
    import torch

# Rows below this score are not worth verifying.
_DOUBTFUL_SCORE = 0.02
# A picture whose short side is this much larger than the asked one is searched again, at up to twice the asked size.
_WORTH_ANOTHER_SCALE = 1.25
# A face turned further than this lies, and is found better with the picture turned by a quarter.
_LYING_DEGREES = 60.0


class RetinaFaceDetector:
    """Finds faces with their five landmarks in whole pictures; see `engine.ports.Detector`."""

    def __init__(self, spec: ModelSpec, sha256: str, state: dict[str, torch.Tensor], device: torch.device) -> None:
        """Build the network of a row of the catalogue. state: its weights, in facexlib's names.

        Raises: RuntimeError of torch where names or shapes of the weights do not fit; OutOfMemory; DeviceFailed.
        """
        self.used = ModelUsed("detector", spec.name, sha256)
        self.default_threshold = spec.threshold
        backbone = "mobile0.25" if spec.family == "retinaface-mobile0.25" else "resnet50"
        self.network = RetinaFaceNetwork(spec.name, state, backbone, device)

    @property
    def device(self) -> torch.device:
        """The device on which the network runs now."""
        return self.network.device

    def move(self, device: torch.device) -> None:
        """Move the network to another device. Raises: OutOfMemory, DeviceFailed, and the network stays; DeviceLost."""
        self.network.move(device)

    def fall_back(self) -> bool:
        """Move the network to the CPU after its device failed or had no memory; False where it is there already."""
        return self.network.fall_back()

    def avoid(self, device: str, problem: str) -> None:
        """Remember that a device failed where the CPU gave a result."""
        self.network.avoid(device, problem)

    @property
    def failures(self) -> dict[str, str]:
        """Devices that failed where the CPU gave a result, each with what it said."""
        return self.network.failures

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        """Find the faces of each picture, in its own px, best score first; see `engine.ports.Detector`.

        Shapes: each picture (H, W, 3) RGB uint8 or uint16. Pictures that are resized to one size run as one batch.
        threshold: the lowest score of a face, in [0, 1]. short_side_px: the size at which the network sees a picture.
        Raises: OutOfMemory; InferenceFailed.
        """
        first = self._rows_at(pictures, short_side_px)
        return [self._faces(pixels, rows, threshold, short_side_px) for pixels, rows in zip(pictures, first)]

    def _rows_at(self, pictures: Sequence[Pixels], short_side_px: int) -> list[NDArray[np.float32]]:
        """Rows (N, 15) of each picture, in its own px, found at that short side; best first."""
        resized = [resize_for_detection(pixels, short_side_px) for pixels in pictures]
        found = [np.empty((0, ROW_LENGTH), np.float32) for _ in pictures]
        by_size = sorted(range(len(resized)), key=lambda index: resized[index].shape)
        for _, indices in itertools.groupby(by_size, key=lambda index: resized[index].shape):
            group = list(indices)
            batch = np.stack([resized[index] for index in group])
            for index, rows in zip(group, self.network.rows(batch, _DOUBTFUL_SCORE)):
                found[index] = rows_in_picture_px(rows, resized[index].shape, pictures[index].shape)
        return found

    def _faces(self, pixels: Pixels, rows: NDArray[np.float32], threshold: float, short_side_px: int) -> list[Face]:
        """The faces of one picture (H, W, 3), from the rows (N, 15) of the first pass; best score first."""
        found = self._accepted(pixels, rows, rows[:0], threshold, short_side_px)
        # Where one person lies or stands on the head, others often do, and a picture turned likewise shows them.
        for quarters in sorted({_quarters(row) for row in found} - {0}):
            found = np.concatenate([found, self._turned(pixels, quarters, found, threshold, short_side_px)])
        kept = own_eyes_only(not_nested(first_of_each_person(found)))
        kept = kept[np.argsort(-kept[:, 4], kind="stable")]
        height, width = pixels.shape[:2]
        return [
            Face(index, _clipped(row[:4], height, width), row[5:].reshape(5, 2), float(row[4]))
            for index, row in enumerate(kept)
        ]

    def _turned(
        self, pixels: Pixels, quarters: int, known: NDArray[np.float32], threshold: float, short_side_px: int
    ) -> NDArray[np.float32]:
        """Further faces, as rows (N, 15) in px of the picture, found with it turned counter-clockwise by quarters.

        known (K, 15): the faces found so far.
        """
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        (first,) = self._rows_at([turned], short_side_px)
        known = turned_back(known, 4 - quarters, (pixels.shape[0], pixels.shape[1]))
        found = self._accepted(turned, first, known, threshold, short_side_px)
        return turned_back(found, quarters, (turned.shape[0], turned.shape[1]))

    def _accepted(
        self,
        pixels: Pixels,
        rows: NDArray[np.float32],
        known: NDArray[np.float32],
        threshold: float,
        short_side_px: int,
    ) -> NDArray[np.float32]:
        """Rows (M, 15) of the faces that are not known; a large picture is searched at a second size before."""
        largest = min(pixels.shape[:2])
        if largest >= _WORTH_ANOTHER_SCALE * short_side_px:
            (larger,) = self._rows_at([pixels], min(largest, 2 * short_side_px))
            rows = _merged(rows, larger, max(threshold, CERTAIN_SCORE))
        return accept_rows(self.network, pixels, rows, known, threshold)


def _merged(first: NDArray[np.float32], larger: NDArray[np.float32], certain_score: float) -> NDArray[np.float32]:
    """One row for each person from the rows of both sizes, (N, 15) and (K, 15).

    Rows of the first size from certain_score on come before all others and keep their landmarks; the rest is sorted by
    score.
    """
    rows = np.concatenate([first, larger])
    is_settled = np.concatenate([first[:, 4] >= certain_score, np.zeros(len(larger), bool)])
    return first_of_each_person(rows[np.lexsort((-rows[:, 4], ~is_settled))])


def _quarters(row: NDArray[np.float32]) -> int:
    """By how many quarters the picture must turn counter-clockwise until the face stands nearly upright, 0 … 3."""
    tilt = tilt_degrees(row)
    return round(tilt / 90) % 4 if abs(tilt) >= _LYING_DEGREES else 0


def _clipped(edges: NDArray[np.float32], height: int, width: int) -> Box:
    """A row's box (4) as far as it lies in a picture of that size."""
    left, top, right, bottom = np.clip(edges, 0, (width, height, width, height))
    return float(left), float(top), float(right), float(bottom)
