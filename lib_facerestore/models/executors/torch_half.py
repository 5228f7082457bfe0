"""Runs a module in 16 bits in torch: weights converted once, channels-last memory on a CPU."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING

from lib_facerestore.models.devices import is_out_of_memory
from lib_facerestore.models.executors.program import Program, Tensors, as_tuple

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


def torch_half(program: Program, inputs: Tensors) -> TorchHalf | TorchAutocast:
    """What runs the program in 16 bits: by itself, or under autocast where it refuses these inputs so.

    Raises: torch's error where the device has no memory.
    """
    device = inputs[0].device
    half = TorchHalf(program, device)
    try:
        half(*inputs)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        logger.info("%s does not run in 16 bits by itself: %s", program.name, error)
        return TorchAutocast(program, device)
    return half


class TorchHalf:
    """A copy of a program's module with its weights in 16 bits. torch's kernels keep the sums of convolutions and
    normalisations in float32.
    """

    def __init__(self, program: Program, device: torch.device) -> None:
        """Copy and convert the weights. Raises: torch's error where the device has no memory for the copy."""
        import torch

        self._dtype = _dtype_on(device)
        self._memory = torch.channels_last if device.type == "cpu" else torch.contiguous_format
        module = copy.deepcopy(program.module).to(dtype=self._dtype)
        self._module = module.to(memory_format=self._memory)

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """Run it once. Shapes: as the program's; float32 in and out."""
        converted = [
            tensor.to(self._dtype, memory_format=self._memory) if tensor.ndim == 4 else tensor.to(self._dtype)
            for tensor in inputs
        ]
        return tuple(tensor.float() for tensor in as_tuple(self._module(*converted)))


class TorchAutocast:
    """A program under torch's autocast, for modules that do not run with all of their weights in 16 bits."""

    def __init__(self, program: Program, device: torch.device) -> None:
        self._program, self._kind, self._dtype = program, device.type, _dtype_on(device)

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """Run it once. Shapes: as the program's; float32 in and out."""
        import torch

        with torch.autocast(self._kind, dtype=self._dtype):
            return tuple(tensor.float() for tensor in self._program(*inputs))


def _dtype_on(device: torch.device) -> torch.dtype:
    """float16 on CUDA; bfloat16 where float16 is slow or overflows."""
    import torch

    return torch.float16 if device.type == "cuda" else torch.bfloat16
