"""What an ONNX file is taken for before a runtime sees it: which are face restorers, which are refused and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from helpers.onnx_files import DOUBLE, HALF, model, number_field, restorer, save, value, weights
from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models.onnx_models import OnnxFile, describe

IMAGE = (1, 3, 64, 64)
INT64 = 7


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.onnx"


def passing(*inputs, outputs=None, **more):
    """A network that gives its first input back."""
    node = helper.make_node("Identity", [inputs[0].name], ["output"])
    return model([node], inputs, outputs if outputs is not None else [value("output", IMAGE)], **more)


@pytest.mark.parametrize(
    ("made", "file"),
    [
        (restorer(64), OnnxFile(64, "input", "float32", "output", False)),
        (restorer(1024, batch="n"), OnnxFile(1024, "input", "float32", "output", True)),
        (restorer(96, element=HALF), OnnxFile(96, "input", "float16", "output", False)),
        (restorer(64, 2), OnnxFile(64, "input", "float32", "output", False)),
        (
            restorer(64, weight=[1], weight_element=DOUBLE),
            OnnxFile(64, "input", "float32", "output", False, "weight", "float64", (1,)),
        ),
        (restorer(64, weight=[]), OnnxFile(64, "input", "float32", "output", False, "weight", "float32", ())),
        (restorer(64, out_sides=None), OnnxFile(64, "input", "float32", "output", False)),
        (restorer(64, out_sides=["n", 3, "h", "w"]), OnnxFile(64, "input", "float32", "output", False)),
    ],
)
def test_a_face_restorer_is_called_as_its_file_says(path, made, file):
    save(made, path)

    assert describe(path) == file


def test_weights_that_an_old_export_lists_among_the_inputs_are_no_inputs(path):
    made = restorer(64)
    made.graph.input.append(value("kernel", [3, 3, 1, 1]))
    save(made, path)

    assert describe(path).side_px == 64


def test_the_first_of_several_outputs_is_the_face(path):
    made = restorer(64)
    made.graph.output.append(value("wide", [1, 12, 7, 7]))
    save(made, path)

    assert describe(path).output == "output"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (passing(value("target", IMAGE), value("source", [1, 512])), "it takes (1, 3, 64, 64) and (1, 512)"),
        (passing(value("a", IMAGE), value("b", IMAGE)), "it takes (1, 3, 64, 64) and (1, 3, 64, 64)"),
        (passing(value("a", IMAGE), value("b", [1]), value("c", [1])), "it takes (1, 3, 64, 64) and (1) and (1)"),
        (passing(value("a", IMAGE), value("b", [1], INT64)), "it takes (1, 3, 64, 64) and (1)"),
        (passing(value("any", [1, 3, "h", "w"])), "it takes (1, 3, ?, ?)"),
        (passing(value("wide", [1, 3, 64, 96])), "it takes (1, 3, 64, 96)"),
        (passing(value("mask", [1, 4, 64, 64])), "it takes (1, 4, 64, 64)"),
        (passing(value("last", [1, 64, 64, 3])), "it takes (1, 64, 64, 3)"),
        (passing(value("four", [4, 3, 64, 64])), "it takes (4, 3, 64, 64)"),
        (passing(value("small", [1, 3, 63, 63])), "it takes (1, 3, 63, 63)"),
        (passing(value("large", [1, 3, 4096, 4096])), "it takes (1, 3, 4096, 4096)"),
        (passing(value("bytes", IMAGE, 2)), "it takes (1, 3, 64, 64)"),
        (passing(value("unknown", None)), "it takes ?"),
        (passing(value("a", IMAGE), outputs=[value("output", [1, 1, 64, 64])]), "it gives (1, 1, 64, 64)"),
        (passing(value("a", IMAGE), outputs=[value("output", [1, 3, 32, 32])]), "it gives (1, 3, 32, 32)"),
        (passing(value("a", IMAGE), outputs=[value("output", [1, 3, 8192, 8192])]), "it gives (1, 3, 8192, 8192)"),
        (passing(value("a", IMAGE), outputs=[value("output", [1, 512])]), "it gives (1, 512)"),
        (passing(value("a", IMAGE), outputs=[value("output", IMAGE, INT64)]), "it gives (1, 3, 64, 64)"),
        (passing(value("a", IMAGE), outputs=[]), "it gives nothing"),
    ],
)
def test_a_network_of_another_kind_is_refused_with_what_it_takes_or_gives(path, made, reason):
    save(made, path)

    with pytest.raises(WeightsUnknown) as caught:
        describe(path)

    assert str(caught.value).startswith(f"mine.onnx is an ONNX network, but no face restorer: {reason}; one takes")


def with_operator(domain, name):
    made = restorer(64)
    made.graph.node.append(helper.make_node(name, ["output"], ["more"], domain=domain))
    return made


@pytest.mark.parametrize(("domain", "name"), [("ai.onnx", "Relu"), ("", "Relu"), ("com.microsoft", "FusedMatMul")])
def test_operators_of_the_standard_and_plain_sums_of_onnx_runtime_are_let_through(path, domain, name):
    save(with_operator(domain, name), path)

    assert describe(path).side_px == 64


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("my.own", "Conv"),
        ("ai.onnx.contrib", "PyOp"),
        ("ai.onnx.ml", "LabelEncoder"),
        ("com.microsoft", "EPContext"),
        ("com.microsoft", "PythonOp"),
        ("AI.ONNX", "Relu"),
    ],
)
def test_operators_that_may_run_other_code_or_open_files_are_refused_by_their_name(path, domain, name):
    save(with_operator(domain, name), path)

    with pytest.raises(
        WeightsUnknown, match=rf"^mine\.onnx uses the operator {domain}\.{name}, which are not run here"
    ):
        describe(path)


def test_an_operator_deep_inside_a_node_is_refused_too(path):
    inner = helper.make_graph([helper.make_node("Steal", [], ["x"], domain="my.own")], "inner", [], [value("x", IMAGE)])
    outer = helper.make_graph(
        [helper.make_node("If", ["yes"], ["x"], then_branch=inner, else_branch=inner)], "outer", [], [value("x", IMAGE)]
    )
    made = restorer(64)
    made.graph.node.append(helper.make_node("If", ["yes"], ["x"], then_branch=outer, else_branch=outer))
    save(made, path)

    with pytest.raises(WeightsUnknown, match=r"uses the operator my\.own\.Steal"):
        describe(path)


def test_functions_of_the_file_and_training_programs_are_refused(path):
    made = restorer(64)
    made.functions.append(
        helper.make_function("my.own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [])
    )
    save(made, path)
    with pytest.raises(WeightsUnknown, match="defines operators of its own"):
        describe(path)

    made = restorer(64)
    made.training_info.add()
    save(made, path)
    with pytest.raises(WeightsUnknown, match="a training program"):
        describe(path)


def outside(tensor, **where):
    """Let a tensor say that its numbers are in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in where.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, text


