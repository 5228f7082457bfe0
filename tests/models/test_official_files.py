"""Files in each official key layout through find, verify, convert, load and restore. The weights in them are random.

The file names, the wrappers and the prefixes are those of the released files; sizes and hashes in the catalogue are
replaced by those of the files made here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from facexlib.detection.retinaface import RetinaFace
from facexlib.parsing.bisenet import BiSeNet
from facexlib.parsing.parsenet import ParseNet
from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean
from gfpgan.archs.restoreformer_arch import RestoreFormer

from helpers.support import put_catalogue, smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue.spec import ModelSpec
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

State = dict[str, torch.Tensor]
Layout = Callable[[State], dict]


def averaged(state: State) -> dict:
    """As BasicSR publishes: the averaged weights in a table of their own."""
    return {"params_ema": state}


def both(state: State) -> dict:
    """Averaged and plain weights; the averaged ones are meant."""
    return {"params": {key: torch.zeros_like(value) for key, value in state.items()}, "params_ema": state}


def parallel(state: State) -> dict:
    """As DataParallel saved facexlib's detectors."""
    return {f"module.{key}": value for key, value in state.items()}


def codeformer() -> torch.nn.Module:
    # spandrel's: `test_official_networks.py` loads the official network's keys into it, none missing, none left.
    from spandrel_extra_arches.architectures.CodeFormer.__arch.codeformer import CodeFormer

    return CodeFormer(dim_embd=512, n_head=8, n_layers=9, codebook_size=1024, latent_size=256)


def gfpgan() -> torch.nn.Module:
    return GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False,
        num_mlp=8, input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip


def compact(convolutions: int) -> torch.nn.Module:
    return SRVGGNetCompact(num_feat=64, num_conv=convolutions, upscale=4)


def rrdb(blocks: int, scale: int = 4) -> torch.nn.Module:
    return RRDBNet(3, 3, num_feat=64, num_block=blocks, num_grow_ch=32, scale=scale)


def plain(state: State) -> dict:
    """The table itself."""
    return state


# Name in the catalogue → the network of the released file and how that file holds it.
OFFICIAL: dict[str, tuple[Callable[[], torch.nn.Module], Layout]] = {
    "CodeFormer": (codeformer, averaged),
    "GFPGAN 1.4": (gfpgan, averaged),
    "RestoreFormer": (RestoreFormer, lambda state: {"params": state}),
    "RetinaFace ResNet50": (lambda: RetinaFace("resnet50", device=torch.device("cpu")), parallel),
    "RetinaFace MobileNet0.25": (lambda: RetinaFace("mobile0.25", device=torch.device("cpu")), parallel),
    "ParseNet": (lambda: ParseNet(in_size=512, out_size=512, parsing_ch=19), plain),
    "BiSeNet": (lambda: BiSeNet(num_class=19), plain),
    "Real-ESRGAN x4plus": (lambda: rrdb(23), averaged),
    "Real-ESRGAN x2plus": (lambda: rrdb(23, 2), averaged),
    "Real-ESRGAN x4plus anime": (lambda: rrdb(6), both),
    "Real-ESRGAN general-x4v3": (lambda: compact(32), lambda state: {"params": state}),
    "Real-ESRGAN animevideov3": (lambda: compact(16), lambda state: {"params": state}),
}
UPSCALERS = [name for name in OFFICIAL if name.startswith("Real-ESRGAN")]


@pytest.fixture
def release(runtime, tmp_path, monkeypatch) -> Callable[..., Runtime]:
    """Puts random files in the official layouts into a folder; the catalogue then takes them for the released ones."""

    def put(*names: str) -> Runtime:
        folder = tmp_path / "models"
        folder.mkdir()
        rows = [_released(spec, folder) if spec.name in names else spec for spec in catalogue.MODELS]
        put_catalogue(monkeypatch, tuple(rows))
        return dataclasses.replace(runtime, models_folder=folder, cache_folder=tmp_path / "converted")

    return put


