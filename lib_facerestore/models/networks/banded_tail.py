"""The last layers of an ESRGAN network, run over bands of rows: its features at full size never exist whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import spandrel

# Modules before the tail: the first convolution, and the trunk with its shortcut. All work at the network's own size.
_HEAD = 2
# The tail's 3×3 convolutions reach 1.25 px at ×4 (½ + ¼ + ¼ + ¼, one for each), and 2 px without any enlarging.
_REACH_PX = 2
# Features of 64 channels at ×4, in and out of a convolution, take 8 kB for each px in: 70 MB a band.
BAND_PX = 1 << 13


class BandedTail(nn.Module):
    """Layers that enlarge (B, C, h, w) to (B, c, h·scale, w·scale) and see no further than 2 px, band by band."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, features: Tensor) -> Tensor:
        """What the layers give when they run at once."""
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
    """Let the descriptor's network, if it is an ESRGAN one, run its last layers in bands.

    Three quarters of the memory of x4plus are its last features; a tile may be the larger without them.
    """
    if model.architecture.id != "ESRGAN" or isinstance(model.model.model[-1], BandedTail):
        return
    layers = list(model.model.model)
    model.model.model = nn.Sequential(*layers[:_HEAD], BandedTail(nn.Sequential(*layers[_HEAD:])))
