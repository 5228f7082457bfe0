"""A program runs in the way that agrees and is faster; what fails is said and torch repeats the call."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lib_facerestore.models.executors import HowToRun, Program, Runner
from lib_facerestore.models.executors import runner as module
from lib_facerestore.models.executors.program import Way
from lib_facerestore.models.executors.torch_half import TorchAutocast

FACES = torch.full((1, 3, 8, 6), 0.25)


class Clock:
    """A clock that only the network moves, so that the machine's load changes no verdict."""

    now = 0.0


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: Clock.now))


class Network(nn.Module):
    """Remembers the dtypes of its calls; in 16 bits its answer differs by a given amount, and comes sooner."""

    def __init__(self, difference=0.001, full_s=0.02, half_s=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.difference, self.seconds = difference, {torch.float32: full_s, torch.bfloat16: half_s}
        self.dtypes = []

    def __deepcopy__(self, memo):
        """Copies share the list, so that calls of the converted copy are seen."""
        copied = Network(self.difference)
        copied.seconds, copied.dtypes = self.seconds, self.dtypes
        return copied

    def forward(self, pixels):
        dtype = (pixels * self.weight).dtype
        self.dtypes.append(dtype)
        Clock.now += self.seconds[dtype]
        return torch.full_like(pixels, self.difference if dtype == torch.bfloat16 else 0.0, dtype=dtype)


def runner(network, folder, sha256="a", precision="half", may_be_half=True, value_range=2.0):
    program = Program(network, "Network", sha256 * 64, value_range, may_be_half)
    return Runner(program, HowToRun(precision, "torch", folder))


def after_trial(network, run, inputs=FACES):
    """What a second call ran, the first having been the trial."""
    run(inputs)
    network.dtypes.clear()
    (output,) = run(inputs)
    return network.dtypes, output


def test_full_precision_never_tries_half(tmp_path):
    network = Network()

    dtypes, _ = after_trial(network, runner(network, tmp_path, precision="full"))

    assert dtypes == [torch.float32]
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_must_not_be_half_never_is(tmp_path):
    network = Network()

    assert after_trial(network, runner(network, tmp_path, may_be_half=False))[0] == [torch.float32]


def test_a_network_that_agrees_and_is_faster_runs_in_half(tmp_path):
    network = Network(0.001)  # 66 dB for a range of 2
    run = runner(network, tmp_path)

    dtypes, output = after_trial(network, run)

    assert dtypes == [torch.bfloat16]
    assert output.dtype == torch.float32
    assert run.used is Way.TORCH_HALF


def test_the_first_result_is_that_of_the_way_that_is_chosen(tmp_path):
    run = runner(Network(0.001), tmp_path)

    first, second = run(FACES)[0], run(FACES)[0]

    assert torch.equal(first, second)
    assert first.mean() == pytest.approx(0.001, rel=0.01)


@pytest.mark.parametrize("difference", [0.01, float("nan"), float("inf")])  # 46 dB, and numbers that are none
def test_a_network_that_does_not_agree_stays_in_full(tmp_path, difference):
    network = Network(difference)
    run = runner(network, tmp_path)

    dtypes, output = after_trial(network, run)

    assert dtypes == [torch.float32]
    assert (output == 0).all()
    assert run.used is Way.TORCH_FULL


def test_half_that_is_slower_is_not_used(tmp_path):
    network = Network(full_s=0.01, half_s=0.02)

    assert after_trial(network, runner(network, tmp_path))[0] == [torch.float32]


@pytest.mark.parametrize(("value_range", "dtype"), [(2.0, torch.bfloat16), (1.0, torch.float32)])
def test_agreement_is_measured_for_the_range_of_the_values(tmp_path, value_range, dtype):
    network = Network(0.005)  # 52 dB for a range of 2, 46 dB for a range of 1

    assert after_trial(network, runner(network, tmp_path, value_range=value_range))[0] == [dtype]


def test_verdicts_are_kept_for_the_next_process(tmp_path):
    runner(Network(0.001), tmp_path, "a")(FACES)
    runner(Network(0.5), tmp_path, "b")(FACES)

    for letter, expected in (("a", torch.bfloat16), ("b", torch.float32)):
        network = Network(0.5)
        runner(network, tmp_path, letter)(FACES)
        # The first call of the converted copy shows whether it runs at all.
        assert set(network.dtypes) == {expected}


@pytest.mark.parametrize("damage", ["{", "[]", '{"key": 1}', "\udcff"])
def test_damaged_verdicts_are_made_again(tmp_path, damage):
    (tmp_path / "executors.json").write_bytes(damage.encode("utf-8", "surrogateescape"))
    network = Network(0.001)

    runner(network, tmp_path)(FACES)

    assert set(network.dtypes) == {torch.float32, torch.bfloat16}
    (row,) = [row for row in json.loads((tmp_path / "executors.json").read_text()).values() if isinstance(row, list)]
    assert row[0] > 60


@pytest.mark.parametrize("newer", ["torch", "ours"])
def test_a_verdict_of_another_version_is_made_again(tmp_path, monkeypatch, newer):
    runner(Network(0.001), tmp_path)(FACES)
    if newer == "torch":
        monkeypatch.setattr(torch, "__version__", "99.0")
    else:
        monkeypatch.setattr("lib_facerestore.models.executors.verdicts.VERSION", "99.0")
    network = Network(0.001)

    runner(network, tmp_path)(FACES)

    assert torch.float32 in network.dtypes


def refuse(*inputs):
    raise RuntimeError("not implemented for 'BFloat16'\nand more lines")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda half: (half[0] / 0,), "it gave values that are not numbers"),
        (lambda half: (half[0] * float("nan"),), "it gave values that are not numbers"),
        (refuse, "not implemented for 'BFloat16'"),
    ],
)
def test_a_call_that_half_spoils_is_repeated_in_full_and_half_is_given_up_and_said(
    tmp_path, monkeypatch, spoil, reason
):
    network = Network(0.001)
    run = runner(network, tmp_path)
    run(FACES)
    half = run._halves["cpu"]
    run._halves["cpu"] = lambda *inputs: spoil(half(*inputs))

    assert (run(FACES)[0] == 0).all()
    assert run.notices == [f"Network failed in half ({reason}); it runs in torch in full precision."]
    network.dtypes.clear()
    run(FACES)
    assert network.dtypes == [torch.float32]
    assert json.loads((tmp_path / "executors.json").read_text()).popitem()[1] == [0.0, None]


def test_memory_refused_in_half_says_nothing_about_half(tmp_path):
    run = runner(Network(0.001), tmp_path)
    run(FACES)
    kept = (tmp_path / "executors.json").read_text()

    def refuse_memory(*inputs):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    run._halves["cpu"] = refuse_memory

    with pytest.raises(torch.cuda.OutOfMemoryError):
        run(FACES)
    assert (tmp_path / "executors.json").read_text() == kept


class OnlyAutocast(nn.Module):
    """Adds a float32 constant before a convolution, which then refuses weights of 16 bits."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        nn.init.constant_(self.convolution.weight, 0.01)

    def forward(self, pixels):
        return self.convolution(pixels + torch.ones(1, 3, 1, 1))


def test_a_network_that_refuses_weights_in_16_bits_runs_under_autocast(tmp_path):
    with torch.no_grad():
        run = runner(OnlyAutocast().eval(), tmp_path)

        run(FACES)

    assert isinstance(run._halves["cpu"], TorchAutocast)
