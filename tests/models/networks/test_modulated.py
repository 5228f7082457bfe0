"""GFPGAN with one weight for all faces gives the published network's numbers, alone and in a batch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean
from spandrel.architectures.GFPGAN.__arch.stylegan2_clean_arch import ModulatedConv2d
from torch import nn

from lib_facerestore.models.networks.modulated import SharedModulation, share_modulation

CPU = torch.device("cpu")
# Of outputs between about -1 and 1. The sums are the same in another order; 4e-6 was measured, float32 rounds at 6e-8.
LARGEST_DIFFERENCE = 2e-5


@pytest.fixture(scope="module")
def networks() -> tuple[nn.Module, nn.Module]:
    """The published network with random weights at full size, and a changed copy."""
    torch.manual_seed(11)
    published = GFPGANv1Clean().eval()
    for name, parameter in published.named_parameters():
        if "style_conv" in name and parameter.shape == (1,):
            nn.init.constant_(parameter, 0.1)  # fresh noise weights are zero and would hide forgotten noise
    changed = copy.deepcopy(published)
    share_modulation(changed, CPU)
    return published, changed


def run(network: nn.Module, faces: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network(faces, return_rgb=False, randomize_noise=False)[0]


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    return torch.rand(2, 3, 512, 512, generator=torch.Generator().manual_seed(12)) * 2 - 1


@pytest.fixture(scope="module")
def together(networks, faces) -> torch.Tensor:
    """Both faces in one batch of the changed network."""
    return run(networks[1], faces)


def test_batch_gives_the_published_numbers(networks, faces, together):
    expected = run(networks[0], faces)

    assert expected.std() > 0.2
    assert (expected - together).abs().max() <= LARGEST_DIFFERENCE


def test_a_face_does_not_depend_on_the_others_in_its_batch(networks, faces, together):
    alone = run(networks[1], faces[1:])

    assert (together[0] - together[1]).abs().mean() > 100 * LARGEST_DIFFERENCE
    assert (together[1] - alone[0]).abs().max() <= LARGEST_DIFFERENCE


def test_every_modulated_convolution_is_changed_and_no_weight_is_added(networks):
    _, changed = networks

    left = [name for name, module in changed.named_modules() if isinstance(module, ModulatedConv2d)]

    assert left == []
    assert sum(isinstance(module, SharedModulation) for module in changed.modules()) == 23
    count = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert count[0] == count[1]


@pytest.mark.parametrize("strength", [1e-5, 1.0, 300.0])
def test_lengths_hold_under_autocast_whatever_the_style(strength):
    torch.manual_seed(14)
    changed = SharedModulation(ModulatedConv2d(8, 5, 3, 16))
    modulation: Any = changed.modulation
    nn.init.zeros_(modulation.weight)
    nn.init.constant_(modulation.bias, strength)  # its square is nothing or infinite in float16
    pixels, style = torch.rand(2, 8, 7, 9), torch.zeros(2, 16)

    with torch.inference_mode():
        expected = changed(pixels, style)
        with torch.autocast("cpu", dtype=torch.float16):
            found = changed(pixels, style).float()

    # Less than half a level of 8 bits; at 1e-5 what the convolution itself rounds is larger than that.
    assert torch.isfinite(found).all()
    assert (expected - found).abs().max() <= (0.1 if strength < 1 else 0.01) * expected.abs().max()


@pytest.mark.parametrize("mode", [None, "upsample"])
@pytest.mark.parametrize("demodulate", [True, False])
def test_one_convolution_agrees_with_the_published_one(mode, demodulate):
    torch.manual_seed(13)
    published = ModulatedConv2d(8, 5, 3, 16, demodulate=demodulate, sample_mode=mode)
    pixels, style = torch.randn(3, 8, 7, 9), torch.randn(3, 16)

    with torch.inference_mode():
        expected, found = published(pixels, style), SharedModulation(published)(pixels, style)

    assert found.shape == expected.shape
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
