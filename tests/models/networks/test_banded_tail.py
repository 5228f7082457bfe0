"""An ESRGAN network whose last layers run in bands gives what it gave before."""

import copy

import pytest
import spandrel
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet
from spandrel.architectures.Compact import CompactArch

from lib_facerestore.models import networks
from lib_facerestore.models.adapters.tile_budget import CPU_BUDGET_BYTES
from lib_facerestore.models.adapters.tiled_upscaler import TiledUpscaler
from lib_facerestore.models.catalogue.spec import ModelSpec
from lib_facerestore.models.networks import banded_tail
from lib_facerestore.models.networks.banded_tail import BandedTail, band_tail

CPU = torch.device("cpu")


def small_esrgan(scale):
    """Random weights; ×1 and ×2 are of the kind that folds pixels into channels first."""
    torch.manual_seed(scale)
    state = RRDBNet(3, 3, scale=scale, num_feat=16, num_block=1, num_grow_ch=32).state_dict()
    return networks.build(state, "small", CPU)


def run(model, pixels):
    with torch.inference_mode():
        return model.model(pixels)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("band_px", [1, 3 * 52, 17 * 52])
def test_bands_give_what_the_layers_give_at_once(scale, band_px, monkeypatch):
    monkeypatch.setattr(banded_tail, "BAND_PX", band_px)
    whole, pixels = small_esrgan(scale), torch.rand(2, 3, 36, 52)
    banded = copy.deepcopy(whole)

    band_tail(banded)

    assert isinstance(banded.model.model[-1], BandedTail)
    # Convolutions of another size may add in another order.
    torch.testing.assert_close(run(banded, pixels), run(whole, pixels), rtol=0, atol=1e-6)


def test_a_network_is_changed_once():
    model = small_esrgan(4)

    band_tail(model)
    layers = list(model.model.model)
    band_tail(model)

    assert list(model.model.model) == layers


def test_other_networks_stay_as_they_are():
    network = torch.nn.Conv2d(3, 3, 1)
    model = spandrel.ImageModelDescriptor(network, network.state_dict(), CompactArch(), "SR", [], True, True, 1, 3, 3)

    band_tail(model)

    assert model.model is network


def test_the_tile_follows_the_architecture_whatever_the_row_says():
    spec = ModelSpec("a user's file", ("upscaler",), "unknown", "unknown", context_px=4)

    upscaler = TiledUpscaler(spec, "", small_esrgan(4), CPU)

    # 2,300 B for each px seen and 36 for each of the 16 given: 2,876 B; 2 GiB hold 864² px.
    assert upscaler._start((2000, 3000)).area_px == CPU_BUDGET_BYTES // 2876 == 746_691
