"""Runs the last layers of an ESRGAN network over bands of rows, so that its largest features never exist whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import spandrel

# Modules before the tail: the first convolution, and the trunk with its shortcut. Both work at the input's size.
_HEAD = 2
# The tail's 3×3 convolutions reach 1.25 px at ×4 (½ + ¼ + ¼ + ¼, one for each), and 2 px without any enlarging.
_REACH_PX = 2
# Features of 64 channels at ×4, in and out of a convolution, take 8 kB for each px in: 70 MB a band.
BAND_PX = 1 << 13


class BandedTail(nn.Module):
    """Runs enlarging layers band by band; the layers must not look further than 2 px around a pixel."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, features: Tensor) -> Tensor:
        """The same result as the layers give at once.

        Shapes: features (B, C, h, w) → (B, c, h·scale, w·scale), of the same type.
        """
        count, _, height, width = features.shape
        rows = max(1, BAND_PX // (count * width))
        bands: list[Tensor] = []
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            first, last = max(0, top - _REACH_PX), min(height, bottom + _REACH_PX)
            band = self.layers(features[:, :, first:last])
            scale = band.shape[2] // (last - first)
            bands.append(band[:, :, (top - first) * scale : (bottom - first) * scale])
        return torch.cat(bands, 2)


def band_tail(model: spandrel.ImageModelDescriptor[Any]) -> None:
    """Change the descriptor's network in place so that its last layers run in bands; only ESRGAN networks are changed.

    The last features take three quarters of the memory of x4plus; without them tiles can be larger.
    """
    if model.architecture.id != "ESRGAN" or isinstance(model.model.model[-1], BandedTail):
        return
    layers = list(model.model.model)
    model.model.model = nn.Sequential(*layers[:_HEAD], BandedTail(nn.Sequential(*layers[_HEAD:])))
