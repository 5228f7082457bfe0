"""What each kind of device is known to do, and how torch's answers tell the kinds apart."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from helpers.machines import put_machine
from lib_facerestore.models.devices import described, inference, rules_for
from lib_facerestore.models.executors import HowToRun, Program, Runner


@pytest.fixture
def amd(monkeypatch):
    """An AMD GPU of ROCm's build."""
    put_machine(monkeypatch, cuda=1)
    monkeypatch.setattr(torch.version, "hip", "6.4.4")


def name_cuda(monkeypatch, name):
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)


@pytest.mark.parametrize(
    ("name", "kind"), [("NVIDIA H200", "CUDA"), ("AMD Radeon RX 6600 [ZLUDA]", "ZLUDA"), ("Quadro ZX", "CUDA")]
)
def test_zluda_is_known_by_the_name_of_the_device(monkeypatch, name, kind):
    name_cuda(monkeypatch, name)

    assert rules_for("cuda:0").kind == kind


def test_amd_uses_no_channels_last_memory_and_nvidia_may(monkeypatch, amd):
    of_amd = rules_for("cuda:0")
    name_cuda(monkeypatch, "NVIDIA H200")

    assert (of_amd.kind, of_amd.channels_last, rules_for("cuda:0").channels_last) == ("ROCm", False, True)


def test_a_cuda_that_does_not_answer_is_taken_for_nvidias(monkeypatch):
    def refuse(device):
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_name", refuse)

    assert rules_for("cuda:3").kind == "CUDA"


@pytest.mark.parametrize("name", ["mps", "xpu:0"])
def test_apples_and_intels_gpus_take_no_array_of_4_gb_and_no_float64(name):
    rules = rules_for(name)

    assert rules.block_bytes <= min(4 * 10**9, 2**32 - 1)
    assert not rules.float64


@pytest.mark.parametrize("name", ["cpu", "cuda:0", "privateuseone:0"])
def test_others_have_no_limit_for_one_array(name):
    assert rules_for(name).block_bytes is None


@pytest.mark.parametrize(("name", "has"), [("cpu", True), ("cuda:0", True), ("mps", True), ("privateuseone:0", False)])
def test_directml_runs_without_inference_mode_and_without_gradients(name, has):
    with inference("a network", torch.device(name)):
        assert torch.is_inference_mode_enabled() == has
        assert not torch.is_grad_enabled()


@dataclass
class Pixels:
    """What a runner looks at before it runs anything, on a device that this machine has not."""

    device: torch.device
    shape: tuple[int, ...] = (1, 3, 8, 8)


@pytest.mark.parametrize("name", ["mps", "privateuseone:0", "meta"])
def test_half_precision_is_not_tried_where_autocast_is_not_safe(name, tmp_path):
    calls = []
    program = Program(calls.append, "fake network", "0" * 64, 1.0)  # type: ignore[arg-type]
    runner = Runner(program, HowToRun("half", "torch", tmp_path))

    runner(Pixels(torch.device(name)))  # type: ignore[arg-type]

    assert not rules_for(name).autocast
    assert len(calls) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("machine", "name", "sentence"),
    [
        ({"mps": True}, "mps", "On MPS there is no automatic half precision, no channels-last memory, no float64, "
                               "no array of 4 GB or more."),
        ({"directml": 1}, "privateuseone:0", "On DirectML there is no inference mode, no automatic half precision, "
                                             "no channels-last memory."),
    ],
)  # fmt: skip
def test_the_rules_are_a_sentence(monkeypatch, machine, name, sentence):
    put_machine(monkeypatch, **machine)

    assert rules_for(name).sentence() == sentence
    assert f"  {sentence}" in described(torch.device(name))
