"""Makes ParseNet faster on a CPU: folds normalisation into convolutions, merges enlarging with the next convolution.

It computes the same sums in another order, so scores differ by rounding only. In its published form ParseNet takes
longer on a CPU than GFPGAN.
Source: facexlib 0.3.0's ParseNet, whose modules are taken over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# After nearest ×2 a 3×3 window covers one small pixel up to four times. Adding the weights that meet the same pixel
# leaves a 2×2 window for each of the four pixels made of one: a transposed convolution of 4×4 at stride 2.
# Each row here belongs to one row of that kernel, and says which of the three rows of weights it is the sum of.
_SUMS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


class EnlargingConv2d(nn.Module):
    """Nearest ×2, reflection by 1 px and a 3×3 convolution, computed as one transposed convolution."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """weight (out, in, 3, 3) and bias (out,): those of the 3×3 convolution."""
        super().__init__()
        sums = torch.tensor(_SUMS, dtype=torch.float64)
        kernel = torch.einsum("ai,ocij,bj->coab", sums, weight.detach().double(), sums).to(weight.dtype)
        self.weight = nn.Parameter(kernel.contiguous(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Enlarge and convolve. Shapes: (B, in, H, W) → (B, out, 2H, 2W)."""
        # The enlarged picture has its outermost pixel twice, so reflection repeats that pixel, as "replicate" does.
        padded = functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
        return functional.conv_transpose2d(padded, self.weight, self.bias, stride=2, padding=3)


class EnlargingBlock(nn.Module):
    """A decoder's `ResidualBlock` whose shortcut and first convolution, which get the same pixels, run as one."""

    def __init__(self, published: Any) -> None:
        """published: facexlib's block with its normalisation folded already; its modules are taken over."""
        super().__init__()
        shortcut, first = published.shortcut_func.conv2d, published.conv1.conv2d
        self.both = EnlargingConv2d(torch.cat([shortcut.weight, first.weight]), torch.cat([shortcut.bias, first.bias]))
        self.relu, self.conv2 = published.conv1.relu, published.conv2

    def forward(self, pixels: Tensor) -> Tensor:
        """Run the block. Shapes: (B, C, H, W) → (B, C', 2H, 2W)."""
        shortcut, first = self.both(pixels).chunk(2, dim=1)
        # A copy, because a convolution is slow on half of the channels of a larger tensor.
        first = self.relu(first.contiguous(memory_format=torch.channels_last))
        output: Tensor = self.conv2(first)
        return output.add_(shortcut)


def fold(network: Any) -> None:
    """Change a ParseNet of facexlib in place; it must be in eval mode with its weights loaded.

    The picture that ParseNet can draw beside its labels is not computed any more.
    """
    for module in network.modules():
        norm = getattr(getattr(module, "norm", None), "norm", None)
        if isinstance(norm, nn.BatchNorm2d):
            module.conv2d = fuse_conv_bn_eval(module.conv2d, norm)
            module.norm = nn.Identity()
    network.decoder = nn.Sequential(*(EnlargingBlock(block) for block in network.decoder))
    network.out_img_conv = nn.Identity()
    network.to(memory_format=torch.channels_last)
