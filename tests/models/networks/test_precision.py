"""Half precision is earned: a network that agrees gets it, one that does not stays in full, and the verdict is kept."""

import json

import pytest
import torch

from lib_facerestore.models.networks import precision as module
from lib_facerestore.models.networks.precision import FULL, Precision, verdict_key

CPU = torch.device("cpu")


class Network:
    """Counts its calls; its answer depends on the precision that it runs in by the given amount."""

    def __init__(self, difference):
        self.difference, self.dtypes = difference, []

    def __call__(self):
        ones = torch.ones(4, 4)
        product = ones @ ones
        self.dtypes.append(product.dtype)
        is_half = product.dtype == torch.bfloat16
        return torch.full((1, 3, 8, 6), self.difference if is_half else 0.0)


def test_full_precision_never_tries_half(tmp_path):
    network = Network(0.001)

    FULL.run(network, CPU, 2.0)

    assert network.dtypes == [torch.float32]


def test_network_that_agrees_runs_in_half_from_then_on(tmp_path):
    network = Network(0.001)  # 66 dB for a range of 2
    precision = Precision("half", "a" * 64, tmp_path)

    first, second = precision.run(network, CPU, 2.0), precision.run(network, CPU, 2.0)

    assert network.dtypes == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert torch.equal(first, second)


@pytest.mark.parametrize("difference", [0.01, float("nan"), float("inf")])  # 46 dB, and numbers that are none
def test_network_that_does_not_agree_stays_in_full(tmp_path, difference):
    network = Network(difference)
    precision = Precision("half", "b" * 64, tmp_path)

    first, second = precision.run(network, CPU, 2.0), precision.run(network, CPU, 2.0)

    assert network.dtypes == [torch.float32, torch.bfloat16, torch.float32]
    assert torch.equal(first, second)


def test_verdict_is_kept_for_the_next_process(tmp_path):
    Precision("half", "a" * 64, tmp_path).run(Network(0.001), CPU, 2.0)
    Precision("half", "b" * 64, tmp_path).run(Network(0.5), CPU, 2.0)

    for name, expected in (("a", torch.bfloat16), ("b", torch.float32)):
        network = Network(0.5)
        Precision("half", name * 64, tmp_path).run(network, CPU, 2.0)
        assert network.dtypes == [expected]


def test_damaged_verdicts_are_made_again(tmp_path):
    (tmp_path / "half.json").write_text("{")
    network = Network(0.001)

    Precision("half", "a" * 64, tmp_path).run(network, CPU, 2.0)

    assert len(network.dtypes) == 2
    assert json.loads((tmp_path / "half.json").read_text()) == {verdict_key("a" * 64, CPU): True}


@pytest.mark.parametrize(("value_range", "dtype"), [(2.0, torch.bfloat16), (1.0, torch.float32)])
def test_agreement_is_measured_for_the_range_of_the_values(tmp_path, value_range, dtype):
    network = Network(0.005)  # 52 dB for a range of 2, 46 dB for a range of 1
    precision = Precision("half", "a" * 64, tmp_path)

    for _ in range(2):
        precision.run(network, CPU, value_range)

    assert network.dtypes[-1] == dtype


def refuse_half(*args):
    raise RuntimeError("not implemented for 'BFloat16'")


@pytest.mark.parametrize("spoil", [lambda half: half / 0, lambda half: half * float("nan"), refuse_half])
def test_batch_that_half_precision_spoils_is_repeated_in_full_and_half_is_given_up(tmp_path, spoil):
    network = Network(0.001)
    precision = Precision("half", "a" * 64, tmp_path)
    precision.run(network, CPU, 2.0)

    def spoilt():
        output = network()
        return spoil(output) if network.dtypes[-1] == torch.bfloat16 else output

    assert (precision.run(spoilt, CPU, 2.0) == 0).all()
    assert (precision.run(spoilt, CPU, 2.0) == 0).all()
    assert network.dtypes[2:] == [torch.bfloat16, torch.float32, torch.float32]
    assert json.loads((tmp_path / "half.json").read_text()) == {verdict_key("a" * 64, CPU): False}


@pytest.mark.parametrize("error", [RuntimeError("unsupported autocast device_type 'mps'"), AssertionError("no module")])
def test_device_that_autocast_does_not_know_runs_in_full(tmp_path, monkeypatch, error):
    def refuse(*args, **more):
        raise error

    network = Network(0.001)
    monkeypatch.setattr(torch, "autocast", refuse)

    Precision("half", "a" * 64, tmp_path).run(network, CPU, 2.0)

    assert network.dtypes == [torch.float32]


def test_memory_refused_in_half_says_nothing_about_the_precision(tmp_path):
    precision = Precision("half", "a" * 64, tmp_path)
    precision.run(Network(0.001), CPU, 2.0)

    def refuse():
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        precision.run(refuse, CPU, 2.0)
    assert json.loads((tmp_path / "half.json").read_text()) == {verdict_key("a" * 64, CPU): True}


@pytest.mark.parametrize("newer", ["torch", "ours"])
def test_verdict_of_another_version_is_made_again(tmp_path, monkeypatch, newer):
    Precision("half", "a" * 64, tmp_path).run(Network(0.001), CPU, 2.0)
    if newer == "torch":
        monkeypatch.setattr(torch, "__version__", "99.0")
    else:
        monkeypatch.setattr(module, "VERSION", "99.0")
    network = Network(0.5)

    Precision("half", "a" * 64, tmp_path).run(network, CPU, 2.0)

    assert network.dtypes == [torch.float32, torch.bfloat16]
