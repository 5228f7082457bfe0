"""What is let through is harmless for ONNX's own reader too, which runtimes share: damaged files of many kinds."""

from __future__ import annotations

import random

import pytest
from onnx import ModelProto, TensorProto, helper
from onnx.external_data_helper import uses_external_data

from helpers.onnx_files import restorer, value, varint, weights
from lib_facerestore.errors import WeightsError
from lib_facerestore.models.onnx_models.graph import _MICROSOFTS
from lib_facerestore.models.onnx_models.restorer_file import describe_bytes


def outside(tensor):
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"


def with_weights_outside():
    made = restorer(64, 2)
    outside(made.graph.initializer[0])
    return made


def with_constant_outside():
    made = restorer(64)
    constant = weights("c", [1.0])
    outside(constant)
    made.graph.node.append(helper.make_node("Constant", [], ["more"], value=constant))
    return made


def with_own_operator():
    made = restorer(64)
    made.graph.node.append(helper.make_node("EPContext", ["output"], ["more"], domain="com.microsoft"))
    return made


def with_own_operator_inside():
    made = restorer(64)
    inner = helper.make_graph([helper.make_node("Steal", [], ["x"], domain="my.own")], "i", [], [value("x", [1])])
    made.graph.node.append(helper.make_node("If", ["yes"], ["x"], then_branch=inner, else_branch=inner))
    return made


def with_function():
    made = restorer(64)
    made.functions.append(
        helper.make_function("my.own", "F", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [])
    )
    return made


def harm_in(made):
    """What a runtime could be made to do with a network, or ""."""
    graphs, tensors, nodes = [made.graph], [], []
    while graphs:
        graph = graphs.pop()
        tensors += graph.initializer
        nodes += graph.node
        for node in graph.node:
            for attribute in node.attribute:
                tensors += [attribute.t, *attribute.tensors]
                graphs += [attribute.g, *attribute.graphs]
    if any(uses_external_data(tensor) or tensor.external_data for tensor in tensors):
        return "reads another file"
    own = [n for n in nodes if n.domain not in ("", "ai.onnx") and (n.domain, n.op_type not in _MICROSOFTS) != (
        "com.microsoft", False,
    )]  # fmt: skip
    return "runs other code" if own or made.functions else ""


def fields_of(content):
    """The fields of a message as [number, form, content]; None where the bytes are no message."""
    fields, at = [], 0
    try:
        while at < len(content):
            tag, at = read_varint(content, at)
            start = at
            if tag & 7 == 0:
                _, at = read_varint(content, at)
            elif tag & 7 == 2:
                length, start = read_varint(content, at)
                at = start + length
            else:
                at += {1: 8, 5: 4}[tag & 7]
            fields.append([tag >> 3, tag & 7, content[start:at]])
    except (IndexError, KeyError):
        return None
    return fields if at == len(content) and fields else None


def read_varint(content, at):
    number = shift = 0
    while content[at] >= 128:
        number |= (content[at] - 128) << shift
        at, shift = at + 1, shift + 7
    return number | content[at] << shift, at + 1


def written(fields):
    return b"".join(
        varint(number << 3 | form) + (varint(len(content)) if form == 2 else b"") + content
        for number, form, content in fields
    )


def damaged(content, chance):
    """The message with one field changed somewhere in it, and all lengths around it put right."""
    fields = fields_of(content)
    if fields is None:
        place = chance.randrange(len(content) + 1)
        return content[:place] + bytes([chance.randrange(256)]) * chance.randrange(3) + content[place + 1 :]
    field = chance.choice(fields)
    if field[1] == 2 and chance.random() < 0.75:
        field[2] = damaged(field[2], chance)
        return written(fields)
    match chance.randrange(6):
        case 0:
            fields.remove(field)
        case 1:
            fields.insert(chance.randrange(len(fields)), field)
        case 2:
            field[0] = chance.choice(
                [field[0] + 1, max(1, field[0] - 1), chance.randrange(1, 30), field[0] + (1 << 29)]
            )
        case 3:
            field[1:] = chance.choice(
                [[0, b"\x00"], [0, b"\x81\x00"], [0, b"\x01"], [2, b""], [5, b"\x01\x00\x00\x00"]]
            )
        case 4:
            other = chance.choice(fields)
            field[2], other[2] = (other[2], field[2]) if field[1] == other[1] else (field[2], other[2])
        case _:
            fields.append([chance.randrange(1, 30), 2, chance.choice(fields)[2]])
    return written(fields)


TIMES = 10_000
SEEDS = (with_weights_outside, with_constant_outside, with_own_operator, with_own_operator_inside, with_function)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_file_that_is_let_through_does_no_harm_in_onnx_either(seed, tmp_path):
    content, chance = seed().SerializeToString(), random.Random(15)
    assert harm_in(ModelProto.FromString(content))
    passed = 0
    for _ in range(TIMES):
        changed = content
        for _ in range(chance.randrange(1, 4)):
            changed = damaged(changed, chance)
        try:
            describe_bytes(changed, tmp_path / "mine.onnx")
        except WeightsError:
            continue
        passed += 1
        try:
            harm = harm_in(ModelProto.FromString(changed))
        except Exception:  # protobuf's own class
            continue  # ONNX refuses it, and so does a runtime
        assert harm == "", changed

    # Some damages take just the harmful part away; else nothing was compared.
    assert passed > TIMES / 500
