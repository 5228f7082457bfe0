"""Upscalers that restore faces: what size they see a face at, and numbers that are no picture."""

from __future__ import annotations

import numpy as np
import pytest
import spandrel
import torch
from spandrel.architectures.Compact import CompactArch
from torch import nn

from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.faces.align import align
from lib_facerestore.engine.ports import Tools
from lib_facerestore.errors import InferenceFailed
from lib_facerestore.models.adapters.restorers import UpscalingRestorer, restorer_for
from lib_facerestore.settings import RestoreSettings

CPU = torch.device("cpu")
# 60 px in the picture, nearest to the smallest input side.
FACE = face_at(250, 190, 60)


class Doubling(nn.Module):
    """Repeats pixels, after adding to the first of them, and notes the sides that it sees."""

    def __init__(self, added=0.0):
        super().__init__()
        self.weight, self.added, self.sides = nn.Parameter(torch.zeros(1)), added, []

    def forward(self, pixels):
        self.sides.append(pixels.shape[-1])
        pixels = pixels.clone()
        pixels[..., 0, 0] += self.added
        return pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)


def restorer(network):
    described = spandrel.ImageModelDescriptor(
        network, network.state_dict(), CompactArch(), "SR", [], True, True, 2, 3, 3
    )
    made = restorer_for("doubling", "0" * 64, described, CPU)
    assert isinstance(made, UpscalingRestorer)
    return made


def sides_seen(first, second, network):
    tools = Tools(FakeDetector(FACE), first, second_restorer=second)
    pipeline.run(Picture(smooth_noise(384, 512)), tools, RestoreSettings(mask="feather"))
    return network.sides


def test_a_face_is_seen_at_its_size_in_the_picture():
    network = Doubling()

    assert sides_seen(restorer(network), None, network) == [64]


def test_after_another_pass_a_face_is_seen_at_the_largest_size():
    network = Doubling()

    assert sides_seen(FakeRestorer(), restorer(network), network) == [256]


@pytest.mark.parametrize("bad", [float("inf"), -float("inf"), float("nan")])
def test_infinite_values_are_a_failure_and_no_white_pixel(bad):
    crop = align(smooth_noise(384, 512), FACE)

    with pytest.raises(InferenceFailed, match="values that are not numbers"):
        restorer(Doubling(bad)).restore([crop], 0.5)


def test_values_beyond_the_range_are_cut_off():
    crop = align(np.full((384, 512, 3), 128, np.uint8), FACE)

    (restored,) = restorer(Doubling(9.0)).restore([crop], 0.5)

    assert restored.max() == 1
