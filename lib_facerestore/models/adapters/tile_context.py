"""How far around a pixel an upscaling network looks, measured on the network itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lib_facerestore.engine.ports import MAX_CONTEXT_PX
from lib_facerestore.models.devices import inference

if TYPE_CHECKING:
    import spandrel
    import torch

    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]


def measure_context(model: Model) -> int:
    """Measure the context in px that tiles of this network need: a multiple of 4 from 0 to 128.

    The network gets a picture, and the same picture with its left part cut off, as a tile has it. The result is the
    distance from the cut up to which the two outputs differ by more than half a level of 8 bits. The picture is noise
    over soft shapes, the same every time.
    Raises: OutOfMemory; InferenceFailed.
    """
    import torch

    # 64 px: a multiple of every size requirement in spandrel, so that the cut does not move a network's windows.
    cut, height, width = 64, 64, 64 + MAX_CONTEXT_PX + 64
    with inference(type(model.model).__name__, model.device):
        generator = torch.Generator().manual_seed(0)
        soft = torch.rand(1, model.input_channels, 8, 32, generator=generator)
        noise = torch.rand(1, model.input_channels, height, width, generator=generator)
        patch = 0.75 * torch.nn.functional.interpolate(soft, (height, width), mode="bilinear") + 0.25 * noise
        patch = patch.to(model.device, model.dtype)
        whole, part = model(patch)[..., cut * model.scale :], model(patch[..., cut:].contiguous())
        change = (whole - part).float().abs().amax((0, 1, 2)).cpu().numpy()
    differing = np.flatnonzero(change > 0.5 / np.iinfo(np.uint8).max)
    reach = 0 if differing.size == 0 else math.ceil((int(differing[-1]) + 1) / model.scale)
    return min(MAX_CONTEXT_PX, -(-reach // 4) * 4)
