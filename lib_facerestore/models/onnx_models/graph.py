"""What an ONNX file holds, as far as it decides whether it may be run: operators, tensors' claims, inputs and outputs.

Refuses all that could make a runtime read another file, run other code than its own, or believe a size that is not in
the file. Source of the field numbers: onnx.proto of ONNX 1.16 (Apache-2.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models.onnx_models.protobuf import Malformed, Message, Value, signed

# Bits of one number by ONNX's number of its type; what is not here (strings, complex numbers) is no weight.
_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16, 17: 8, 18: 8, 19: 8,
    20: 8, 21: 4, 22: 4, 23: 4, 24: 8,
}  # fmt: skip
_STRING = 8
_STANDARD_DOMAINS = ("", "ai.onnx")
# Of the operators that ONNX Runtime brings beside the standard's, only these, which compute: its domain also has
# EPContext, which opens a file that the graph names, and operators that call Python.
_MICROSOFTS = frozenset(
    "Attention BiasAdd BiasGelu BiasSoftmax BiasSplitGelu DequantizeLinear DynamicQuantizeMatMul FastGelu "
    "FusedConv FusedGemm FusedMatMul Gelu GridSample GroupNorm Inverse MatMulNBits MultiHeadAttention NhwcConv "
    "NhwcFusedConv NhwcMaxPool QLinearAdd QLinearAveragePool QLinearConcat QLinearConv QLinearGlobalAveragePool "
    "QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QuantizeLinear QuickGelu SkipGroupNorm "
    "SkipLayerNormalization".split()
)
_DEEPEST_GRAPH = 8  # a graph inside a node inside a graph …
_MOST_DIMENSIONS = 64
_LONGEST_SHOWN = 60
_ONLY_PLAIN = "which are not run here; export it with ONNX's standard operators alone."
_ALL_IN_ONE = "use an export that has everything in one file."


@dataclass(frozen=True)
class Tensor:
    """An input or output of the network."""

    name: str
    """As the runtime is told it."""
    element: int
    """ONNX's number of the type of its numbers; 0 where it is no plain tensor."""
    sides: tuple[int | None, ...] | None
    """Its sides, None for each that is free; None where the file does not say how many there are."""


@dataclass
class Graph:
    """What was found while the file was read."""

    path: Path
    has_network: bool = False
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    weights: set[str] = field(default_factory=set)
    """Names of the tensors whose numbers are in the file; older files list them among the inputs too."""


def read_graph(data: bytes | memoryview, path: Path) -> Graph:
    """Read an ONNX file. path: for errors.

    Raises: WeightsUnknown for what is not run here; Malformed where the bytes are no whole ONNX file.
    """
    found = Graph(path)
    versions = operator_sets = 0
    for number, value in Message.whole(data).fields():
        if number == 1:
            versions += 1
        elif number == 7:
            found.has_network = True
            _graph(_message(value), found, 0)
        elif number == 8:
            operator_sets += 1
        elif number == 20:
            raise WeightsUnknown(path, "is an ONNX file with a training program, which is not run here.")
        elif number == 25:
            raise WeightsUnknown(path, f"defines operators of its own, {_ONLY_PLAIN}")
    if versions != 1:
        raise Malformed("it does not say which version of ONNX it has")
    if not found.has_network:
        raise WeightsUnknown(path, "is an ONNX file without a network.")
    if not operator_sets:  # they follow the network, so that a file that is cut behind it lacks them
        raise Malformed("it ends before its operator sets")
    return found


def _graph(graph: Message, found: Graph, depth: int) -> None:
    """Read a graph; only the outermost one has the network's inputs and outputs."""
    if depth > _DEEPEST_GRAPH:
        raise Malformed(f"its graphs lie more than {_DEEPEST_GRAPH} deep in each other")
    for number, value in graph.fields():
        if number == 1:
            _node(_message(value), found, depth)
        elif number == 5:
            found.weights.add(_tensor(_message(value), found))
        elif number == 15:
            raise _sparse(found)
        elif depth == 0 and number == 11:
            found.inputs.append(_named_tensor(_message(value)))
        elif depth == 0 and number == 12:
            found.outputs.append(_named_tensor(_message(value)))


