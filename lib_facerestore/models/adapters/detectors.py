"""RetinaFace behind the detector port: sizes, scales, a second look at doubtful faces, duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Box, Face, ModelUsed, Pixels
from lib_facerestore.engine.upscaling import area_downscale
from lib_facerestore.models.adapters.detected_rows import (
    NESTED_PART,
    ROW_LENGTH,
    degrees_apart,
    first_of_each_person,
    not_nested,
    own_eyes_only,
    shared_parts,
    tilt_degrees,
    turned_back,
    without_known,
)
from lib_facerestore.models.adapters.face_verification import look_again
from lib_facerestore.models.adapters.retinaface import RetinaFaceNetwork
from lib_facerestore.models.adapters.upright import set_upright, stands_as_said
from lib_facerestore.models.catalogue import ModelSpec

if TYPE_CHECKING:
    import torch

# Stock accepts a face at this score and knows no other; ours needs no second look from here on.
_CERTAIN = 0.97
# Below the second value nothing is worth a second look; at most so many places of a picture get one.
_DOUBTFUL = 0.02
_MOST_DOUBTFUL = 64
# A picture whose short side is this much larger than the first look's gets another look at up to twice the size.
_WORTH_ANOTHER_SCALE = 1.25
# A first look this sure found the right points, even where the second look had to confirm that it is a face.
_GOOD_POINTS = 0.6
# With points that look upright, faces on their heads reached first scores of 0.995.
_PLAIN_SCORE = 0.998
_PLAIN_TILT_DEGREES = 35.0
# So likely places that the second look did not confirm are looked at from all sides, at most so many, and are faces
# from the third score on.
_PROMISING = 0.2
_MOST_PROMISING = 4
_SURE_UPRIGHT = 0.95
# A face turned further than this lies, and is found better with the picture turned by a quarter.
_LYING_DEGREES = 60.0
# A nearly upright row keeps its own points where the upright view finds the face turned no further from it than this.
_SAME_TILT_DEGREES = 20.0
# The long side is bounded too, or a 40,000×200 strip would be enlarged to 128,000×640.
_MOST_LONG_PER_SHORT = 4


class RetinaFaceDetector:
    """Finds faces with their five landmarks."""

    def __init__(self, spec: ModelSpec, sha256: str, state: dict[str, torch.Tensor], device: torch.device) -> None:
        self.used = ModelUsed("detector", spec.name, sha256)
        self.default_threshold = spec.threshold
        backbone = "mobile0.25" if spec.family == "retinaface-mobile0.25" else "resnet50"
        self.network = RetinaFaceNetwork(spec.name, state, backbone, device)

    @property
    def device(self) -> torch.device:
        """Where it runs now."""
        return self.network.device

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
        found = self._standing(pixels, rows, rows[:0], threshold, short_side_px)
        # Who lies or stands on the head seldom does so alone; the others are found with the picture turned likewise.
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
        """Rows (N, 15) beside the known ones, found with the picture turned counter-clockwise by that many quarters."""
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        (first,) = self._rows_at([turned], short_side_px)
        known = turned_back(known, 4 - quarters, (pixels.shape[0], pixels.shape[1]))
        found = self._standing(turned, first, known, threshold, short_side_px)
        return turned_back(found, quarters, (turned.shape[0], turned.shape[1]))

    def _standing(
        self,
        pixels: Pixels,
        rows: NDArray[np.float32],
        known: NDArray[np.float32],
        threshold: float,
        short_side_px: int,
    ) -> NDArray[np.float32]:
        """Rows beside the known ones of faces that show themselves in this picture, first look's rows given."""
        certain_score = max(threshold, _CERTAIN)
        largest = min(pixels.shape[:2])
        if largest >= _WORTH_ANOTHER_SCALE * short_side_px:
            (larger,) = self._rows_at([pixels], min(largest, 2 * short_side_px))
            rows = _merged(rows, larger, certain_score)
        rows = without_known(rows, known)
        certain = rows[rows[:, 4] >= certain_score]
        doubtful = _not_within(rows[rows[:, 4] < certain_score], certain)[:_MOST_DOUBTFUL]
        again = look_again(self.network, pixels, doubtful, threshold)
        found = self._upright(pixels, certain, _confirmed(doubtful, again, threshold), threshold)
        is_promising = (again[:, 4] < threshold) & (doubtful[:, 4] >= _PROMISING)
        left = without_known(doubtful[is_promising], np.concatenate([found, known]))[:_MOST_PROMISING]
        return np.concatenate([found, self._on_their_heads(pixels, left, threshold)])

    def _on_their_heads(self, pixels: Pixels, rows: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
        """Rows that are faces in a direction in which the second look did not turn them."""
        upright = [set_upright(self.network, pixels, row, threshold) for row in rows]
        sure = [row for row in upright if row[4] >= max(threshold, _SURE_UPRIGHT)]
        return np.array(sure, np.float32).reshape(-1, ROW_LENGTH)

    def _upright(
        self, pixels: Pixels, certain: NDArray[np.float32], confirmed: NDArray[np.float32], threshold: float
    ) -> NDArray[np.float32]:
        """All rows with the points of the upright face; those whose direction nothing settles stay and come last.

        Of the certain rows only those that may be turned are looked at, of the confirmed ones all.
        """
        is_plain = np.array([_is_plainly_upright(row) for row in certain], bool)
        asked = np.concatenate([certain[~is_plain], confirmed])
        as_said = stands_as_said(self.network, pixels, asked)
        settled, unsettled = [*certain[is_plain], *asked[as_said]], []
        for row in asked[~as_said]:
            upright = set_upright(self.network, pixels, row, threshold)
            if upright[4] >= threshold:
                settled.append(_with_first_points(upright, row))
            elif row[4] >= max(threshold, _CERTAIN):
                unsettled.append(row)  # a face whichever way up; the doubtful ones were only faces if this had held
        settled.sort(key=lambda row: -float(row[4]))
        return np.array([*settled, *unsettled], np.float32).reshape(-1, ROW_LENGTH)


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
        pixels = area_downscale(pixels, size_wh) if is_smaller else cv2.resize(pixels, size_wh)
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


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
    return first_of_each_person(rows[np.lexsort((-rows[:, 4], ~is_settled))])


def _not_within(rows: NDArray[np.float32], certain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that do not show a face that is certain already, or a part of it.

    Doubtful rows are not held against each other before their second look: junk would push real faces out.
    """
    is_free = [(shared_parts(row, certain) < NESTED_PART).all() for row in rows]
    return np.asarray(rows[np.array(is_free, bool)], np.float32)


def _confirmed(doubtful: NDArray[np.float32], again: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Doubtful rows that the second look took for faces, with its score, and its points where the first was lost."""
    rows = np.where(doubtful[:, 4:5] >= _GOOD_POINTS, doubtful, again)
    rows[:, 4] = again[:, 4]
    return np.asarray(rows[again[:, 4] >= threshold], np.float32)


def _quarters(row: NDArray[np.float32]) -> int:
    """By how many quarters the picture must turn counter-clockwise until the face stands nearly upright, 0 … 3."""
    tilt = tilt_degrees(row)
    return round(tilt / 90) % 4 if abs(tilt) >= _LYING_DEGREES else 0


def _is_plainly_upright(row: NDArray[np.float32]) -> bool:
    return float(row[4]) >= _PLAIN_SCORE and abs(tilt_degrees(row)) <= _PLAIN_TILT_DEGREES


def _with_first_points(upright: NDArray[np.float32], row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The row that was asked about where it was nearly upright and right, else the one of the upright view."""
    tilt = tilt_degrees(row)
    is_right = abs(tilt) <= _PLAIN_TILT_DEGREES and degrees_apart(tilt, tilt_degrees(upright)) <= _SAME_TILT_DEGREES
    return row if is_right else upright


def _clipped(edges: NDArray[np.float32], height: int, width: int) -> Box:
    left, top, right, bottom = np.clip(edges, 0, (width, height, width, height))
    return float(left), float(top), float(right), float(bottom)
