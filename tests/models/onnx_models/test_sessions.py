"""Runtimes that run ONNX networks: what they give, which is taken, and what is said where none can be used."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from helpers.onnx_files import DOUBLE, FLOAT, HALF, model, restorer, save, value
from lib_facerestore.errors import OutOfMemory, RuntimeMissing, WeightsDamaged, WeightsUnknown
from lib_facerestore.models.executors import openvino_package
from lib_facerestore.models.onnx_models import describe, open_network, openvino_session, ort_session, session

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
FACES = np.random.default_rng(5).random((2, 3, 64, 64), np.float32) * 2 - 1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.onnx"


@pytest.fixture(params=["onnxruntime", "openvino"])
def only(request, monkeypatch):
    """One runtime, as if the other one were not installed."""
    if request.param == "openvino" and openvino_package() is None:
        pytest.skip("OpenVINO is not installed")
    for module in (ort_session, openvino_session):
        monkeypatch.setattr(module, "is_installed", lambda module=module: request.param == module.PACKAGE)
    return request.param


def run(path, faces, fidelity=0.5):
    opened = open_network(path, describe(path), CPU)
    assert opened.notice == ""
    parts = [faces] if opened.session.has_batches else np.split(faces, len(faces))
    return np.concatenate([opened.session.run(part, fidelity) for part in parts])


@pytest.mark.parametrize("batch", [1, "n"])
@pytest.mark.parametrize("enlarged", [1, 2])
def test_a_network_gives_what_its_sums_say(path, only, batch, enlarged):
    save(restorer(64, enlarged, batch, gain=0.5), path)

    given = run(path, FACES)

    expected = np.repeat(np.repeat(FACES * np.float32(0.5), enlarged, 2), enlarged, 3)
    assert given.dtype == np.float32
    assert np.array_equal(given, expected)  # halving is exact in float32


@pytest.mark.parametrize("sides", [[], [1]])
@pytest.mark.parametrize("element", [FLOAT, DOUBLE])
def test_a_weight_is_given_in_its_own_shape_and_type(path, only, sides, element):
    save(restorer(64, weight=sides, weight_element=element), path)

    assert np.array_equal(run(path, FACES, 0.25), FACES * np.float32(0.25))


def test_a_network_in_half_precision_is_given_half_numbers(path, only):
    save(restorer(64, element=HALF, batch="n"), path)

    assert np.abs(run(path, FACES) - FACES).max() <= 2**-11  # half of the last bit of float16 below 1


def test_full_precision_is_full_on_processors_that_have_bfloat16(path, only):
    save(restorer(64, gain=1 + 2**-12), path)

    # bfloat16 has 8 bits and would lose the gain's last one.
    assert np.abs(run(path, FACES) - FACES * np.float32(1 + 2**-12)).max() <= 2**-23


def test_without_a_runtime_the_sentence_says_what_to_install_for_this_python(path, monkeypatch):
    save(restorer(64), path)
    for module in (ort_session, openvino_session):
        monkeypatch.setattr(module, "is_installed", lambda: False)

    with pytest.raises(RuntimeMissing) as caught:
        open_network(path, describe(path), CPU)

    assert str(caught.value) == (
        "mine.onnx is an ONNX network, and neither onnxruntime nor openvino is installed. "
        f'Install one with: {sys.executable} -m pip install "onnxruntime<1.27"'
    )


def test_a_broken_installation_counts_as_none_and_is_logged(monkeypatch, tmp_path, caplog):
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('numpy.core.multiarray failed to import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)

    assert not ort_session.is_installed.__wrapped__()
    assert "onnxruntime is installed and cannot be imported: numpy.core" in caplog.text


def test_a_package_that_is_not_there_is_no_trouble(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert not ort_session.is_installed.__wrapped__()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("executor", "label"), [("auto", "ONNX Runtime"), ("torch", "ONNX Runtime"), ("openvino", "OpenVINO")]
)
def test_onnx_runtime_comes_first_unless_openvino_is_wanted(path, monkeypatch, executor, label):
    save(restorer(64), path)
    for module in (ort_session, openvino_session):
        monkeypatch.setattr(module, "is_installed", lambda: True)
        monkeypatch.setattr(module, "open_on_cpu", lambda data, file, module=module: module.LABEL)

    assert open_network(path, describe(path), CPU, executor).session == label


def test_a_file_that_was_replaced_in_between_is_not_run(path):
    save(restorer(64), path)
    file = describe(path)
    save(restorer(96), path)

    with pytest.raises(WeightsDamaged, match=r"^mine\.onnx is damaged: it was changed while it was loaded"):
        open_network(path, file, CPU)


def test_a_network_that_the_runtime_cannot_load_is_refused_with_the_runtimes_reason(path, only):
    made = model(
        [_node("NoSuchOperator", "input", "output")],
        [value("input", [1, 3, 64, 64])],
        [value("output", [1, 3, 64, 64])],
    )
    save(made, path)

    with pytest.raises(WeightsUnknown, match=rf"^mine\.onnx cannot be loaded by {only} \(.+\)\.$"):
        open_network(path, describe(path), CPU)


def _node(operator, given, result):
    from onnx import helper

    return helper.make_node(operator, [given], [result])


def test_a_build_without_the_devices_provider_runs_on_the_cpu_and_says_so(path):
    save(restorer(64), path)

    opened = open_network(path, describe(path), torch.device("cuda", 1))

    assert opened.session.device == CPU
    assert opened.notice == "mine ran on the CPU, because the installed onnxruntime has nothing for cuda:1."
    assert np.array_equal(opened.session.run(FACES[:1], 0.5), FACES[:1])


def test_a_device_that_fails_is_left_for_the_cpu_and_the_reason_is_said(path, monkeypatch):
    save(restorer(64), path)

    def fail(data, file, device):
        raise RuntimeError("CUDA failure 35: driver too old.\nmore lines")

    monkeypatch.setattr(ort_session, "open_on_device", fail)
    opened = open_network(path, describe(path), GPU)

    assert opened.session.device == CPU
    assert opened.notice == (
        "mine ran on the CPU, because onnxruntime failed on cuda:1: CUDA failure 35: driver too old."
    )


class Made:
    """Stands for onnxruntime's session; notes what it was made with."""

    def __init__(self, data, options, providers):
        self.given = providers

    def disable_fallback(self):
        pass

    def get_providers(self):
        return [provider if isinstance(provider, str) else provider[0] for provider in self.given]


