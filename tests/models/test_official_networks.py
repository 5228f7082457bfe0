"""The face networks and upscalers against the official packages, at full size, with equal random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib_facerestore.engine.data import Crop, Face
from lib_facerestore.models import networks
from lib_facerestore.models.restorers import FaceNetwork, restorer_for

# Float32 sums over thousands of products differ in their last bits by the order of the additions alone.
LARGEST_DIFFERENCE = 1e-4
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def crop() -> Crop:
    """A face-sized crop of noise."""
    face = Face(0, (0, 0, 512, 512), np.zeros((5, 2), np.float32), 1.0)
    pixels = np.random.default_rng(3).random((512, 512, 3)).astype(np.float32)
    return Crop(face, pixels, np.array([[1.0, 0, 0], [0, 1, 0]]))


def official_gfpgan() -> torch.nn.Module:
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    network = GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    # Fresh noise weights are zero, which would hide a network that forgets the noise.
    for name, parameter in network.named_parameters():
        if name.endswith("modulated_conv.weight") or ("style_convs" in name and parameter.shape == (1,)):
            torch.nn.init.normal_(parameter, std=0.1 if parameter.shape == (1,) else 1.0)
    return network


def official_restoreformer() -> torch.nn.Module:
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    return RestoreFormer()


def official_codeformer() -> torch.nn.Module:
    from codeformer.codeformer_arch import CodeFormer

    return CodeFormer(dim_embd=512, codebook_size=1024, n_head=8, n_layers=9, connect_list=["32", "64", "128", "256"])


def ours(network: torch.nn.Module) -> FaceNetwork:
    """Our adapter around the same weights."""
    model = networks.build({key: value.clone() for key, value in network.state_dict().items()}, "random", CPU)
    adapter = restorer_for("random", "0" * 64, model, CPU)
    assert isinstance(adapter, FaceNetwork)
    return adapter


def difference(official: torch.nn.Module, crop: Crop, fidelity: float, **arguments: object) -> tuple[float, float]:
    """Largest difference between both outputs on [-1, 1], and the spread of the official one."""
    torch_input = torch.from_numpy(crop.pixels.copy()).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        expected = official.eval()(torch_input, **arguments)[0][0].permute(1, 2, 0).numpy()
    (found,) = ours(official).restore([crop], fidelity)
    return float(np.abs(found * 2 - 1 - expected.clip(-1, 1)).max()), float(expected.std())


def test_gfpgan_gives_the_official_numbers(crop):
    torch.manual_seed(1)

    largest, spread = difference(official_gfpgan(), crop, 0.5, return_rgb=False, randomize_noise=False)

    assert spread > 0.01  # the outputs are not constant
    assert largest <= LARGEST_DIFFERENCE


def test_restoreformer_gives_the_official_numbers(crop):
    torch.manual_seed(2)

    largest, spread = difference(official_restoreformer(), crop, 0.5)

    assert spread > 0.01
    assert largest <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("fidelity", [0.0, 0.5, 1.0])
def test_codeformer_gives_the_official_numbers_at_every_weight(crop, fidelity):
    torch.manual_seed(3)

    largest, spread = difference(official_codeformer(), crop, fidelity, w=fidelity, adain=True)

    assert spread > 0.01
    assert largest <= LARGEST_DIFFERENCE


def test_codeformers_weight_changes_the_picture(crop):
    torch.manual_seed(3)
    adapter = ours(official_codeformer())

    outputs = [adapter.restore([crop], fidelity)[0] for fidelity in (0.0, 0.5, 1.0)]

    assert adapter.has_fidelity
    assert np.abs(outputs[0] - outputs[1]).mean() > 1e-3
    assert np.abs(outputs[1] - outputs[2]).mean() > 1e-3


def test_random_state_is_the_same_before_and_after_loading_and_restoring(crop):
    import random

    official = official_gfpgan()
    states = (torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate())

    ours(official).restore([crop], 0.5)

    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]
    assert random.getstate() == states[2]
