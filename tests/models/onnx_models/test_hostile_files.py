"""ONNX files that are damaged or made to harm: each gets a sentence within a second, and nothing else happens."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.onnx_files import bytes_field, file_of, number_field, restorer, save, varint, weights
from lib_facerestore.errors import WeightsDamaged, WeightsError, WeightsMissing, WeightsUnknown
from lib_facerestore.models.onnx_models import describe
from lib_facerestore.models.onnx_models.restorer_file import describe_bytes

# The bound is meant for a machine that does something else beside.
WHOLE = restorer(64, 2, weight=[1]).SerializeToString()
TENSOR, NODE, ATTRIBUTES_GRAPH = 5, 1, 6


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.onnx"


def refused(path, kind=WeightsDamaged):
    """The sentence for a file."""
    with pytest.raises(kind) as caught:
        describe(path)
    assert str(caught.value).startswith("mine.onnx ")
    return str(caught.value)


def outcome(describe_it):
    """What the file is taken for, or the sentence that refuses it."""
    try:
        return describe_it()
    except WeightsError as error:
        return str(error)


def of_bytes(path, content, kind=WeightsDamaged):
    path.write_bytes(content)
    return refused(path, kind)


def test_a_file_that_is_cut_anywhere_is_damaged_or_no_network(path):
    for length in range(len(WHOLE)):
        content = WHOLE[:length]

        with pytest.raises((WeightsDamaged, WeightsUnknown)):
            describe_bytes(content, path)


@settings(max_examples=300, deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_file_with_wrong_bytes_is_described_or_refused_and_nothing_else(tmp_path_factory, places):
    content = bytearray(WHOLE)
    for place, byte in places:
        content[place] = byte

    found = outcome(lambda: describe_bytes(bytes(content), tmp_path_factory.getbasetemp() / "mine.onnx"))

    assert found.startswith("mine.onnx ") if isinstance(found, str) else 64 <= found.side_px <= 2048


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_refused(tmp_path_factory, content):
    with pytest.raises(WeightsError, match=r"^mine\.onnx "):
        describe_bytes(content, tmp_path_factory.getbasetemp() / "mine.onnx")


@pytest.mark.parametrize("count", [1 << 40, 1 << 31, (1 << 63) - 1, 4 * 9 + 1])
def test_a_tensor_that_claims_more_than_the_file_has_is_damaged(path, count):
    made = restorer(64)
    tensor = weights("claim", [0.0] * 9)
    del tensor.dims[:]
    tensor.dims.append(count)
    made.graph.initializer.append(tensor)

    said = of_bytes(path, made.SerializeToString())

    assert f"its tensor claim claims {count:,} numbers and has 36 bytes" in said


def test_a_tensor_of_many_sides_is_refused_before_they_are_multiplied(path):
    sides = b"".join(number_field(1, (1 << 63) - 1) for _ in range(100_000))

    assert "has no possible shape" in of_bytes(path, file_of(bytes_field(TENSOR, sides + number_field(2, 1))))
    packed = bytes_field(1, varint(1) * 100_000)
    assert "has no possible shape" in of_bytes(path, file_of(bytes_field(TENSOR, packed + number_field(2, 1))))
    assert "has no possible shape" in of_bytes(path, file_of(bytes_field(TENSOR, number_field(1, (1 << 64) - 1))))


def test_a_tensor_of_an_unknown_type_or_without_numbers_is_damaged(path):
    tensor = number_field(1, 3) + number_field(2, 99) + bytes_field(9, b"0" * 12)
    assert "claims 3 numbers" in of_bytes(path, file_of(bytes_field(TENSOR, tensor)))
    assert "claims 1 numbers and has 0 bytes" in of_bytes(path, file_of(bytes_field(TENSOR, number_field(2, 1))))


@pytest.mark.parametrize("fields", [10_000_000, 500_000])
def test_a_file_of_nothing_but_fields_is_given_up(path, fields):
    assert "it has more than 400,000 fields" in of_bytes(path, number_field(1, 8)[:1] + b"\x01" + b"\x28\x01" * fields)


def test_many_nodes_and_many_packed_numbers_are_given_up(path):
    assert "more than 400,000 fields" in of_bytes(path, file_of(bytes_field(NODE, b"") * 500_000))
    dims = bytes_field(TENSOR, bytes_field(1, b"\x01" * 3_000_000))
    assert "more than 400,000 fields" in of_bytes(path, file_of(dims))


def test_graphs_in_graphs_are_followed_eight_deep_and_no_further(path):
    graph = b""
    for _ in range(1000):
        graph = bytes_field(NODE, bytes_field(5, bytes_field(ATTRIBUTES_GRAPH, graph)))

    assert "its graphs lie more than 8 deep in each other" in of_bytes(path, file_of(graph))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x08" + b"\xff" * 400, "a number has more than 10 bytes"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "a number has more than 64 bits"),
        (b"\x08\x80", "it ends in the middle of a number"),
        (b"\x08\x08\x3a\x7f", "a field claims 127 bytes where 0 are left"),
        (b"\x08\x08" + bytes_field(7, b"", claimed=(1 << 63)), "a field claims 9,223,372,036,854,775,808 bytes"),
        (b"\x0b\x0c", "a field has the unknown form 3"),
        (b"\x08\x08\x02\x00", "a field has the number 0"),
        (b"\x08\x08" + number_field(7, 1), "a field holds a number in place of a message"),
        (file_of(bytes_field(TENSOR, bytes_field(2, b"abc"))), "a field holds bytes in place of a number"),
        (file_of(bytes_field(TENSOR, bytes_field(8, b"a" * 5000))), "a name has 5,000 bytes"),
        (file_of(bytes_field(TENSOR, bytes_field(8, b"\xff"))), "a name is no UTF-8"),
        (bytes_field(7, b""), "it does not say which version of ONNX it has"),
        (b"not a network at all", "its ONNX network cannot be read ("),
    ],
)
def test_bytes_of_no_valid_form_are_damaged_and_the_reason_is_said(path, content, problem):
    assert problem in of_bytes(path, content)


@pytest.mark.parametrize("beyond", [1 << 32, 7 << 32, 1 << 60])
def test_a_field_whose_number_has_too_many_bits_is_refused(path, beyond):
    # A reader that drops the upper bits would see that the weights are in another file.
    hidden = varint((13 << 3 | 2) + beyond) + bytes_field(1, b"location")
    tensor = number_field(1, 1) + number_field(2, 1) + bytes_field(9, bytes(4)) + hidden

    said = of_bytes(path, file_of(bytes_field(TENSOR, tensor)) + bytes_field(8, b""))

    assert "a field has a number beyond 29 bits" in said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty (0 bytes)"),
        (bytes(2000), "its first 512 bytes are zeros"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "it is a Git LFS pointer"),
    ],
)
def test_what_a_broken_download_leaves_is_called_what_it_is(path, content, problem):
    assert problem in of_bytes(path, content)


def test_folders_pipes_and_missing_files_are_refused(path):
    with pytest.raises(WeightsMissing):
        describe(path)
    path.mkdir()
    assert "is a folder" in refused(path, WeightsUnknown)
    path.rmdir()
    os.mkfifo(path)
    assert "is a device or a pipe" in refused(path, WeightsUnknown)


def test_the_file_that_holds_the_weights_is_not_even_opened(path, tmp_path):
    # Opening a pipe that nobody writes to would never end.
    os.mkfifo(tmp_path / "weights.bin")
    made = restorer(64)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"

    assert "keeps weights in another file (weights.bin)" in of_bytes(path, made.SerializeToString(), WeightsUnknown)


def test_names_in_a_file_are_shown_short_and_printable(path):
    node = bytes_field(4, b"a\x1b[31m" * 100) + bytes_field(7, b"evil\n")

    said = of_bytes(path, file_of(bytes_field(NODE, node)), WeightsUnknown)

    assert said.isprintable()
    assert len(said) < 250


@pytest.mark.long
def test_random_damage_to_a_file_on_disk_never_raises_anything_else(path):
    chance = random.Random(15)
    for _ in range(3000):
        content = bytearray(WHOLE)
        start = chance.randrange(len(content))
        content[start : start + chance.randrange(20)] = chance.randbytes(chance.randrange(20))
        path.write_bytes(bytes(content))

        found = outcome(lambda: describe(path))

        assert found.startswith("mine.onnx ") if isinstance(found, str) else 64 <= found.side_px <= 2048


def test_a_whole_file_passes_all_of_this(path):
    save(restorer(64, 2, weight=[1]), path)

    assert describe(path).side_px == 64
