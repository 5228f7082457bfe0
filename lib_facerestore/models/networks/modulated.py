"""Makes GFPGAN faster: one shared convolution for all faces of a batch, and channels-last memory on a CPU.

The published form scales a copy of the weights for each face and runs them as one grouped convolution. Scaling the
input and the output instead gives the same sums with one ordinary convolution for the whole batch.
Source: StyleGAN2 (arXiv 1912.04958), section 2.2; the network that is changed: spandrel's GFPGAN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_PUBLISHED = "ModulatedConv2d"


class SharedModulation(nn.Module):
    """GFPGAN's `ModulatedConv2d`, computed as scaling, one shared convolution, and scaling again."""

    squares: Tensor
    """(out, in): what each input channel adds to the square of each output channel's length."""

    def __init__(self, published: Any) -> None:
        """published: the `ModulatedConv2d` whose weights are taken over."""
        super().__init__()
        self.modulation: nn.Module = published.modulation
        self.weight = nn.Parameter(published.weight.detach()[0], requires_grad=False)
        self.padding: int = published.padding
        self.enlarges: bool = published.sample_mode == "upsample"
        self.demodulates: bool = published.demodulate
        self.eps: float = published.eps
        self.register_buffer("squares", self.weight.pow(2).sum((2, 3)), persistent=False)

    def forward(self, pixels: Tensor, style: Tensor) -> Tensor:
        """Convolve with the weights that the style scales.

        Shapes: pixels (B, C, H, W), style (B, features) → (B, C', H, W), or (B, C', 2H, 2W) where the module enlarges.
        """
        scale = self.modulation(style)
        pixels = pixels * scale[:, :, None, None]
        if self.enlarges:
            pixels = functional.interpolate(pixels, scale_factor=2, mode="bilinear", align_corners=False)
        output = functional.conv2d(pixels, self.weight, padding=self.padding)
        if self.demodulates:
            # In float32 also where the network runs in 16 bits: in float16 sums end at 65504 and eps becomes 0.
            squares = (scale.float().pow(2)[:, None] * self.squares.float()).sum(2)
            output = output * torch.rsqrt(squares + self.eps).to(output.dtype)[:, :, None, None]
        return output


def share_modulation(network: nn.Module, device: torch.device) -> None:
    """Change a GFPGAN network in place to shared convolutions, and on a CPU to channels-last memory.

    On a CPU both together save a quarter of its time; on a GPU channels-last was not measured.
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
    """Bring the weights of all convolutions into channels-last memory."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, SharedModulation)):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    # The network flattens this output with .view, which refuses channels-last memory.
    network.final_conv.register_forward_hook(_contiguous)


def _contiguous(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    """A hook of torch that gives the output in ordinary memory."""
    return output.contiguous()
