"""OpenVINO runs what torch runs: the same numbers, kept graphs, no network, and torch wherever it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.odd_consoles import ROOT
from lib_facerestore.models import networks, weights
from lib_facerestore.models.executors import CompiledFiles, HowToRun, Program, Runner, openvino_graph, openvino_ways
from lib_facerestore.models.executors.program import Way
from lib_facerestore.models.executors.verdicts import decibels

CPU = torch.device("cpu")


class Small(nn.Module):
    """A few layers of those that face networks have; its output is in about [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.Conv2d(32, 3, 3))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.tanh(nn.functional.interpolate(self.layers(pixels), scale_factor=2.0))


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def pixels(seed: int = 0, height: int = 40, width: int = 56) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def runner(folder: Path, executor="openvino", module: nn.Module | None = None, **more) -> Runner:
    program = Program((module or Small()).eval(), "Small", "5" * 64, 2.0)
    return Runner(program, HowToRun(executor=executor, cache_folder=folder, **more))


@pytest.fixture
def fast_verdicts(monkeypatch):
    """OpenVINO's graphs count as faster, so that a test does not depend on the clock."""

    def ratio(self, way, inputs):
        verdict = self._verdict(way, inputs)
        return 0.5 if verdict is not None and verdict.is_good(way) else 2.0

    monkeypatch.setattr("lib_facerestore.models.executors.runner._timed", lambda call, inputs: (call(*inputs), 1.0))
    monkeypatch.setattr(Runner, "_ratio", ratio)


def test_the_numbers_are_torchs(tmp_path, fast_verdicts):
    run = runner(tmp_path)

    (output,) = run(pixels())

    assert run.used is Way.OPENVINO_FULL
    assert decibels((output,), (Small().eval()(pixels()),), 2.0) >= 90


def test_a_graph_is_captured_once_kept_and_gives_the_same_bytes_in_the_next_process(
    tmp_path, fast_verdicts, monkeypatch
):
    first = runner(tmp_path)
    (output,) = first(pixels())
    (sentence,) = first.take_notices()
    monkeypatch.setattr(openvino_ways, "capture", None)  # calling it would fail

    second = runner(tmp_path)
    (again,) = second(pixels())

    assert sentence.startswith("Small was compiled for this processor in ")
    assert second.used is Way.OPENVINO_FULL
    assert second.take_notices() == ()
    assert torch.equal(output, again)


