"""CodeFormer in two programs: stock's codes, stock's numbers, and another weight for the price of the second one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Crop, Face
from lib_facerestore.models import networks
from lib_facerestore.models.adapters import face_functions
from lib_facerestore.models.adapters.restorers import restorer_for

# A network of full size, at 1 to 4 s a run.
pytestmark = pytest.mark.long
CPU = torch.device("cpu")


def crop(seed: int) -> Crop:
    pixels = (smooth_noise(512, 512, seed, 20) / 255).astype(np.float32)
    affine = np.eye(2, 3, dtype=np.float64)
    return Crop(Face(0, (0, 0, 512, 512), np.zeros((5, 2), np.float32), 1.0), pixels, affine)


@pytest.fixture(scope="module")
def network():
    from spandrel_extra_arches.architectures.CodeFormer.__arch.codeformer import CodeFormer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CodeFormer(n_layers=1).eval()


@pytest.fixture
def restorer(network):
    return restorer_for("CodeFormer", "0" * 64, networks.build(network.state_dict(), "codeformer", CPU), CPU)


@pytest.fixture
def code_runs(restorer, monkeypatch):
    """Grows by the number of faces at each run of the first program."""
    runs = []
    codes = restorer._function._codes._program.module
    codes.register_forward_hook(lambda module, inputs, output: runs.append(len(inputs[0])))
    return runs


def test_another_weight_runs_the_generator_alone_and_gives_the_same_bytes(restorer, network, code_runs):
    face = crop(0)

    by_weight = [restorer.restore([face], weight)[0] for weight in (0.5, 0.0, 1.0, 0.5)]

    assert code_runs == [1]
    assert np.array_equal(by_weight[0], by_weight[3])
    fresh = restorer_for("CodeFormer", "0" * 64, networks.build(network.state_dict(), "codeformer", CPU), CPU)
    for weight, restored in zip((0.0, 1.0), by_weight[1:3]):
        assert np.array_equal(fresh.restore([crop(0)], weight)[0], restored)


def test_an_equal_crop_that_is_another_object_is_run(restorer, code_runs):
    for _ in range(2):
        restorer.restore([crop(0)], 0.5)

    assert code_runs == [1, 1]


def test_codes_leave_with_their_crops_and_above_the_limit(restorer, code_runs, monkeypatch):
    faces = [crop(seed) for seed in range(2)]
    restorer.restore([faces[0]], 0.5)
    one_bytes = sum(face_functions._bytes(codes) for _, codes in restorer._function._kept.values())
    monkeypatch.setattr(face_functions, "MOST_KEPT_BYTES", one_bytes)

    restorer.restore([faces[1]], 0.5)
    assert len(restorer._function._kept) == 1
    restorer.restore([faces[0]], 0.5)
    assert code_runs == [1, 1, 1]

    monkeypatch.undo()
    restorer.restore([faces[1]], 0.5)
    del faces
    restorer.restore([crop(5)], 0.5)
    assert len(restorer._function._kept) == 1


def test_a_batch_keeps_each_face_for_itself(restorer, code_runs):
    first, second = crop(0), crop(1)
    restorer.restore([first, second], 0.5)

    again = restorer.restore([second], 0.25)
    turned = restorer.restore([second, first], 0.25)

    assert code_runs == [2]
    assert np.abs(again[0] - turned[0]).max() <= 2e-4
    sizes = {tensor.untyped_storage().nbytes() for _, codes in restorer._function._kept.values() for tensor in codes}
    assert max(sizes) == 128 * 256 * 256 * 4  # of one face


def test_moving_the_network_drops_what_was_kept(restorer, code_runs):
    face = crop(0)
    restorer.restore([face], 0.5)

    restorer.move(torch.device("meta"))

    assert len(restorer._function._kept) == 0


def test_the_codes_are_the_published_networks(network):
    from lib_facerestore.models.networks.programs import CodeFormerCodes, CodeFormerGenerator

    pixels = torch.from_numpy(crop(3).pixels.copy()).permute(2, 0, 1)[None] * 2 - 1
    chosen = []
    network.generator.blocks[0].register_forward_pre_hook(lambda module, inputs: chosen.append(inputs[0]))
    with torch.no_grad():
        expected = network(pixels, weight=0.5)[0]
        entries, *features = CodeFormerCodes(network)(pixels)
        ours = CodeFormerGenerator(network)(entries, torch.tensor([0.5]), *features)

    assert torch.allclose(entries, chosen[0], atol=1e-5)
    assert torch.allclose(ours, expected, atol=1e-4)