@pytest.mark.parametrize("location", ["weights.bin", "../secret", "/etc/passwd", "C:\\secret", "sub/weights.bin", ""])
def test_weights_in_another_file_are_never_opened_wherever_it_is(path, location):
    made = restorer(64)
    outside(made.graph.initializer[0], location=location)
    save(made, path)

    with pytest.raises(WeightsUnknown) as caught:
        describe(path)

    assert str(caught.value) == (
        f"mine.onnx keeps weights in another file ({location}), which is not opened; "
        "use an export that has everything in one file."
    )


def test_weights_in_another_file_are_refused_in_any_way_to_say_it(path):
    for only in ("data_location", "external_data"):
        made = restorer(64)
        outside(made.graph.initializer[0], location="../secret")
        made.graph.initializer[0].ClearField(only)
        save(made, path)

        with pytest.raises(WeightsUnknown, match="keeps weights in another file"):
            describe(path)

    constant = weights("hidden", [1.0])
    outside(constant, location="../secret")
    made = restorer(64)
    made.graph.node.append(helper.make_node("Constant", [], ["more"], value=constant))
    save(made, path)
    with pytest.raises(WeightsUnknown, match=r"keeps weights in another file \(\.\./secret\)"):
        describe(path)


def test_sparse_weights_are_refused(path):
    made = restorer(64)
    made.graph.sparse_initializer.add().dims.extend([1 << 40])
    save(made, path)

    with pytest.raises(WeightsUnknown, match="holds sparse weights"):
        describe(path)


def test_a_file_without_a_network_is_refused(path):
    path.write_bytes(number_field(1, 7))

    with pytest.raises(WeightsUnknown, match=r"^mine\.onnx is an ONNX file without a network\."):
        describe(path)


LIGHT = """
import sys
from pathlib import Path
from lib_facerestore.models.onnx_models import describe
print(describe(Path(sys.argv[1])).side_px)
print(sorted({"torch", "onnx", "onnxruntime", "openvino"} & set(sys.modules)))
"""


def test_a_file_is_checked_without_any_package_that_could_run_it(path):
    save(restorer(64), path)
    root = Path(__file__).resolve().parents[3]

    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(path)], cwd=root, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.split("\n")[:2] == ["64", "[]"], done.stderr
