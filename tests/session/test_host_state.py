"""Whatever a host has done to torch, NumPy and OpenCV: the same picture, and afterwards all as the host left it."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from lib_facerestore.engine.data import Crop, Face, Picture
from lib_facerestore.engine.faces.align import FFHQ_TEMPLATE_512
from lib_facerestore.errors import InferenceFailed
from lib_facerestore.models import networks
from lib_facerestore.models.adapters.parsers import FaceParser
from lib_facerestore.models.adapters.restorers import restorer_for
from lib_facerestore.models.adapters.tile_context import measure_context
from lib_facerestore.models.catalogue import by_name
from lib_facerestore.models.devices import inference, own_state
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CPU = torch.device("cpu")
SMALL = "Real-ESRGAN animevideov3 (embedded)"
SETTINGS = RestoreSettings(restorer="Real-ESRGAN x4plus (embedded)", upscaler=SMALL, scale=1.5, upscale_strength=1.0)


@contextlib.contextmanager
def put(setter: Callable, value: object, before: object) -> Iterator[None]:
    setter(value)
    try:
        yield
    finally:
        setter(before)


def threads(count: int) -> contextlib.AbstractContextManager[None]:
    return put(torch.set_num_threads, count, torch.get_num_threads())


def dtype(value: torch.dtype) -> contextlib.AbstractContextManager[None]:
    return put(torch.set_default_dtype, value, torch.float32)


@contextlib.contextmanager
def all_at_once() -> Iterator[None]:
    names = ["default dtype float16", "within device meta", "autocast to bfloat16", "inference mode"]
    names += ["deterministic algorithms", "NumPy raises"]
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(STATES[name]())
        yield


# How a host may have left its process; each is entered before anything of ours is loaded.
STATES: dict[str, Callable[[], contextlib.AbstractContextManager]] = {
    "default dtype float16": lambda: dtype(torch.float16),
    "default dtype bfloat16": lambda: dtype(torch.bfloat16),
    "default dtype float64": lambda: dtype(torch.float64),
    "default device meta": lambda: put(torch.set_default_device, "meta", None),
    "within device meta": lambda: torch.device("meta"),
    "autocast to bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference mode": torch.inference_mode,
    "gradients on": torch.enable_grad,
    "no gradients": torch.no_grad,
    "deterministic algorithms": lambda: put(torch.use_deterministic_algorithms, True, False),
    "matrix products in medium precision": lambda: put(torch.set_float32_matmul_precision, "medium", "highest"),
    "cuDNN's benchmark": lambda: put(lambda on: setattr(torch.backends.cudnn, "benchmark", on), True, False),
    "NumPy raises": lambda: np.errstate(all="raise"),
    "one thread of OpenCV": lambda: put(cv2.setNumThreads, 1, cv2.getNumThreads()),
    "all at once": all_at_once,
}


def state() -> tuple[object, ...]:
    """What a host would find."""
    return (
        torch.get_default_dtype(),
        torch.empty(1).device.type,
        torch.is_autocast_enabled("cpu"),
        torch.get_autocast_dtype("cpu"),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32),
        torch.get_num_threads(),
        cv2.getNumThreads(),
        tuple(np.geterr().items()),
        tuple(torch.get_rng_state().numpy(force=True).tolist()) if torch.empty(1).device.type == "cpu" else (),
    )


@pytest.fixture(scope="module")
def face() -> Picture:
    """The astronaut's face in a picture of 96×108 px."""
    with Image.open(SAMPLES / "photographs" / "astronaut.jpg") as image:
        part = image.convert("RGB").crop((128, 15, 320, 231)).resize((96, 108), Image.Resampling.BOX)
    return Picture(np.asarray(part))


def restored(picture: Picture) -> np.ndarray:
    """A face found, restored and pasted on an enlarged picture, with networks that are loaded for it."""
    (result,) = Session(Runtime(device="cpu")).restore([picture], SETTINGS)
    assert result.report.count("restored") == 1
    assert result.report.tiles > 0
    return result.picture.pixels


@pytest.fixture(scope="module")
def expected(face) -> np.ndarray:
    return restored(face)


