"""The arrays that networks make: none of 64-bit floats, and none larger than the limits of devices take them for.

Networks of full size run on torch's "meta" device, which has shapes and types and no numbers.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from facexlib.detection import retinaface
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import OutOfMemory
from lib_facerestore.models import networks
from lib_facerestore.models.adapters.tile_budget import array_bytes_per_px, bytes_per_px
from lib_facerestore.models.detection.retinaface import ARRAY_BYTES_PER_PX
from lib_facerestore.models.devices import memory, own_state
from lib_facerestore.models.devices.memory import FACE_BYTES
from lib_facerestore.models.devices.rules import DeviceRules
from lib_facerestore.models.networks.banded_tail import band_tail
from lib_facerestore.models.networks.modulated import share_modulation
from lib_facerestore.settings import RestoreSettings

CPU, META = torch.device("cpu"), torch.device("meta")


class Seen(TorchDispatchMode):
    """Notes the types and the size in bytes of the largest of all tensors that torch makes."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: set[torch.dtype] = set()
        self.largest = 0

    def __torch_dispatch__(self, function: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.dtypes.add(tensor.dtype)
                self.largest = max(self.largest, tensor.numel() * tensor.element_size())
        return result


def gfpgan() -> nn.Module:
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    return GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip


def restoreformer() -> nn.Module:
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    return RestoreFormer()


def codeformer() -> nn.Module:
    # The package's own __init__ imports a downloader that is not installed; its file of the network needs none.
    package = types.ModuleType("codeformer")
    package.__path__ = list(importlib.util.find_spec("codeformer").submodule_search_locations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "codeformer", package)
        from codeformer.codeformer_arch import CodeFormer

    parts = ["32", "64", "128", "256"]
    return CodeFormer(dim_embd=512, codebook_size=1024, n_head=8, n_layers=9, connect_list=parts)


def x4plus() -> nn.Module:
    from basicsr.archs.rrdbnet_arch import RRDBNet

    return RRDBNet(3, 3, num_feat=64, num_block=2, num_grow_ch=32, scale=4)  # blocks are alike


def general_x4v3() -> nn.Module:
    from basicsr.archs.srvgg_arch import SRVGGNetCompact

    return SRVGGNetCompact(num_feat=64, num_conv=32, upscale=4)


def built(make) -> Any:
    """The network as it is loaded from a file of its weights."""
    with META:
        shapes = make().state_dict()
    state = {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in shapes.items()}
    return networks.build(state, "zeros", CPU)


@pytest.mark.parametrize(
    ("make", "arguments"), [(gfpgan, {"randomize_noise": False}), (restoreformer, {}), (codeformer, {"weight": 0.5})]
)
def test_the_largest_array_of_a_face_network_is_what_limits_its_batches(make, arguments):
    model = built(make)
    if make is gfpgan:
        share_modulation(model.model, CPU)
    model.to(META)

    with own_state(), Seen() as seen:
        model.model(torch.empty(3, 3, 512, 512, device=META), **arguments)

    assert seen.largest == 3 * FACE_BYTES
    assert torch.float64 not in seen.dtypes


@pytest.mark.parametrize(("make", "architecture"), [(x4plus, "ESRGAN"), (general_x4v3, "Compact")])
def test_the_largest_array_of_an_upscaler_is_what_limits_its_tiles(make, architecture):
    model = built(make)
    band_tail(model)
    model.to(META)

    with own_state(), Seen() as seen:
        model.model(torch.empty(2, 3, 256, 320, device=META))

    assert model.architecture.id == architecture
    assert seen.largest == 2 * 256 * 320 * array_bytes_per_px(architecture, 4, 4)
    assert seen.largest < 2 * 256 * 320 * bytes_per_px(architecture, 4, 4)
    assert torch.float64 not in seen.dtypes


@pytest.mark.parametrize(("backbone", "bytes_per_px"), [("resnet50", ARRAY_BYTES_PER_PX), ("mobile0.25", 16)])
def test_the_largest_array_of_a_detector_is_what_limits_its_batches(backbone, bytes_per_px):
    with torch.random.fork_rng(devices=[]), META:
        network = retinaface.RetinaFace(network_name=backbone, device=META)

    with own_state(), Seen() as seen:
        network(torch.empty(2, 3, 640, 960, device=META))

    assert seen.largest == 2 * 640 * 960 * bytes_per_px
    assert bytes_per_px <= ARRAY_BYTES_PER_PX
    assert torch.float64 not in seen.dtypes


def test_a_detector_divides_its_batch_where_a_device_takes_no_larger_arrays(session, small_photograph, monkeypatch):
    network = session.tools(RestoreSettings(restorer="Real-ESRGAN x4plus (embedded)")).detector.network
    batch = np.stack([small_photograph, small_photograph[:, ::-1], small_photograph[::-1]])
    whole, sizes = network.rows(batch, 0.5), []
    forward = network._rows
    monkeypatch.setattr(network, "_rows", lambda part, threshold: sizes.append(len(part)) or forward(part, threshold))
    one_px = ARRAY_BYTES_PER_PX * batch[0, :, :, 0].size
    rules = DeviceRules("CPU", block_bytes=2 * one_px)
    monkeypatch.setattr(memory, "rules_for", lambda device: rules)

    divided = network.rows(batch, 0.5)

    assert sizes == [2, 1]
    assert [len(rows) for rows in divided] == [len(rows) for rows in whole]
    # Another size of a batch changes the last bits of sums.
    for a, b in zip(divided, whole):
        np.testing.assert_allclose(a, b, atol=1e-2)

    monkeypatch.setattr(memory, "rules_for", lambda device: DeviceRules("CPU", block_bytes=one_px - 1))
    with pytest.raises(OutOfMemory, match="cpu has no memory left for RetinaFace"):
        network.rows(batch[:1], 0.5)


def test_nothing_that_is_embedded_makes_floats_of_64_bits(session, small_photograph):
    settings = RestoreSettings(
        restorer="Real-ESRGAN x4plus (embedded)", upscaler="Real-ESRGAN animevideov3 (embedded)", scale=1.5
    )

    with Seen() as seen:
        (result,) = session.restore([Picture(small_photograph)], settings)

    assert result.report.count("restored") == 1
    assert torch.float32 in seen.dtypes
    assert torch.float64 not in seen.dtypes