def _node(node: Message, found: Graph, depth: int) -> None:
    """Refuse a node whose operator is not one of the runtime's own; read the tensors and graphs in its attributes."""
    operator = domain = ""
    for number, value in node.fields():
        if number == 4:
            operator = _message(value).text()
        elif number == 7:
            domain = _message(value).text()
        elif number == 5:
            _attribute(_message(value), found, depth)
    is_plain = domain in _STANDARD_DOMAINS or (domain == "com.microsoft" and operator in _MICROSOFTS)
    if not is_plain:
        raise WeightsUnknown(found.path, f"uses the operator {_short(f'{domain}.{operator}')}, {_ONLY_PLAIN}")


def _attribute(attribute: Message, found: Graph, depth: int) -> None:
    for number, value in attribute.fields():
        if number in (5, 10):
            _tensor(_message(value), found)
        elif number in (6, 11):
            _graph(_message(value), found, depth + 1)
        elif number in (22, 23):
            raise _sparse(found)


def _tensor(tensor: Message, found: Graph) -> str:
    """Compare what a tensor claims with the bytes that it has; gives its name.

    Raises: WeightsUnknown where its numbers are in another file; Malformed where they are fewer than it claims.
    """
    sides: list[int] = []
    element, name, raw_bytes, kept_bytes, texts = 0, "", 0, 0, 0
    outside: Message | None = None
    is_outside = False
    for number, value in tensor.fields():
        if number == 1:
            sides += [signed(value)] if isinstance(value, int) else map(signed, value.numbers())
        elif number == 2:
            element = _integer(value)
        elif number == 9:
            raw_bytes += len(_message(value))
        elif number in (4, 5, 7, 10, 11):
            kept_bytes += len(value) if isinstance(value, Message) else 8
        elif number == 6:
            texts += 1
        elif number == 8:
            name = _message(value).text()
        elif number == 13:
            outside, is_outside = outside or _message(value), True
        elif number == 14:
            is_outside = is_outside or _integer(value) != 0
    if is_outside:
        raise WeightsUnknown(found.path, f"keeps weights in {_place(outside)}, which is not opened; {_ALL_IN_ONE}")
    if len(sides) > _MOST_DIMENSIONS or any(side < 0 for side in sides):
        raise Malformed(f"its tensor {_short(name)} has no possible shape")
    count, bits = math.prod(sides), _BITS.get(element, 0)
    # Numbers that are not written as raw bytes take one byte and more, whatever their type.
    most = texts if element == _STRING else (8 * raw_bytes // bits + kept_bytes if bits else 0)
    if count > most:
        claim = f"claims {_short(f'{count:,}')} numbers and has {raw_bytes + kept_bytes:,} bytes"
        raise Malformed(f"its tensor {_short(name)} {claim}")
    return name


def _place(entry: Message | None) -> str:
    """Where a tensor says that its numbers are, as a part of a sentence."""
    words = [] if entry is None else [value.text() for _, value in entry.fields() if isinstance(value, Message)]
    return f"another file ({_short(words[1])})" if len(words) == 2 and words[0] == "location" else "another file"


def _named_tensor(value_info: Message) -> Tensor:
    """An input or output, from its ValueInfoProto."""
    name, element, sides = "", 0, None
    for number, value in value_info.fields():
        if number == 1:
            name = _message(value).text()
        elif number == 2:
            for kind, described in _message(value).fields():
                if kind == 1:
                    element, sides = _type_of(_message(described))
    return Tensor(name, element, sides)


def _type_of(tensor_type: Message) -> tuple[int, tuple[int | None, ...] | None]:
    """The type of the numbers and the sides, from a TypeProto.Tensor."""
    element, sides = 0, None
    for number, value in tensor_type.fields():
        if number == 1:
            element = _integer(value)
        elif number == 2:
            sides = tuple(_side(_message(dim)) for place, dim in _message(value).fields() if place == 1)
    return element, sides


def _side(dimension: Message) -> int | None:
    """One side; None where it is free."""
    given = [signed(_integer(value)) for number, value in dimension.fields() if number == 1]
    return given[-1] if given and given[-1] > 0 else None


def _sparse(found: Graph) -> WeightsUnknown:
    return WeightsUnknown(found.path, "holds sparse weights, which are not run here.")


def _message(value: Value) -> Message:
    """Raises: Malformed where a field that must hold bytes holds a number, which readers would skip."""
    if isinstance(value, Message):
        return value
    raise Malformed("a field holds a number in place of a message")


def _integer(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise Malformed("a field holds bytes in place of a number")


def _short(text: str) -> str:
    """A text of the file for a sentence: printable, and not too long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