@pytest.mark.parametrize(
    ("device", "provider"),
    [
        ("cuda:1", ("CUDAExecutionProvider", {"device_id": 1})),
        ("privateuseone:0", ("DmlExecutionProvider", {"device_id": 0})),
        ("mps", ("CoreMLExecutionProvider", {})),
        ("xpu:0", ("OpenVINOExecutionProvider", {"device_type": "GPU"})),
    ],
)
def test_each_kind_of_device_has_its_provider(path, monkeypatch, device, provider):
    import onnxruntime

    save(restorer(64), path)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Made)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [provider[0], "CPUExecutionProvider"])

    opened = open_network(path, describe(path), torch.device(device))

    assert isinstance(opened.session, ort_session.OrtSession)
    assert opened.session._session.given == [provider, "CPUExecutionProvider"]
    assert (str(opened.session.device), opened.notice) == (device, "")


def test_a_provider_that_does_not_start_without_an_error_is_noticed(path, monkeypatch):
    import onnxruntime

    save(restorer(64), path)
    monkeypatch.setattr(Made, "get_providers", lambda self: ["CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Made)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])

    opened = open_network(path, describe(path), GPU)

    assert "because onnxruntime failed on cuda:1: CUDAExecutionProvider did not start." in opened.notice


def test_out_of_memory_is_told_from_other_errors():
    assert session.is_out_of_memory(RuntimeError("Failed to allocate memory for requested buffer of size 1073741824"))
    assert session.is_out_of_memory(MemoryError())
    assert not session.is_out_of_memory(RuntimeError("Non-zero status code returned while running Conv node"))


def test_a_network_that_finds_no_memory_when_it_is_loaded_says_so(path, monkeypatch):
    save(restorer(64), path)

    def fail(data, file):
        raise RuntimeError("Exception during initialization: std::bad_alloc")

    monkeypatch.setattr(ort_session, "open_on_cpu", fail)

    with pytest.raises(OutOfMemory, match=r"^cpu has no memory left for mine\."):
        open_network(path, describe(path), CPU)
