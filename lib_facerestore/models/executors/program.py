"""What is run, and the ways to run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.runtime import WantedExecutor, WantedPrecision

if TYPE_CHECKING:
    import torch

Tensors: TypeAlias = "tuple[torch.Tensor, ...]"


class Way(Enum):
    """A library and a precision; the value is what reports and verdicts say, "" for the way that all is measured by."""

    TORCH_FULL = ""
    TORCH_HALF = "half"
    OPENVINO_FULL = "OpenVINO"
    OPENVINO_HALF = "OpenVINO half"

    @property
    def is_half(self) -> bool:
        """Whether it computes in 16 bits."""
        return self in (Way.TORCH_HALF, Way.OPENVINO_HALF)

    @property
    def is_openvino(self) -> bool:
        """Whether OpenVINO runs it."""
        return self in (Way.OPENVINO_FULL, Way.OPENVINO_HALF)


@dataclass(frozen=True)
class HowToRun:
    """What is wanted, and where results that can be made again are kept."""

    precision: WantedPrecision = "full"
    executor: WantedExecutor = "torch"
    cache_folder: Path = field(default_factory=Path)
    prepares_at_once: bool = False
    """Whether a graph is captured at the first call already, as the command `prepare` does."""


STOCK = HowToRun()
"""In torch and in full precision."""


@dataclass(frozen=True, eq=False)
class Program:
    """One network, or a part of one, as a function of tensors."""

    module: torch.nn.Module
    """In eval mode, with weights in float32; its forward takes and gives tensors, and nothing else."""
    name: str
    """The model's name, and the part of it where it has several, for sentences."""
    sha256: str
    """Of the weights, with the name of the part: what verdicts and compiled files are kept under."""
    value_range: float
    """The difference between the largest and the least value that the first output can have: 2 for [-1, 1]."""
    may_be_half: bool = True
    """False where the output is a choice, which a rounded number can turn."""

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """Run the module as it is, in torch and in full precision."""
        return as_tuple(self.module(*inputs))


def as_tuple(outputs: torch.Tensor | Tensors) -> Tensors:
    """The outputs of a module as a tuple, also where it gave one tensor."""
    return outputs if isinstance(outputs, tuple) else (outputs,)