@pytest.mark.parametrize("spoil", [lambda data: data[:-100], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_a_damaged_graph_is_noticed_and_captured_again(tmp_path, fast_verdicts, spoil):
    (output,) = runner(tmp_path)(pixels())
    (file,) = (tmp_path / "compiled").iterdir()
    file.write_bytes(spoil(file.read_bytes()))

    run = runner(tmp_path)
    (again,) = run(pixels())

    assert torch.equal(output, again)
    assert len(run.take_notices()) == 1


def test_a_kept_graph_that_openvino_refuses_is_captured_again(tmp_path, fast_verdicts):
    runner(tmp_path)(pixels())
    (file,) = (tmp_path / "compiled").iterdir()
    files, run = CompiledFiles.in_cache(tmp_path), runner(tmp_path)
    key = run._openvino._key(Way.OPENVINO_FULL, (pixels(),))
    assert files.path(key) == file
    files.write(key, b"no graph")

    run(pixels())

    assert run.used is Way.OPENVINO_FULL
    assert len(run.take_notices()) == 1


def test_each_shape_has_a_graph_of_its_own_and_the_least_used_leaves(tmp_path, fast_verdicts, monkeypatch):
    monkeypatch.setattr(openvino_ways, "_MOST_COMPILED", 2)
    run = runner(tmp_path)

    for height in (40, 48, 64):
        (output,) = run(pixels(height=height))
        assert decibels((output,), (Small().eval()(pixels(height=height)),), 2.0) >= 90

    assert CompiledFiles.in_cache(tmp_path).count()[0] == 3
    assert len(run._openvino._compiled) == 2


def test_auto_captures_only_where_torch_has_spent_time_on_that_shape(tmp_path, fast_verdicts, monkeypatch):
    monkeypatch.setattr(openvino_ways, "WORTH_CAPTURING_S", 0.0)
    run = runner(tmp_path, "auto")

    ways = []
    for _ in range(openvino_ways.WORTH_CAPTURING_CALLS + 1):
        run(pixels())
        ways.append(run.used)
    run(pixels(height=48))

    assert ways == [Way.TORCH_FULL] * openvino_ways.WORTH_CAPTURING_CALLS + [Way.OPENVINO_FULL]
    assert run.used is Way.TORCH_FULL


def test_auto_uses_what_was_prepared_at_once(tmp_path, fast_verdicts):
    runner(tmp_path, prepares_at_once=True)(pixels())
    run = runner(tmp_path, "auto")

    run(pixels())

    assert run.used is Way.OPENVINO_FULL


def test_a_graph_that_does_not_agree_is_never_used(tmp_path, fast_verdicts, monkeypatch):
    monkeypatch.setattr(openvino_graph.CompiledGraph, "__call__", lambda self, *inputs: (Small()(*inputs) + 1e-3,))
    run = runner(tmp_path)

    outputs = [run(pixels())[0] for _ in range(2)]

    assert run.used is Way.TORCH_FULL
    assert all(torch.equal(output, Small().eval()(pixels())) for output in outputs)


@pytest.mark.parametrize("when", ["capture", "run", "numbers"])
def test_a_failure_falls_back_to_torch_and_is_said_once(tmp_path, fast_verdicts, monkeypatch, when):
    run = runner(tmp_path)

    def fail(*arguments):
        raise RuntimeError("Check failed\nat a line of C++")

    if when == "capture":
        monkeypatch.setattr(openvino_ways, "capture", fail)
    else:
        run(pixels())
        run.take_notices()
        bad = lambda self, *inputs: (torch.full((1, 3, 76, 108), float("nan")),)  # noqa: E731
        monkeypatch.setattr(openvino_graph.CompiledGraph, "__call__", fail if when == "run" else bad)

    outputs = [run(pixels())[0] for _ in range(2)]

    reason = "it gave values that are not numbers" if when == "numbers" else "Check failed"
    assert run.take_notices() == (f"Small failed in OpenVINO ({reason}); it runs in torch in full precision.",)
    assert all(torch.equal(output, Small().eval()(pixels())) for output in outputs)


def test_torch_alone_is_used_where_that_is_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_ways, "openvino_package", None)  # calling it would fail
    run = runner(tmp_path, "torch", precision="half")

    run(pixels())

    assert not run.used.is_openvino


# Refuses every connection and look-up, and says so.
IMPORTS = """
import socket, sys
def refuse(*given, **more):
    print("network:", given)
    raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from lib_facerestore.models.executors.openvino_package import openvino_package
print(openvino_package().__name__, "openvino_telemetry" in sys.modules)
import threading, time
time.sleep(0.5)
print([thread.name for thread in threading.enumerate()])
"""


def test_importing_it_reaches_for_no_network_and_writes_nothing_home(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("CI", None)  # its telemetry is off where this is set
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["openvino False", "['MainThread']"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("precision", ["full", "half"])
def test_the_trained_embedded_upscaler_agrees(tmp_path, runtime, photograph, precision):
    spec = weights.choose("Real-ESRGAN x4plus (embedded)", "upscaler", runtime)
    found, state = weights.resolve_and_load(spec, runtime)
    model = networks.build(state, "x4plus", CPU)
    run = Runner(
        Program(model.model, "x4plus", found.sha256, 1.0),
        HowToRun(precision, "openvino", tmp_path),
    )
    crop = torch.from_numpy(photograph[100:164, 140:236].astype("float32") / 255).permute(2, 0, 1)[None].contiguous()

    run(crop)

    expected = model.model(crop)
    for way in run._openvino.ways((crop,), run.how):
        verdict = run._verdict(way, (crop,))
        if verdict is None:
            assert way.is_half
            assert precision == "full"
            continue
        assert verdict.is_good(way), (way, verdict)
        assert decibels(run._call(way, (crop,))(crop), (expected,), 1.0) >= (50 if way.is_half else 90)
