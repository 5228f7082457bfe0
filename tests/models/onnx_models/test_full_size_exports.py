"""Networks of full size with random weights as ONNX: found, checked, loaded, run, reported, and equal to torch."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from helpers.support import psnr, smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.models import weights
from lib_facerestore.models.onnx_models import describe
from lib_facerestore.models.weights import bundled
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

pytestmark = pytest.mark.long
CPU = torch.device("cpu")
SETTINGS = RestoreSettings(mask="feather", aligned_input=True)
# What float32 sums leave that are added in another order; a wrong range or weight would give less than 30 dB.
LEAST_DB = 90.0


def generator(side: int) -> nn.Module:
    """GFPGAN's network for faces of that side; at 1024 px it has the size of the largest in use but GPEN-BFR 2048."""
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    torch.manual_seed(side)
    network = GFPGANv1Clean(
        out_size=side, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    for name, parameter in network.named_parameters():
        if "style_conv" in name and parameter.shape == (1,):
            nn.init.constant_(parameter, 0.1)
    return network.eval()


class WithoutNoise(nn.Module):
    """GFPGAN's network with one input and one output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return self.network(faces, return_rgb=False, randomize_noise=False)[0]


class WithWeight(nn.Module):
    """spandrel's CodeFormer with its weight as an input. Its own `forward` branches on the weight and on sizes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        net: Any = self.network
        fused_after = {net.fuse_encoder_block[side]: side for side in net.connect_list}
        encoded, x = {}, faces
        for index, block in enumerate(net.encoder.blocks):
            x = block(x)
            if index in fused_after:
                encoded[fused_after[index]] = x
        query = net.feat_emb(x.flatten(2).permute(2, 0, 1))
        position = net.position_emb.unsqueeze(1)
        for layer in net.ft_layers:
            query = layer(query, query_pos=position)
        codes = net.idx_pred_layer(query).permute(1, 0, 2).argmax(dim=2)
        chosen = functional.embedding(codes, net.quantize.embedding.weight).permute(0, 2, 1).reshape(1, 256, 16, 16)
        x = _as(chosen, x)
        fused_at = {net.fuse_generator_block[side]: side for side in net.connect_list}
        for index, block in enumerate(net.generator.blocks):
            x = block(x)
            if index in fused_at:
                x = net.fuse_convs_dict[fused_at[index]](encoded[fused_at[index]], x, weight.to(x.dtype))
        return x


def _as(content: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """The content with the mean and deviation of each channel of the style."""

    def moments(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = x.flatten(2)
        return flat.mean(2)[..., None, None], (flat.var(2) + 1e-5).sqrt()[..., None, None]

    (mean, deviation), (wanted, spread) = moments(content), moments(style)
    return (content - mean) / deviation * spread + wanted


def export(network: nn.Module, given: tuple[torch.Tensor, ...], path, names) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # about the older of torch's two exporters, which these files were made with
        torch.onnx.export(
            network, given, str(path), input_names=names, output_names=["output"], opset_version=17, dynamo=False
        )


@pytest.fixture
def ours(runtime, tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "locate", lambda source: None)
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


def restored_and_expected(ours, name, call, fidelity=0.5):
    """The result of a whole run, its face, and what torch gives for that face's crop, (side, side, 3) in [0, 1]."""
    picture = Picture(smooth_noise(1100, 1300, seed=2, sigma=4.0))
    (result,) = Session(ours).restore([picture], dataclasses.replace(SETTINGS, restorer=name, fidelity=fidelity))
    (face,) = result.restored
    batch = torch.from_numpy(face.crop.pixels.copy()).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        output = call(batch)[0].permute(1, 2, 0).numpy()
    assert output.std() > 0.1  # a picture, and not one colour
    return result, face, np.clip(output * 0.5 + 0.5, 0, 1)


@pytest.mark.parametrize("side", [512, 1024])
def test_a_generator_is_restored_with_as_with_torch(ours, side):
    network = WithoutNoise(generator(side))
    path = ours.models_folder / "Mine.onnx"
    export(network, (torch.zeros(1, 3, side, side),), path, ["input"])

    file = describe(path)
    result, face, expected = restored_and_expected(ours, "mine", network)

    assert (file.side_px, file.weight, file.has_batches) == (side, "", False)
    assert (result.report.restorer, result.report.fidelity, result.report.device) == (
        "Mine",
        None,
        "cpu (ONNX Runtime)",
    )
    assert result.report.warnings == ()
    assert face.crop.side_px == side
    assert psnr(face.pixels, expected, 1.0) >= LEAST_DB


def test_codeformer_is_restored_with_at_each_weight_as_with_torch(ours):
    from spandrel_extra_arches.architectures.CodeFormer import CodeFormerArch

    torch.manual_seed(3)
    official = CodeFormerArch().load(_codeformer_state()).model.eval()
    network = WithWeight(official)
    path = ours.models_folder / "codeformer.onnx"
    export(network, (torch.zeros(1, 3, 512, 512), torch.tensor([0.5], dtype=torch.float64)), path, ["input", "weight"])

    file = describe(path)
    spec = weights.choose("codeformer", "restorer", ours)

    assert (file.side_px, file.weight, file.weight_element, file.weight_sides) == (512, "weight", "float64", (1,))
    assert (spec.name, spec.abilities) == ("CodeFormer (ONNX)", ("fidelity",))
    for fidelity in (0.0, 0.25, 1.0):
        result, face, expected = restored_and_expected(
            ours, "codeformer", lambda batch, fidelity=fidelity: official(batch, weight=fidelity)[0], fidelity
        )
        assert (result.report.restorer, result.report.fidelity) == ("CodeFormer (ONNX)", fidelity)
        assert psnr(face.pixels, expected, 1.0) >= LEAST_DB


def _codeformer_state() -> dict[str, torch.Tensor]:
    """Random weights of CodeFormer's full size, by its names."""
    from spandrel_extra_arches.architectures.CodeFormer.__arch.codeformer import CodeFormer

    return CodeFormer(
        dim_embd=512, n_head=8, n_layers=9, codebook_size=1024, connect_list=["32", "64", "128", "256"]
    ).state_dict()
