"""The face networks and upscalers against the official packages, at full size, with equal random weights."""

from __future__ import annotations

import importlib.util
import random
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Crop, Face, FloatPixels
from lib_facerestore.engine.ports import NoProgress
from lib_facerestore.models import networks
from lib_facerestore.models.adapters.restorers import FaceNetwork, restorer_for
from lib_facerestore.models.adapters.tiled_upscaler import TiledUpscaler
from lib_facerestore.models.catalogue.spec import Family, ModelSpec

# Float32 sums over thousands of products differ in their last bits by the order of the additions alone.
LARGEST_DIFFERENCE = 1e-4
CPU = torch.device("cpu")
Arguments = Callable[[float], dict[str, object]]


@dataclass(frozen=True)
class Compared:
    """Outputs on [-1, 1] by fidelity weight, the official ones not clipped; random states around our part."""

    official: dict[float, FloatPixels]
    ours: dict[float, FloatPixels]
    has_fidelity: bool
    random_before: list[object]
    random_after: list[object]

    def largest_difference(self, fidelity: float) -> float:
        return float(np.abs(self.official[fidelity].clip(-1, 1) - self.ours[fidelity]).max())


def compare(network: torch.nn.Module, arguments: Arguments, fidelities: tuple[float, ...]) -> Compared:
    """Run the official network, and our adapter around a copy of its weights."""
    face = Face(0, (0, 0, 512, 512), np.zeros((5, 2), np.float32), 1.0)
    pixels = np.random.default_rng(3).random((512, 512, 3)).astype(np.float32)
    crop = Crop(face, pixels, np.array([[1.0, 0, 0], [0, 1, 0]]))
    batch = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        official = {f: network.eval()(batch, **arguments(f))[0][0].permute(1, 2, 0).numpy() for f in fidelities}
    before = random_states()
    adapter = restorer_for("random", "0" * 64, networks.build(network.state_dict(), "random", CPU), CPU)
    assert isinstance(adapter, FaceNetwork)
    ours = {fidelity: adapter.restore([crop], fidelity)[0] * 2 - 1 for fidelity in fidelities}
    return Compared(official, ours, adapter.has_fidelity, before, random_states())


def random_states() -> list[object]:
    return [
        torch.get_rng_state().tolist(),
        np.random.get_state(legacy=False)["state"]["key"].tolist(),
        random.getstate(),
    ]


@pytest.fixture(scope="module")
def gfpgan() -> Compared:
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    torch.manual_seed(1)
    network = GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    for name, parameter in network.named_parameters():
        if "style_conv" in name and parameter.shape == (1,):
            # Fresh noise weights are zero, which would hide a network that forgets the noise.
            torch.nn.init.constant_(parameter, 0.1)
    return compare(network, lambda _: {"return_rgb": False, "randomize_noise": False}, (0.5,))


@pytest.fixture(scope="module")
def restoreformer() -> Compared:
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    torch.manual_seed(2)
    return compare(RestoreFormer(), lambda _: {}, (0.5,))


@pytest.fixture(scope="module")
def codeformer() -> Compared:
    # Not 0.5: there a weight that is taken the other way round would not show.
    return codeformer_compared(0.25)


@pytest.fixture(scope="module")
def codeformer_on_its_way() -> Compared:
    return codeformer_compared(0.0, 0.5, 1.0)


def codeformer_compared(*fidelities: float) -> Compared:
    # The package's own __init__ imports a downloader that is not installed; its file of the network needs none.
    package = types.ModuleType("codeformer")
    package.__path__ = list(importlib.util.find_spec("codeformer").submodule_search_locations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "codeformer", package)
        from codeformer.codeformer_arch import CodeFormer

    torch.manual_seed(3)
    network = CodeFormer(
        dim_embd=512, codebook_size=1024, n_head=8, n_layers=9, connect_list=["32", "64", "128", "256"]
    )
    return compare(network, lambda fidelity: {"w": fidelity, "adain": True}, fidelities)


@pytest.mark.parametrize(
    ("name", "fidelity"),
    [
        ("gfpgan", 0.5),
        ("restoreformer", 0.5),
        ("codeformer", 0.25),
        *(pytest.param("codeformer_on_its_way", weight, marks=pytest.mark.long) for weight in (0.0, 0.5, 1.0)),
    ],
)
def test_face_network_gives_the_official_numbers(request, name, fidelity):
    compared = request.getfixturevalue(name)

    official = compared.official[fidelity]

    assert official.std() > 0.2  # a picture, and not one colour
    assert (np.abs(official) < 1).mean() > 0.5  # most of it is not clipped away
    assert compared.largest_difference(fidelity) <= LARGEST_DIFFERENCE
    assert compared.has_fidelity == name.startswith("codeformer")


@pytest.mark.long
def test_codeformers_weight_changes_the_picture(codeformer_on_its_way):
    ours = codeformer_on_its_way.ours
    steps = [np.abs(ours[a] - ours[b]).mean() for a, b in ((0.0, 0.5), (0.5, 1.0))]

    assert min(steps) > 1e-3  # ten times what the comparison with the official network allows


@pytest.mark.parametrize("name", ["gfpgan", "restoreformer", "codeformer"])
def test_random_state_is_the_same_before_and_after_building_and_restoring(request, name):
    compared = request.getfixturevalue(name)

    assert compared.random_after == compared.random_before


def official_upscaler(kind: str) -> torch.nn.Module:
    from basicsr.archs.rrdbnet_arch import RRDBNet
    from basicsr.archs.srvgg_arch import SRVGGNetCompact

    if kind.startswith("compact"):
        return SRVGGNetCompact(num_feat=64, num_conv=32 if kind == "compact 32" else 16, upscale=4)
    blocks, scale = {"x4plus": (23, 4), "x2plus": (23, 2), "anime": (6, 4)}[kind]
    return RRDBNet(num_in_ch=3, num_out_ch=3, num_feat=64, num_block=blocks, num_grow_ch=32, scale=scale)


@pytest.mark.parametrize("kind", ["compact 32", "compact 16", "x4plus", "x2plus", "anime"])
def test_upscaler_gives_the_official_numbers(kind):
    torch.manual_seed(4)
    network = official_upscaler(kind).eval()
    torch.nn.init.constant_(list(network.parameters())[-1], 0.5)  # the last bias: grey, and nothing is clipped
    family: Family = "compact" if kind.startswith("compact") else "esrgan"
    spec = ModelSpec(kind, ("upscaler",), family, "MIT", context_px=64)
    model = networks.build(network.state_dict(), kind, CPU)
    # 16 bits, whose rounding is 0.8e-5 of [0, 1]. A multiple of 4 for x2plus: spandrel asks for that and the official
    # network for a multiple of 2, so that other sizes differ by what is reflected in beyond the border.
    pixels = smooth_noise(33, 47, dtype=np.uint16) if kind != "x2plus" else smooth_noise(32, 48, dtype=np.uint16)

    found = TiledUpscaler(spec, "0" * 64, model, CPU).upscale(pixels, NoProgress()).pixels / 65535 * 2 - 1

    batch = torch.from_numpy(pixels / np.float32(65535)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = network(batch)[0].permute(1, 2, 0).numpy() * 2 - 1
    assert found.shape == expected.shape
    assert (np.abs(expected) < 1).mean() > 0.5
    assert np.abs(found - expected.clip(-1, 1)).max() <= LARGEST_DIFFERENCE