@pytest.mark.parametrize("name", STATES)
def test_a_hosts_state_changes_no_byte_and_is_as_before_afterwards(face, expected, name):
    with STATES[name]():
        before = state()
        after = restored(face)
        assert state() == before

    assert np.array_equal(after, expected)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_number_of_threads_changes_a_level_at_most_and_is_as_before_afterwards(face, expected, count):
    with threads(count):
        after, again = restored(face), restored(face)
        assert torch.get_num_threads() == count

    # Sums are split among threads, and the order in which numbers are added changes their last bits.
    assert np.abs(after.astype(int) - expected).max() <= 1
    assert np.array_equal(after, again)


@pytest.mark.parametrize("name", STATES)
def test_a_failure_leaves_the_hosts_state_as_it_was(name):
    with STATES[name]():
        before = state()
        with pytest.raises(InferenceFailed, match="out of order"):
            fail_as_a_network()
        assert state() == before


def fail_as_a_network() -> None:
    with inference("a network", CPU):
        assert torch.get_default_dtype() == torch.float32
        raise RuntimeError("out of order")


def test_states_of_ours_may_be_nested():
    with STATES["all at once"]():
        with own_state(), own_state():
            inner = torch.ones(2) / 3
        outer = torch.get_default_dtype()

    assert (inner.dtype, inner.device, outer) == (torch.float32, CPU, torch.float16)
    assert not inner.is_inference()


def gfpgan() -> dict[str, torch.Tensor]:
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    network = GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    return network.state_dict()


def restoreformer() -> dict[str, torch.Tensor]:
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    return RestoreFormer().state_dict()


def codeformer() -> dict[str, torch.Tensor]:
    # The package's own __init__ imports a downloader that is not installed; its file of the network needs none.
    package = types.ModuleType("codeformer")
    package.__path__ = list(importlib.util.find_spec("codeformer").submodule_search_locations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "codeformer", package)
        from codeformer.codeformer_arch import CodeFormer

    parts = ["32", "64", "128", "256"]
    return CodeFormer(dim_embd=512, codebook_size=1024, n_head=8, n_layers=9, connect_list=parts).state_dict()


def aligned_crop() -> Crop:
    pixels = np.random.default_rng(4).random((512, 512, 3), np.float32)
    affine = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    return Crop(Face(0, (0, 0, 512, 512), FFHQ_TEMPLATE_512.astype(np.float32), 1.0), pixels, affine)


@pytest.mark.parametrize("weights", [gfpgan, restoreformer, codeformer])
def test_a_face_network_of_full_size_is_built_and_run_alike_in_any_state(weights):
    torch.manual_seed(1)
    state_dict, crop = weights(), aligned_crop()

    def run() -> np.ndarray:
        model = networks.build(state_dict, "random", CPU)
        return restorer_for("random", "0" * 64, model, CPU).restore([crop], 0.5)[0]

    plain = run()
    with dtype(torch.float16), torch.device("meta"):
        odd = run()

    assert np.array_equal(odd, plain)


@pytest.mark.parametrize("family", ["parsenet", "bisenet"])
def test_a_parser_is_built_and_run_alike_in_any_state(family):
    from facexlib.parsing.bisenet import BiSeNet
    from facexlib.parsing.parsenet import ParseNet

    torch.manual_seed(2)
    network = BiSeNet(num_class=19) if family == "bisenet" else ParseNet(in_size=512, out_size=512, parsing_ch=19)
    state_dict, pixels = network.state_dict(), aligned_crop().pixels

    def run() -> np.ndarray:
        return FaceParser(family, family, "0" * 64, state_dict, CPU).parse([pixels])[0]

    plain = run()
    with STATES["all at once"]():
        odd = run()

    assert len(np.unique(plain)) > 1
    assert np.array_equal(odd, plain)


def test_the_context_of_an_upscaler_is_measured_alike_in_any_state():
    from lib_facerestore.models.loading import load_upscaler

    def run() -> int:
        upscaler: Any
        upscaler, _ = load_upscaler(by_name(SMALL, "upscaler"), None, 1.0, Runtime(device="cpu"), CPU)
        return measure_context(upscaler._model)

    plain = run()
    with STATES["all at once"]():
        odd = run()

    assert odd == plain
