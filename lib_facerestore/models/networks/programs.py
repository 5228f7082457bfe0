"""Each face network as plain functions of tensors, so that it can be traced and run by other libraries than torch.

They call the modules of the published networks in their published order; nothing is computed in another way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CODEFORMER_LEVELS = ("256", "128", "64", "32")
"""Sides of the features that CodeFormer's encoder hands to its generator, in the order in which it makes them."""


class FirstOutput(nn.Module):
    """A network of faces (B, 3, 512, 512) in [-1, 1] that gives the restored ones first, in that shape and range."""

    def __init__(self, network: nn.Module, **arguments: object) -> None:
        """arguments: what the network is called with beside the faces."""
        super().__init__()
        self.network, self._arguments = network, arguments

    def forward(self, faces: Tensor) -> Tensor:
        """Restore faces."""
        output: Tensor = self.network(faces, **self._arguments)[0]
        return output


class RgbUpscaler(nn.Module):
    """An upscaler of one, three or four channels as a network of RGB pictures."""

    def __init__(self, model: Any) -> None:
        """model: spandrel's descriptor, of 1, 3 or 4 channels in and out.

        The descriptor's own call clips its result, which would hide an overflow; its call_fn is the same call without.
        """
        super().__init__()
        self.network, self._call, self._channels = model.model, model._call_fn, model.input_channels

    def forward(self, pixels: Tensor) -> Tensor:
        """Enlarge pictures; each colour alone where the network takes grey ones, opaque where it takes an alpha.

        Shapes: (B, 3, h, w) in [0, 1] → (B, 3, scale·h, scale·w).
        """
        enlarged: Tensor
        if self._channels == 1:
            count, _, height, width = pixels.shape
            enlarged = self._call(self.network, pixels.reshape(count * 3, 1, height, width))
            return enlarged.reshape(count, 3, *enlarged.shape[2:])
        if self._channels == 4:
            enlarged = self._call(self.network, torch.cat([pixels, torch.ones_like(pixels[:, :1])], 1))
            return enlarged[:, :3]
        enlarged = self._call(self.network, pixels)
        return enlarged


class CodeFormerCodes(nn.Module):
    """CodeFormer's first half: from a face to the entries of its codebook, and the features that fidelity mixes in.

    The result does not depend on the fidelity weight.
    """

    def __init__(self, network: Any) -> None:
        """network: spandrel's CodeFormer."""
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        """Choose the codes, and give their entries the colours of the face (AdaIN).

        Shapes: faces (B, 3, 512, 512) in [-1, 1] → entries (B, 256, 16, 16), then one (B, C, side, side) for each side
        of `CODEFORMER_LEVELS`, with C = 128, 128, 256, 256.
        """
        network, features, kept = self.network, faces, []
        taps = {network.fuse_encoder_block[level] for level in network.connect_list}
        for index, block in enumerate(network.encoder.blocks):
            features = block(features)
            if index in taps:
                kept.append(features)
        position = network.position_emb.unsqueeze(1).repeat(1, faces.shape[0], 1)
        query = network.feat_emb(features.flatten(2).permute(2, 0, 1))
        for layer in network.ft_layers:
            query = layer(query, query_pos=position)
        scores = torch.softmax(network.idx_pred_layer(query).permute(1, 0, 2), dim=2)
        codes = torch.topk(scores, 1, dim=2)[1].squeeze(2)
        entries = network.quantize.embedding(codes).permute(0, 2, 1).reshape(features.shape)
        return (_with_statistics_of(features, entries), *kept)


class CodeFormerGenerator(nn.Module):
    """CodeFormer's second half: from codebook entries to a face, with the fidelity weight as an input."""

    def __init__(self, network: Any) -> None:
        """network: spandrel's CodeFormer."""
        super().__init__()
        self.network = network
        self._fused_after = {network.fuse_generator_block[level]: level for level in network.connect_list}

    def forward(self, entries: Tensor, weight: Tensor, *features: Tensor) -> Tensor:
        """Draw faces. entries, features: what `CodeFormerCodes` gives. weight (1,): the fidelity weight in [0, 1].

        Shapes: → (B, 3, 512, 512) in [-1, 1].
        """
        by_level = dict(zip(CODEFORMER_LEVELS, features))
        pixels = entries
        for index, block in enumerate(self.network.generator.blocks):
            pixels = block(pixels)
            level = self._fused_after.get(index)
            if level is not None and features:
                pixels = self.network.fuse_convs_dict[level](by_level[level], pixels, weight)
        return pixels


def _with_statistics_of(style: Tensor, content: Tensor) -> Tensor:
    """Give each channel of content the mean and deviation that it has in style. Shapes: both (B, C, h, w).

    Source: adaptive instance normalisation (arXiv 1703.06868), with CodeFormer's 1e-5 on both variances.
    """
    own, wanted = _statistics(content), _statistics(style)
    return (content - own[0]) / own[1] * wanted[1] + wanted[0]


def _statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (B, C, 1, 1) each."""
    flat = features.flatten(2)
    deviation = (flat.var(dim=2) + 1e-5).sqrt()
    return flat.mean(dim=2)[:, :, None, None], deviation[:, :, None, None]
