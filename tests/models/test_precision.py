"""Half precision is earned: a network that agrees gets it, one that does not stays in full, and the verdict is kept."""

import json

import pytest
import torch

from lib_facerestore.models.precision import FULL, Precision

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

    FULL.run(network, CPU)

    assert network.dtypes == [torch.float32]


def test_network_that_agrees_runs_in_half_from_then_on(tmp_path):
    network = Network(0.001)  # 66 dB for a range of 2
    precision = Precision("half", "a" * 64, tmp_path)

    first, second = precision.run(network, CPU), precision.run(network, CPU)

    assert network.dtypes == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert torch.equal(first, second)


@pytest.mark.parametrize("difference", [0.01, float("nan"), float("inf")])  # 46 dB, and numbers that are none
def test_network_that_does_not_agree_stays_in_full(tmp_path, difference):
    network = Network(difference)
    precision = Precision("half", "b" * 64, tmp_path)

    first, second = precision.run(network, CPU), precision.run(network, CPU)

    assert network.dtypes == [torch.float32, torch.bfloat16, torch.float32]
    assert torch.equal(first, second)


def test_verdict_is_kept_for_the_next_process(tmp_path):
    Precision("half", "a" * 64, tmp_path).run(Network(0.001), CPU)
    Precision("half", "b" * 64, tmp_path).run(Network(0.5), CPU)

    for name, expected in (("a", torch.bfloat16), ("b", torch.float32)):
        network = Network(0.5)
        Precision("half", name * 64, tmp_path).run(network, CPU)
        assert network.dtypes == [expected]


def test_damaged_verdicts_are_made_again(tmp_path):
    (tmp_path / "half.json").write_text("{")
    network = Network(0.001)

    Precision("half", "a" * 64, tmp_path).run(network, CPU)

    assert len(network.dtypes) == 2
    assert json.loads((tmp_path / "half.json").read_text()) == {f"{'a' * 64} cpu": True}
