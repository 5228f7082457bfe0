"""ParseNet folded for a CPU gives the published network's scores and labels."""

from __future__ import annotations

import copy

import pytest
import torch
from facexlib.parsing.parsenet import ConvLayer, ParseNet
from torch import nn

from lib_facerestore.models.networks.folded_parsenet import EnlargingBlock, EnlargingConv2d, fold

# In deviations of the scores. The sums are the same in another order; 1e-5 was measured, float32 rounds at 6e-8.
LARGEST_DIFFERENCE = 1e-4


@pytest.fixture(scope="module")
def networks() -> tuple[nn.Module, nn.Module]:
    """The published network at full size with random weights and random statistics, and a folded copy."""
    torch.manual_seed(21)
    published = ParseNet(in_size=512, out_size=512, parsing_ch=19).eval()
    for norm in [module for module in published.modules() if isinstance(module, nn.BatchNorm2d)]:
        # Fresh ones change nothing, and would hide a forgotten part.
        nn.init.normal_(norm.running_mean, 0, 0.1)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, 0, 0.1)
    folded = copy.deepcopy(published)
    fold(folded)
    return published, folded


def test_scores_and_labels_are_the_published_ones(networks):
    published, folded = networks
    faces = torch.rand(2, 3, 512, 512, generator=torch.Generator().manual_seed(22)) * 2 - 1

    with torch.inference_mode():
        expected, found = published(faces)[0], folded(faces)[0]

    assert found.shape == expected.shape == (2, 19, 512, 512)
    assert (found - expected).abs().max() <= LARGEST_DIFFERENCE * expected.std()
    # Random weights prefer one class everywhere; without what each class gets everywhere, all of them occur.
    everywhere = expected.mean((0, 2, 3), keepdim=True)
    labels = (expected - everywhere).argmax(1)
    assert len(labels.unique()) == 19
    assert (labels != (found - everywhere).argmax(1)).float().mean() <= 1e-4  # scores that are equal up to rounding


def test_nothing_is_left_to_fold(networks):
    _, folded = networks

    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert [type(block) for block in folded.decoder] == [EnlargingBlock] * 4


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 5), (6, 9)])
def test_one_convolution_gives_what_enlarging_and_convolving_give(size_hw):
    torch.manual_seed(23)
    published = ConvLayer(3, 5, 3, "up")
    pixels = torch.randn(2, 3, *size_hw)

    with torch.inference_mode():
        joined = EnlargingConv2d(published.conv2d.weight, published.conv2d.bias)
        expected, found = published(pixels), joined(pixels)

    assert found.shape == expected.shape
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
