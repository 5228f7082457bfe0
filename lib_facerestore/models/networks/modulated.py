"""GFPGAN's modulated convolutions with one weight for all faces of a batch, and its layers in channels-last memory.

The published form scales a copy of the weights for each face and runs them as one grouped convolution; scaling what
goes in and what comes out gives the same sums, and one ordinary convolution does the whole batch.
Source: StyleGAN2 (arXiv 1912.04958), section 2.2; the network that is changed: spandrel's GFPGAN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_PUBLISHED = "ModulatedConv2d"


class SharedModulation(nn.Module):
    """`ModulatedConv2d` of a GFPGAN network as scale → shared convolution → scale.

    published: the module whose weights it takes over; it may be thrown away.
    """

    squares: Tensor

    def __init__(self, published: Any) -> None:
        super().__init__()
        self.modulation: nn.Module = published.modulation
        self.weight = nn.Parameter(published.weight.detach()[0], requires_grad=False)
        self.padding: int = published.padding
        self.enlarges: bool = published.sample_mode == "upsample"
        self.demodulates: bool = published.demodulate
        self.eps: float = published.eps
        # (out, in): what each input channel adds to the square of each output channel's length.
        self.register_buffer("squares", self.weight.pow(2).sum((2, 3)), persistent=False)

    def forward(self, pixels: Tensor, style: Tensor) -> Tensor:
        """Shapes: pixels (B, C, H, W), style (B, features) → (B, C', H, W), or twice the size where it enlarges."""
        scale = self.modulation(style)
        pixels = pixels * scale[:, :, None, None]
        if self.enlarges:
            pixels = functional.interpolate(pixels, scale_factor=2, mode="bilinear", align_corners=False)
        output = functional.conv2d(pixels, self.weight, padding=self.padding)
        if self.demodulates:
            # No functional.linear: autocast runs that in float16, where sums end at 65504 and eps is nothing.
            squares = (scale.float().pow(2)[:, None] * self.squares.float()).sum(2)
            output = output * torch.rsqrt(squares + self.eps)[:, :, None, None]
        return output


def share_modulation(network: nn.Module, device: torch.device) -> None:
    """Change a GFPGAN network in place; on a CPU its convolutions run channels-last from then on.

    On a CPU both together take a quarter off its time; on a GPU channels-last was not measured.
    """
    found = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child).__name__ == _PUBLISHED and child.sample_mode in (None, "upsample")
    ]
    for parent, name, child in found:
        setattr(parent, name, SharedModulation(child))
    if device.type == "cpu":
        _channels_last(network)


def _channels_last(network: Any) -> None:
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, SharedModulation)):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    # Its output is flattened with .view, which refuses channels-last memory.
    network.final_conv.register_forward_hook(_contiguous)


def _contiguous(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return output.contiguous()
