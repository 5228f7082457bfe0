"""Checks an ONNX file before any runtime sees it, and says how the face restorer in it is called."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models.checkpoints import containers, plain_bytes, unreadable
from lib_facerestore.models.onnx_models.graph import Graph, Tensor, read_graph
from lib_facerestore.models.onnx_models.protobuf import Malformed

SUFFIX = ".onnx"
# A file of protobuf's form cannot be larger.
_LARGEST_BYTES = (1 << 31) - 1
_LEAST_SIDE_PX, _LARGEST_SIDE_PX, _LARGEST_RESULT_PX = 64, 2048, 4096
# Names that numpy gives to ONNX's numbers of types.
_PIXEL_TYPES = {1: "float32", 10: "float16"}
_WEIGHT_TYPES = {1: "float32", 10: "float16", 11: "float64"}


@dataclass(frozen=True)
class OnnxFile:
    """How the face restorer in an ONNX file is called."""

    side_px: int
    """Side of the square of a face that it takes."""
    image: str
    """Name of the input for the face: (batch, 3, side, side) RGB in [-1, 1]."""
    element: str
    """numpy's name of that input's type, "float32" or "float16"."""
    output: str
    """Name of the output, which has the input's form and at least its side."""
    has_batches: bool
    """Whether it takes any number of faces at once; otherwise it takes one."""
    weight: str = ""
    """Name of the input for the fidelity weight; "" where it has none."""
    weight_element: str = "float32"
    """numpy's name of the weight's type."""
    weight_sides: tuple[int, ...] = ()
    """Shape of the weight: () or ones."""

    def feeds(self, faces: NDArray[np.float32], fidelity: float) -> dict[str, NDArray[Any]]:
        """What a runtime is given: the faces in the type that the network takes, and the weight where it has one."""
        given: dict[str, NDArray[Any]] = {self.image: faces.astype(self.element, copy=False)}
        if self.weight:
            given[self.weight] = np.full(self.weight_sides, fidelity, self.weight_element)
        return given


def is_onnx(path: Path) -> bool:
    """Whether a file counts as an ONNX network: by its suffix."""
    return path.suffix.lower() == SUFFIX


def describe(path: Path) -> OnnxFile:
    """Check an ONNX file and say how it is called. No weight of it is read, and nothing in it is run.

    Raises: WeightsUnknown where it is not run here; WeightsDamaged where it is no whole ONNX file; WeightsMissing.
    """
    containers.refuse_no_weights(path, containers.first_bytes(path))
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as data,
        ):
            return describe_bytes(data, path)
    except OSError as error:
        raise unreadable(path, error) from error


def describe_bytes(data: bytes | memoryview, path: Path) -> OnnxFile:
    """See `describe`. path: for errors.

    Raises: WeightsUnknown; WeightsDamaged.
    """
    if len(data) > _LARGEST_BYTES:
        raise WeightsUnknown(path, f"has {plain_bytes(len(data))}; an ONNX file has at most 2 GB.")
    try:
        graph = read_graph(data, path)
    except Malformed as error:
        problem = f"its ONNX network cannot be read ({error})"
        raise WeightsDamaged(path, problem, "a whole ONNX file", containers.DOWNLOAD_AGAIN) from error
    return _restorer_in(graph)


def _restorer_in(graph: Graph) -> OnnxFile:
    """Raises: WeightsUnknown where the inputs and outputs are not those of a face restorer."""
    inputs = [tensor for tensor in graph.inputs if tensor.name not in graph.weights]
    images = [tensor for tensor in inputs if len(tensor.sides or ()) == 4]
    numbers = [tensor for tensor in inputs if _is_one_number(tensor)]
    if len(images) != 1 or len(numbers) > 1 or len(inputs) != len(images) + len(numbers):
        raise _no_restorer(graph, f"it takes {_listed(inputs)}")
    (image,) = images
    side_px = _square_side(image)
    if side_px is None or image.element not in _PIXEL_TYPES or not _LEAST_SIDE_PX <= side_px <= _LARGEST_SIDE_PX:
        raise _no_restorer(graph, f"it takes {_listed(inputs)}")
    if not graph.outputs or not _may_be_restored(graph.outputs[0], side_px):
        raise _no_restorer(graph, f"it gives {_listed(graph.outputs)}")
    weight = numbers[0] if numbers else None
    return OnnxFile(
        side_px,
        image.name,
        _PIXEL_TYPES[image.element],
        graph.outputs[0].name,
        has_batches=image.sides is not None and image.sides[0] is None,
        weight=weight.name if weight else "",
        weight_element=_WEIGHT_TYPES[weight.element] if weight else "float32",
        weight_sides=tuple(1 for _ in weight.sides or ()) if weight else (),
    )


def _is_one_number(tensor: Tensor) -> bool:
    """Whether an input can be a weight: a single number, written without sides or with sides of 1 or free ones."""
    sides = tensor.sides
    return sides is not None and len(sides) < 3 and all(side in (1, None) for side in sides) and (
        tensor.element in _WEIGHT_TYPES
    )  # fmt: skip


def _square_side(tensor: Tensor) -> int | None:
    """The side of a face that an input takes; None where it is no fixed square of three channels, one or any number."""
    if tensor.sides is None or len(tensor.sides) != 4:
        return None
    batch, channels, height, width = tensor.sides
    return height if batch in (1, None) and channels == 3 and height == width else None


def _may_be_restored(output: Tensor, side_px: int) -> bool:
    """Whether an output can be the restored face; what the file leaves open is compared when it runs."""
    if output.element not in (0, *_PIXEL_TYPES):
        return False
    if output.sides is None:
        return True
    if len(output.sides) != 4 or output.sides[1] not in (3, None):
        return False
    return all(side is None or side_px <= side <= _LARGEST_RESULT_PX for side in output.sides[2:])


def _no_restorer(graph: Graph, what: str) -> WeightsUnknown:
    """Make the error for a network that is something else than a face restorer."""
    takes = f"(1, 3, side, side) from {_LEAST_SIDE_PX} to {_LARGEST_SIDE_PX} px and at most one weight"
    return WeightsUnknown(graph.path, f"is an ONNX network, but no face restorer: {what}; one takes and gives {takes}.")


def _listed(tensors: list[Tensor]) -> str:
    """The shapes of inputs or outputs, as a part of a sentence."""
    shown = [
        "?" if tensor.sides is None else f"({', '.join('?' if side is None else str(side) for side in tensor.sides)})"
        for tensor in tensors[:4]
    ]
    return " and ".join(shown) + (" and more" if len(tensors) > 4 else "") if shown else "nothing"
