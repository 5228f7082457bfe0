"""RetinaFace behind the detector port: sizes, scales, a second look at doubtful faces, duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Box, Face, ModelUsed, Pixels
from lib_facerestore.engine.resize import reduce_for_looking
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.retinaface import ROW_LENGTH, RetinaFaceNetwork
from lib_facerestore.models.second_look import look_again, overlap

if TYPE_CHECKING:
    import torch

# Stock accepts a face at this score and knows no other; ours needs no second look from here on.
_CERTAIN = 0.97
# Below the second value nothing is worth a second look; at most so many places of a picture get one.
_DOUBTFUL = 0.02
_MOST_DOUBTFUL = 64
# Two rows of different scales with this overlap (intersection over union) show the same face.
_SAME_FACE = 0.4
# A picture whose short side is this much larger than the first look's gets another look at up to twice the size.
_WORTH_ANOTHER_SCALE = 1.25
# A first look this sure found the right points, even where the second look had to confirm that it is a face.
_GOOD_POINTS = 0.6
# A box with this part of its area inside another one shows the same face, or an eye taken for a face.
_NESTED_PART = 0.85
# The long side is bounded too, or a 40,000×200 strip would be enlarged to 128,000×640.
_MOST_LONG_PER_SHORT = 4


class RetinaFaceDetector:
    """Finds faces with their five landmarks."""

    def __init__(self, spec: ModelSpec, sha256: str, state: dict[str, torch.Tensor], device: torch.device) -> None:
        self.used = ModelUsed("detector", spec.name, sha256)
        self.default_threshold = spec.threshold
        backbone = "mobile0.25" if spec.family == "retinaface-mobile0.25" else "resnet50"
        self.network = RetinaFaceNetwork(spec.name, state, backbone, device)

    def move(self, device: torch.device) -> None:
        """See `models.devices.OnDevice`."""
        self.network.move(device)

    def fall_back(self) -> bool:
        """See `engine.ports.HasFallback`."""
        return self.network.fall_back()

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        """See `engine.ports.Detector`. Pictures that shrink to one size run as one batch."""
        first = self._rows_at(pictures, short_side_px)
        return [self._faces(pixels, rows, threshold, short_side_px) for pixels, rows in zip(pictures, first)]

    def _rows_at(self, pictures: Sequence[Pixels], short_side_px: int) -> list[NDArray[np.float32]]:
        """Rows (N, 15) of each picture, in its own px, found at that short side."""
        small = [resize_for_detection(pixels, short_side_px) for pixels in pictures]
        found = [np.empty((0, ROW_LENGTH), np.float32) for _ in pictures]
        by_size = sorted(range(len(small)), key=lambda index: small[index].shape)
        for _, indices in itertools.groupby(by_size, key=lambda index: small[index].shape):
            group = list(indices)
            for index, rows in zip(group, self.network.rows(np.stack([small[i] for i in group]), _DOUBTFUL)):
                found[index] = _in_picture_px(rows, small[index].shape, pictures[index].shape)
        return found

    def _faces(self, pixels: Pixels, rows: NDArray[np.float32], threshold: float, short_side_px: int) -> list[Face]:
        certain_score = max(threshold, _CERTAIN)
        largest = min(pixels.shape[:2])
        if largest >= _WORTH_ANOTHER_SCALE * short_side_px:
            (larger,) = self._rows_at([pixels], min(largest, 2 * short_side_px))
            rows = _merged(rows, larger, certain_score)
        certain = rows[rows[:, 4] >= certain_score]
        doubtful = _not_within(rows[rows[:, 4] < certain_score], certain)[:_MOST_DOUBTFUL]
        confirmed = _confirmed(doubtful, look_again(self.network, pixels, doubtful, threshold), threshold)
        kept = np.concatenate([certain, confirmed])
        kept = drop_nested(kept[np.argsort(-kept[:, 4], kind="stable")])
        height, width = pixels.shape[:2]
        return [
            Face(index, _clipped(row[:4], height, width), row[5:].reshape(5, 2), float(row[4]))
            for index, row in enumerate(kept)
        ]


def resize_for_detection(pixels: Pixels, short_side_px: int) -> NDArray[np.uint8]:
    """The picture as uint8 with its short side at that many px: averaged when it shrinks, bilinear when it grows.

    Stock samples with LANCZOS4 without a filter, which aliases large pictures. Enlarging finds more small faces.
    """
    height, width = pixels.shape[:2]
    scale = short_side_px / min(height, width)
    scale = min(scale, _MOST_LONG_PER_SHORT * short_side_px / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size_wh != (width, height):
        is_smaller = size_wh[0] <= width and size_wh[1] <= height
        pixels = reduce_for_looking(pixels, size_wh) if is_smaller else cv2.resize(pixels, size_wh)
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


def drop_nested(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows without those that lie inside an earlier one, or that an earlier one lies inside of."""
    kept: list[NDArray[np.float32]] = []
    for row in rows:
        if all(_shared_part(row, other) < _NESTED_PART for other in kept):
            kept.append(row)
    return np.array(kept, np.float32).reshape(-1, ROW_LENGTH)


def _in_picture_px(rows: NDArray[np.float32], small: tuple[int, ...], picture: tuple[int, ...]) -> NDArray[np.float32]:
    """Rows of the resized picture in the picture's own px; scores stay as the network gave them."""
    ratio = np.array([picture[1] / small[1], picture[0] / small[0]], np.float32)
    # Box edges lie between pixels, landmarks on them: u = x·r for edges, u = (x + ½)·r − ½ for points.
    edges = (rows[:, :4].reshape(-1, 2, 2) * ratio).reshape(-1, 4)
    points = ((rows[:, 5:].reshape(-1, 5, 2) + 0.5) * ratio - 0.5).reshape(-1, 10)
    return np.hstack([edges, rows[:, 4:5], points]).astype(np.float32)


def _merged(first: NDArray[np.float32], larger: NDArray[np.float32], certain_score: float) -> NDArray[np.float32]:
    """Rows of both looks, best first; what the first look is certain of comes before all else and keeps its points."""
    rows = np.concatenate([first, larger])
    is_settled = np.concatenate([first[:, 4] >= certain_score, np.zeros(len(larger), bool)])
    kept: list[NDArray[np.float32]] = []
    for row in rows[np.lexsort((-rows[:, 4], ~is_settled))]:
        if all(overlap(row, other) < _SAME_FACE for other in kept):
            kept.append(row)
    return np.array(kept, np.float32).reshape(-1, ROW_LENGTH)


def _not_within(rows: NDArray[np.float32], certain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that do not show a face that is certain already, or a part of it.

    Doubtful rows are not held against each other before their second look: junk would push real faces out.
    """
    free = [row for row in rows if all(_shared_part(row, face) < _NESTED_PART for face in certain)]
    return np.array(free, np.float32).reshape(-1, ROW_LENGTH)


def _confirmed(doubtful: NDArray[np.float32], again: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Doubtful rows that the second look took for faces, with its score, and its points where the first was lost."""
    rows = np.where(doubtful[:, 4:5] >= _GOOD_POINTS, doubtful, again)
    rows[:, 4] = again[:, 4]
    return np.asarray(rows[again[:, 4] >= threshold], np.float32)


def _clipped(edges: NDArray[np.float32], height: int, width: int) -> Box:
    left, top, right, bottom = np.clip(edges, 0, (width, height, width, height))
    return float(left), float(top), float(right), float(bottom)


def _shared_part(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Area that two boxes share, as a part of the smaller one's."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return float(max(width, 0) * max(height, 0) / max(smaller, 1e-9))
