"""Reads the convolutions and PReLUs of an ncnn network, from its description and its file of weights.

Source of the format: ncnn's documentation, "param and model file structure" (BSD-3-Clause).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.errors import WeightsUnknown

_MAGIC = "7767517"
_FLOAT16_FLAG = 0x01306B47
_FLOAT32_FLAG = 0
# Keys of a layer's parameters in the description.
_OUTPUT_CHANNELS, _KERNEL_SIDE, _WEIGHT_COUNT, _SLOPE_COUNT = 0, 1, 6, 0


@dataclass(frozen=True, eq=False)
class Convolution:
    """The weights of a two-dimensional convolution."""

    weight: NDArray[np.float32]
    """(out, in, k, k) float32."""
    bias: NDArray[np.float32]
    """(out,) float32."""


@dataclass(frozen=True, eq=False)
class PReLU:
    """The weights of a PReLU."""

    slope: NDArray[np.float32]
    """(channels,) float32: the factor of negative values."""


def read_layers(param: Path, weights: bytes) -> list[Convolution | PReLU]:
    """Read the layers that have weights, in the order of the description.

    param: the description, a text file. weights: the content of the file of weights.
    Raises: WeightsUnknown where the description has another format, or the two files do not fit together; OSError.
    """
    lines = param.read_text(encoding="ascii", errors="replace").splitlines()
    if not lines or lines[0].strip() != _MAGIC:
        raise WeightsUnknown(param, "is no ncnn network description.")
    reader = _Reader(param, weights)
    layers: list[Convolution | PReLU] = []
    for line in lines[2:]:
        words = line.split()
        if words and words[0] == "Convolution":
            layers.append(_convolution(reader, _parameters(words)))
        elif words and words[0] == "PReLU":
            layers.append(PReLU(reader.floats(int(_parameters(words)[_SLOPE_COUNT]))))
    if reader.position != len(weights):
        raise WeightsUnknown(param, f"describes {reader.position} bytes of weights, the file has {len(weights)}.")
    return layers


def _convolution(reader: _Reader, parameters: dict[int, str]) -> Convolution:
    """Read the next convolution of that description from the weights."""
    out, side = int(parameters[_OUTPUT_CHANNELS]), int(parameters[_KERNEL_SIDE])
    weight = reader.tagged(int(parameters[_WEIGHT_COUNT]))
    return Convolution(weight.reshape(out, -1, side, side), reader.floats(out))


def _parameters(words: list[str]) -> dict[int, str]:
    """The parameters of a layer by their number: the key=value pairs at the end of its line in the description."""
    inputs_and_outputs = int(words[2]) + int(words[3])
    pairs = (word.split("=", 1) for word in words[4 + inputs_and_outputs :])
    return {int(key): value for key, value in pairs}


class _Reader:
    """Reads the bytes of the weights from their beginning to their end; raises WeightsUnknown beyond it."""

    def __init__(self, param: Path, weights: bytes) -> None:
        self.param, self.weights, self.position = param, weights, 0

    def floats(self, count: int) -> NDArray[np.float32]:
        """The next `count` float32 numbers, as (count,) float32."""
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def tagged(self, count: int) -> NDArray[np.float32]:
        """The next `count` numbers, as (count,) float32, behind a flag that says in which precision they are stored."""
        flag = int.from_bytes(self._take(4), "little")
        if flag == _FLOAT32_FLAG:
            return self.floats(count)
        if flag != _FLOAT16_FLAG:
            raise WeightsUnknown(self.param, f"stores weights with the unknown flag {flag:#010x}.")
        half = np.frombuffer(self._take(2 * count), "<f2").astype(np.float32)
        self._take(-self.position % 4)  # float16 blocks are padded to 4 bytes
        return half

    def _take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self.weights[self.position : self.position + count]
        if len(taken) != count:
            raise WeightsUnknown(self.param, f"describes more weights than the {len(self.weights)} bytes there are.")
        self.position += count
        return taken
