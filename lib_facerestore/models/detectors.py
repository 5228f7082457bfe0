"""RetinaFace behind the detector port: our own batching, resizing and clean-up around facexlib's network."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Box, Face, ModelUsed, Pixels
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.devices import inference

if TYPE_CHECKING:
    import torch

# Source of all numbers of this block: facexlib 0.3.0 (MIT), `generate_config` and `RetinaFace`.
_STRIDES_PX = (8, 16, 32)
_ANCHOR_SIDES_PX = ((16, 32), (64, 128), (256, 512))
_VARIANCES = (0.1, 0.2)
_MEAN_RGB = (123.0, 117.0, 104.0)
_OVERLAP_LIMIT = 0.4
# A box with this part of its area inside another one shows the same face, or an eye taken for a face.
_NESTED_PART = 0.85
# The long side is bounded too, or a 40,000×200 strip would be enlarged to 128,000×640.
_MOST_LONG_PER_SHORT = 4


class RetinaFaceDetector:
    """Finds faces with their five landmarks. Source: RetinaFace, arXiv 1905.00641; network of facexlib 0.3.0."""

    def __init__(self, spec: ModelSpec, sha256: str, state: dict[str, torch.Tensor], device: torch.device) -> None:
        from facexlib.detection.retinaface import RetinaFace

        self.used = ModelUsed("detector", spec.name, sha256)
        self.default_threshold = spec.threshold
        self.device = device
        name = "mobile0.25" if spec.family == "retinaface-mobile0.25" else "resnet50"
        self.network = RetinaFace(network_name=name, device=device)
        self.network.load_state_dict(state)
        self.network.eval()

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        """See `engine.ports.Detector`. Pictures that shrink to one size run as one batch."""
        small = [resize_for_detection(pixels, short_side_px) for pixels in pictures]
        found: list[list[Face]] = [[] for _ in pictures]
        by_size = sorted(range(len(small)), key=lambda index: small[index].shape)
        for _, indices in itertools.groupby(by_size, key=lambda index: small[index].shape):
            group = list(indices)
            for index, rows in zip(group, self.raw_rows(np.stack([small[i] for i in group]), threshold)):
                found[index] = _faces(rows, small[index].shape[:2], pictures[index].shape[:2])
        return found

    def raw_rows(self, batch: NDArray[np.uint8], threshold: float) -> list[NDArray[np.float32]]:
        """Rows (N, 15) for each picture: box (4), score, landmarks (10), in pixels of the batch; best score first.

        Shapes: batch (B, H, W, 3) RGB uint8.
        """
        import torch
        import torchvision

        with inference(self.used.name, self.device):
            pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2).float()
            pixels = pixels - torch.tensor(_MEAN_RGB, device=self.device).view(1, 3, 1, 1)
            # The network was trained on BGR.
            offsets, scores, points = self.network(pixels.flip(1).contiguous())
            offsets, scores, points = offsets.float().cpu(), scores[..., 1].float().cpu(), points.float().cpu()
        anchors = torch.from_numpy(anchor_boxes(batch.shape[1], batch.shape[2]))
        pictures: list[NDArray[np.float32]] = []
        for offset, score, point in zip(offsets, scores, points):
            keep = torch.nonzero(score > threshold).squeeze(1)
            rows = _decode(anchors[keep], offset[keep], score[keep], point[keep])
            best = torchvision.ops.nms(rows[:, :4], rows[:, 4], _OVERLAP_LIMIT)
            pictures.append(rows[best].numpy())
        return pictures


def resize_for_detection(pixels: Pixels, short_side_px: int) -> NDArray[np.uint8]:
    """The picture as uint8 with its short side at that many px: averaged when it shrinks, bilinear when it grows.

    Stock samples with LANCZOS4 without a filter, which aliases large pictures. Enlarging finds more small faces.
    """
    height, width = pixels.shape[:2]
    scale = short_side_px / min(height, width)
    scale = min(scale, _MOST_LONG_PER_SHORT * short_side_px / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size_wh != (width, height):
        pixels = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


@functools.lru_cache(maxsize=8)
def anchor_boxes(height: int, width: int) -> NDArray[np.float32]:
    """Anchors (N, 4): centre x, centre y, width, height in px, in the order of the network's rows."""
    levels = []
    for stride, sides in zip(_STRIDES_PX, _ANCHOR_SIDES_PX):
        rows, columns = -(-height // stride), -(-width // stride)
        ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
        centres = np.stack([(xs + 0.5) * stride, (ys + 0.5) * stride], axis=-1)
        cells = [np.concatenate([centres, np.full_like(centres, side)], axis=-1) for side in sides]
        levels.append(np.stack(cells, axis=2).reshape(-1, 4))
    return np.concatenate(levels)


def _decode(anchors: torch.Tensor, offset: torch.Tensor, score: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Rows (N, 15) in px of the network's input."""
    import torch

    centre = anchors[:, :2] + offset[:, :2] * _VARIANCES[0] * anchors[:, 2:]
    size = anchors[:, 2:] * torch.exp(offset[:, 2:] * _VARIANCES[1])
    landmarks = anchors[:, None, :2] + point.view(-1, 5, 2) * _VARIANCES[0] * anchors[:, None, 2:]
    return torch.cat([centre - size / 2, centre + size / 2, score[:, None], landmarks.flatten(1)], dim=1)


def _faces(rows: NDArray[np.float32], small_hw: tuple[int, ...], picture_hw: tuple[int, ...]) -> list[Face]:
    """Faces in the picture's own pixels; scores stay as the network gave them."""
    ratio = np.array([picture_hw[1] / small_hw[1], picture_hw[0] / small_hw[0]], np.float32)
    faces: list[Face] = []
    for row in drop_nested(rows):
        # Box edges lie between pixels, landmarks on them: u = x·r for edges, u = (x + ½)·r − ½ for points.
        edges = row[:4].reshape(2, 2) * ratio
        landmarks = (row[5:].reshape(5, 2) + 0.5) * ratio - 0.5
        faces.append(Face(len(faces), _clipped(edges, picture_hw), landmarks, float(row[4])))
    return faces


def _clipped(edges: NDArray[np.float32], picture_hw: tuple[int, ...]) -> Box:
    height, width = picture_hw[:2]
    (left, top), (right, bottom) = edges
    return (
        float(np.clip(left, 0, width)),
        float(np.clip(top, 0, height)),
        float(np.clip(right, 0, width)),
        float(np.clip(bottom, 0, height)),
    )


def drop_nested(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows without those that lie inside a better one, or that a better one lies inside of. Rows: best score first."""
    kept: list[NDArray[np.float32]] = []
    for row in rows:
        if all(_shared_part(row, other) < _NESTED_PART for other in kept):
            kept.append(row)
    return np.array(kept, np.float32).reshape(-1, 15)


def _shared_part(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Area that two boxes share, as a part of the smaller one's."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return float(max(width, 0) * max(height, 0) / max(smaller, 1e-9))
