"""Face networks behind the restorer port: value ranges, sizes and batching of each family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed
from lib_facerestore.errors import InferenceFailed
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.devices import inference

if TYPE_CHECKING:
    import spandrel
    import torch

# Input sides of an upscaler used as a restorer. Few sizes make full batches; below 64 a face has nothing to restore
# from, above 256 the network's output would be larger than 1024 and only be thrown away again.
NATIVE_SIDES_PX = (64, 96, 128, 192, 256)


class UpscalingRestorer:
    """An ESRGAN-type upscaler that restores faces: it sees the aligned face at its native size and enlarges it.

    The network takes and gives RGB in [0, 1].
    """

    has_fidelity = False

    def __init__(
        self, spec: ModelSpec, sha256: str, model: spandrel.ImageModelDescriptor[torch.nn.Module], device: torch.device
    ) -> None:
        self.used = ModelUsed("restorer", spec.name, sha256)
        self.model, self.device = model, device

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        """See `engine.ports.Restorer`; crops of one native size run as one batch. fidelity is not used."""
        sides = [native_side(crop) for crop in crops]
        restored: list[FloatPixels] = [crop.pixels for crop in crops]
        for side in sorted(set(sides)):
            indices = [index for index, value in enumerate(sides) if value == side]
            inputs = [_resized(crops[index].pixels, side) for index in indices]
            for index, output in zip(indices, self._run(np.stack(inputs))):
                restored[index] = _resized(output, crops[index].side_px)
        return restored

    def _run(self, batch: FloatPixels) -> FloatPixels:
        """(B, S, S, 3) → (B, kS, kS, 3), float32 in [0, 1]."""
        import torch

        with inference(self.used.name, self.device):
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device)
            output = self.model.model(pixels).float().clamp_(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        if not np.isfinite(output).all():
            raise InferenceFailed(self.used.name, "its output holds values that are not numbers")
        return np.ascontiguousarray(output)


def native_side(crop: Crop) -> int:
    """The input side nearest to what the face really has in the picture."""
    return min(NATIVE_SIDES_PX, key=lambda side: abs(np.log(side / crop.native_side_px)))


def _resized(pixels: FloatPixels, side_px: int) -> FloatPixels:
    """A square resized: averaged when it shrinks, bicubic when it grows, clipped to [0, 1]."""
    if pixels.shape[0] == side_px:
        return pixels
    shrinks = side_px < pixels.shape[0]
    resized = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.clip(np.asarray(resized, np.float32), 0.0, 1.0)