def _released(spec: ModelSpec, folder: Path) -> ModelSpec:
    make, layout = OFFICIAL[spec.name]
    torch.manual_seed(11)
    path = folder / spec.remote.name
    torch.save(layout(make().state_dict()), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return dataclasses.replace(
        spec, remote=dataclasses.replace(spec.remote, size_bytes=path.stat().st_size, sha256=sha256)
    )


def row(name: str) -> ModelSpec:
    """The catalogue's row as it is now."""
    return next(spec for spec in catalogue.MODELS if spec.name == name)


def sha256_in_catalogue(*names: str) -> set[str]:
    return {spec.remote.sha256 for spec in catalogue.MODELS if spec.name in names}


@pytest.mark.parametrize(("restorer", "parser"), [("CodeFormer", "ParseNet"), ("GFPGAN 1.4", "BiSeNet")])
def test_a_face_is_restored_with_official_files(release, restorer, parser):
    runtime = release(restorer, parser)
    for found in (weights.find(row(restorer), runtime), weights.find(row(parser), runtime)):
        weights.verify(found)  # raises where it is not the catalogue's file
    picture = Picture(smooth_noise(211, 307))

    (result,) = Session(runtime).restore([picture], RestoreSettings(aligned_input=True))  # auto takes both

    assert result.report.restorer == restorer
    assert result.report.mask == "parsing"
    assert result.report.count("restored") == 1
    assert result.report.warnings == ()
    hashes = sha256_in_catalogue(restorer, parser)
    assert {model.sha256 for model in result.report.models} == hashes
    assert {path.name for path in runtime.cache_folder.glob("*.safetensors")} == {f"{h}-1.safetensors" for h in hashes}
    (face,) = result.restored
    assert face.pixels.shape == (512, 512, 3)
    assert face.pixels.std() > 0.05
    assert np.abs(face.pixels - face.crop.pixels).mean() > 0.05


@pytest.mark.parametrize("name", UPSCALERS)
def test_a_picture_is_enlarged_with_official_files(release, name):
    runtime = release(name)
    weights.verify(weights.find(row(name), runtime))
    settings = RestoreSettings(restorer="none", upscaler=name, scale=2.0, upscale_strength=1.0)
    picture = Picture(smooth_noise(20, 28))

    (first,) = Session(runtime).restore([picture], settings)
    (second,) = Session(runtime).restore([picture], settings)  # from the cache of converted files

    (model,) = first.report.models
    assert (model.name, model.sha256) == (name, row(name).remote.sha256)
    assert first.picture.size_hw == (40, 56)
    assert first.picture.pixels.std() > 1
    np.testing.assert_array_equal(first.picture.pixels, second.picture.pixels)


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_layout_gives_the_networks_own_tensors(release, name):
    make, _ = OFFICIAL[name]
    runtime = release(name)

    found, state = weights.resolve_and_load(row(name), runtime)

    torch.manual_seed(11)
    expected = make().state_dict()
    assert found.notice == ""
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.mark.parametrize("name", ["RetinaFace ResNet50", "RetinaFace MobileNet0.25"])
def test_faces_are_looked_for_with_official_files(release, name):
    runtime = release(name)

    tools = Session(runtime).tools(RestoreSettings(restorer="Real-ESRGAN x4plus (embedded)", mask="landmarks"))

    assert (tools.detector.used.name, tools.detector.used.sha256) == (name, row(name).remote.sha256)
    assert tools.warnings == ()
    # Random weights may see faces anywhere and look again at up to 64 places, so the picture has few.
    (faces,) = tools.detector.detect([smooth_noise(16, 21)], 0.9, 16)
    assert all(0.9 <= face.score <= 1 for face in faces)


def test_restoreformer_is_built_from_its_official_file(release):
    runtime = release("RestoreFormer")

    tools = Session(runtime).tools(RestoreSettings(aligned_input=True))

    assert tools.restorer.used.name == "RestoreFormer"
    assert not tools.restorer.has_fidelity
