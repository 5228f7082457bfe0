"""Small face restorers as ONNX files, and bytes of protobuf's form for files that no exporter writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
Sides = Sequence["int | str | None"] | None


def value(name: str, sides: Sides, element: int = FLOAT) -> Any:
    """An input or output of the network. sides: a text or None for a free one."""
    return helper.make_tensor_value_info(name, element, sides)


def model(
    nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Sequence[Any] = (), **more: Any
) -> Any:
    """A network as ONNX's own writer makes it."""
    graph = helper.make_graph(list(nodes), "network", list(inputs), list(outputs), list(weights))
    opset = [helper.make_opsetid("", 17), *more.pop("opset", [])]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, **more)


def weights(name: str, numbers: Any, dtype: str = "float32") -> Any:
    """Numbers that are part of the file."""
    return numpy_helper.from_array(np.asarray(numbers, dtype), name)


def restorer(
    side: int = 64,
    enlarged: int = 1,
    batch: int | str = 1,
    weight: Sequence[int] | None = None,
    weight_element: int = FLOAT,
    element: int = FLOAT,
    out_sides: Sides | str = "known",
    gain: float = 1.0,
) -> Any:
    """A network that multiplies the face by `gain`, and by its weight if it has one, and repeats pixels.

    weight: the shape of that input; None for a network without one.
    """
    dtype = helper.tensor_dtype_to_np_dtype(element).name
    # Output channel c·k² + i is channel c: each pixel becomes k×k equal ones.
    repeated = np.repeat(np.where(np.eye(3) > 0, gain, 0.0), enlarged**2, axis=0)[:, :, None, None]
    nodes = [helper.make_node("Conv", ["input", "kernel"], ["wide"])]
    last = "wide"
    if enlarged > 1:
        nodes.append(helper.make_node("DepthToSpace", [last], ["large"], blocksize=enlarged, mode="CRD"))
        last = "large"
    inputs = [value("input", [batch, 3, side, side], element)]
    if weight is not None:
        inputs.append(value("weight", list(weight), weight_element))
        nodes.append(helper.make_node("Cast", ["weight"], ["factor"], to=element))
        nodes.append(helper.make_node("Mul", [last, "factor"], ["weighted"]))
        last = "weighted"
    nodes.append(helper.make_node("Identity", [last], ["output"]))
    known = [batch, 3, side * enlarged, side * enlarged]
    outputs = [value("output", known if out_sides == "known" else out_sides, element)]
    return model(nodes, inputs, outputs, [weights("kernel", repeated, dtype)])


def save(made: Any, path: Path) -> Path:
    """Write a network; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString())
    return path


def varint(number: int) -> bytes:
    """A number from 0 on in base 128, the lowest digits first."""
    digits = []
    while number >= 128:
        digits.append(number % 128 + 128)
        number //= 128
    return bytes([*digits, number])


def number_field(field: int, number: int) -> bytes:
    """A field that holds a number."""
    return varint(field << 3) + varint(number)


def bytes_field(field: int, content: bytes, claimed: int | None = None) -> bytes:
    """A field that holds bytes. claimed: how many it says that they are."""
    return varint(field << 3 | 2) + varint(len(content) if claimed is None else claimed) + content


def file_of(graph: bytes) -> bytes:
    """An ONNX file around the bytes of a graph."""
    return number_field(1, 8) + bytes_field(7, graph)
