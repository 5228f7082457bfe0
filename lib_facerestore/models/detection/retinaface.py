"""Runs RetinaFace's network on pictures of one size, and decodes its anchors into rows. Resizes nothing.

Source: RetinaFace, arXiv 1905.00641; network and all numbers of this file: facexlib 0.3.0 (MIT).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.errors import OutOfMemory
from lib_facerestore.models.devices import OnDevice, inference, most_at_once, move_weights, own_state

if TYPE_CHECKING:
    import torch

_STRIDES_PX = (8, 16, 32)
_ANCHOR_SIDES_PX = ((16, 32), (64, 128), (256, 512))
_VARIANCES = (0.1, 0.2)
_MEAN_RGB = (123.0, 117.0, 104.0)
_OVERLAP_LIMIT = 0.4
# The largest array of a ResNet50's trunk, for each px of a picture: 64 channels of float32 at half the size, and 256 at
# a quarter. That of the smaller trunk takes 16 bytes.
ARRAY_BYTES_PER_PX = 64


class RetinaFaceNetwork(OnDevice):
    """facexlib's RetinaFace network, run on batches of pictures."""

    @own_state()
    def __init__(self, name: str, state: dict[str, torch.Tensor], backbone: str, device: torch.device) -> None:
        """Build the network. name: the model's, for errors. state: its weights, by facexlib's names.

        backbone: facexlib's name of the trunk, "mobile0.25" or "resnet50".
        Raises: RuntimeError of torch where the weights do not fit; OutOfMemory; DeviceFailed.
        """
        import torch
        from facexlib.detection.retinaface import RetinaFace

        # Building a network draws its first weights at random; the host's generator must not notice.
        with torch.random.fork_rng(devices=[]):
            network = RetinaFace(network_name=backbone, device=torch.device("cpu"))
        network.load_state_dict(state)
        move_weights(name, network, "cpu", device)
        super().__init__(name, network.eval(), device)

    def rows(self, batch: NDArray[np.uint8], threshold: float) -> list[NDArray[np.float32]]:
        """Detect faces in a batch: for each picture rows (N, 15) in its px, best score first.

        Shapes: batch (B, H, W, 3) RGB uint8. A row is box (left, top, right, bottom), score, five landmarks (x, y).
        Rows up to the threshold are dropped, and those whose box overlaps a better one by more than 0.4 of their union.
        The batch is divided where the device does not take so large arrays.
        Raises: OutOfMemory, also where that holds for one picture; InferenceFailed.
        """
        array_bytes = ARRAY_BYTES_PER_PX * batch.shape[1] * batch.shape[2]
        most = most_at_once(self.device, max(1, len(batch)), array_bytes)
        if most == 0:
            raise OutOfMemory(self.name, str(self.device), array_bytes)
        parts = [self._rows(batch[start : start + most], threshold) for start in range(0, len(batch), most)]
        return [rows for part in parts for rows in part]

    def _rows(self, batch: NDArray[np.uint8], threshold: float) -> list[NDArray[np.float32]]:
        """The rows of one batch; see `rows`."""
        import torch
        import torchvision

        with inference(self.name, self.device):
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


@functools.lru_cache(maxsize=8)
def anchor_boxes(height: int, width: int) -> NDArray[np.float32]:
    """The anchors of a picture of that size: (N, 4) float32, centre x, centre y, width, height in px.

    Their order is that of the network's outputs.
    """
    levels = []
    for stride, sides in zip(_STRIDES_PX, _ANCHOR_SIDES_PX):
        rows, columns = -(-height // stride), -(-width // stride)
        ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
        centres = np.stack([(xs + 0.5) * stride, (ys + 0.5) * stride], axis=-1)
        cells = [np.concatenate([centres, np.full_like(centres, side)], axis=-1) for side in sides]
        levels.append(np.stack(cells, axis=2).reshape(-1, 4))
    return np.concatenate(levels)


def _decode(anchors: torch.Tensor, offset: torch.Tensor, score: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Rows (N, 15) in px from anchors (N, 4) and the network's outputs (N, 4), (N,) and (N, 10)."""
    import torch

    centre = anchors[:, :2] + offset[:, :2] * _VARIANCES[0] * anchors[:, 2:]
    size = anchors[:, 2:] * torch.exp(offset[:, 2:] * _VARIANCES[1])
    landmarks = anchors[:, None, :2] + point.view(-1, 5, 2) * _VARIANCES[0] * anchors[:, None, 2:]
    return torch.cat([centre - size / 2, centre + size / 2, score[:, None], landmarks.flatten(1)], dim=1)
