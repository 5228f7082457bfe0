"""Where weights are found, which are chosen, and what is said of those that are not what they should be."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path

import pytest
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from safetensors.torch import save

from helpers.support import put_catalogue, smooth_noise
from helpers.web_server import whole
from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import (
    SettingsError,
    WeightsDamaged,
    WeightsError,
    WeightsMissing,
    WeightsUnknown,
    WeightsUnreachable,
)
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.weights import bundled, finding
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

FILE = "realesr-animevideov3.pth"
NAME = "Real-ESRGAN animevideov3"
UPSCALE = RestoreSettings(restorer="none", upscaler=NAME, scale=2.0, upscale_strength=1.0)


def checkpoint(seed: int) -> bytes:
    """A small network of the official kind, saved as the official files are."""
    torch.manual_seed(seed)
    stream = io.BytesIO()
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, stream)
    return stream.getvalue()


RIGHT, OWN = checkpoint(1), checkpoint(2)
SHA256 = hashlib.sha256(RIGHT).hexdigest()


@pytest.fixture
def places(runtime, tmp_path, monkeypatch):
    """A runtime with one host's folder; the catalogue takes RIGHT for the released file."""
    monkeypatch.setenv("no_proxy", "*")
    row = catalogue.by_name(NAME, "upscaler")
    remote = dataclasses.replace(row.remote, size_bytes=len(RIGHT), sha256=SHA256)
    rows = [dataclasses.replace(spec, remote=remote) if spec == row else spec for spec in catalogue.MODELS]
    put_catalogue(monkeypatch, tuple(rows))
    host = tmp_path / "host" / "RealESRGAN"
    host.mkdir(parents=True)
    return dataclasses.replace(
        runtime, models_folder=tmp_path / "ours", cache_folder=tmp_path / "cache", folders=(host,)
    )


def put(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def listing(folder):
    return sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def used(tools):
    return tools.upscaler.used.sha256


def test_a_hosts_folder_comes_before_ours_and_nothing_is_written_there(places):
    put(places.models_folder, FILE, OWN)
    put(places.folders[0], FILE, RIGHT)
    before = listing(places.folders[0])

    (result,) = Session(places).restore([Picture(smooth_noise(30, 41))], UPSCALE)

    assert result.report.models[-1].sha256 == SHA256
    assert result.report.warnings == ()
    assert listing(places.folders[0]) == before
    assert sorted(path.name for path in places.cache_folder.iterdir()) == [f"{SHA256}-1.safetensors", "hashes.json"]


@pytest.mark.parametrize(
    ("file", "kind", "name"),
    [("codeformer-v0.1.0.pth", "restorer", "CodeFormer"), ("GFPGANCleanv1-NoCE-C2.pth", "restorer", "GFPGAN 1.2"),
     ("79999_iter.pth", "parser", "BiSeNet"), ("gfpganV1.4.pth", "restorer", "GFPGAN 1.4")],
)  # fmt: skip
def test_a_file_is_known_by_the_names_that_hosts_give_it(places, file, kind, name):
    path = put(places.folders[0], file, b"any")

    chosen = weights.choose("auto", kind, places)

    assert chosen.name == name
    assert weights.find(chosen, places).path == path
    assert path.stem not in [spec.name for spec in weights.available(places)]  # and is not listed a second time


def test_a_file_of_another_hash_is_used_with_a_notice(places):
    put(places.models_folder, FILE, OWN)

    (result,) = Session(places).restore([Picture(smooth_noise(30, 41))], UPSCALE)

    own = hashlib.sha256(OWN).hexdigest()
    assert result.report.models[-1].sha256 == own
    assert result.report.warnings == (
        f"{FILE} is not the released file: its sha256 begins {own[:8]}, the released one's {SHA256[:8]}. "
        "It was used all the same.",
    )


def test_a_damaged_file_of_ours_is_moved_aside_and_the_mirror_gives_the_right_one(places, server):
    put(places.models_folder, FILE, RIGHT[:-100])
    server.answers[f"/files/{FILE}"] = [whole(RIGHT)]
    online = dataclasses.replace(places, downloads_allowed=True, mirrors=(server.url("/files"),))

    tools = Session(online).tools(UPSCALE)

    assert used(tools) == SHA256
    assert (places.models_folder / FILE).read_bytes() == RIGHT
    assert (places.models_folder / f"{FILE}.damaged").read_bytes() == RIGHT[:-100]
    (warning,) = tools.warnings
    assert warning.startswith(f"{FILE} was damaged: ")
    assert warning.endswith(f"It was renamed to {FILE}.damaged. The right file was fetched.")


def test_a_damaged_file_of_ours_is_named_with_what_to_put_where_when_offline(places):
    put(places.models_folder, FILE, RIGHT[:-100])

    with pytest.raises(WeightsDamaged) as caught:
        Session(places).tools(UPSCALE)

    said = str(caught.value)
    assert said.startswith(f"{FILE} is damaged: ")
    assert f"It was renamed to {FILE}.damaged. " in said
    fetching = "facerestore fetch real-esrgan-animevideov3; or run again with --download. Or download it from https://"
    assert fetching in said
    assert said.endswith(f"into {places.models_folder}.")


def test_a_damaged_file_of_a_host_is_named_and_stays(places):
    put(places.folders[0], FILE, RIGHT[:-100])
    before = listing(places.folders[0])

    with pytest.raises(WeightsDamaged, match=f"{FILE} is damaged"):
        Session(dataclasses.replace(places, downloads_allowed=True)).tools(UPSCALE)

    assert listing(places.folders[0]) == before
    assert not places.models_folder.exists()


def test_a_file_that_cannot_be_read_is_named(places, monkeypatch):
    path = put(places.models_folder, FILE, RIGHT)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(finding, "sha256_of", refuse)

    with pytest.raises(WeightsDamaged, match=rf"{FILE} is damaged: it cannot be read \(Permission denied\)"):
        Session(places).tools(UPSCALE)


@pytest.mark.parametrize(
    ("files", "licence", "name"),
    [
        (["codeformer.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth"], "any", "CodeFormer"),
        (["codeformer.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth"], "commercial", "GFPGAN 1.4"),
        (["GFPGANv1.2.pth", "GFPGANv1.3.pth"], "any", "GFPGAN 1.3"),
        (["RestoreFormer.pth"], "any", "RestoreFormer"),
        (["codeformer.pth"], "commercial", "Real-ESRGAN x4plus (embedded)"),
        ([], "any", "Real-ESRGAN x4plus (embedded)"),
    ],
)
def test_auto_takes_the_best_restorer_that_is_there(places, files, licence, name):
    for file in files:
        put(places.models_folder, file, b"any")

    chosen = weights.choose("auto", "restorer", dataclasses.replace(places, licence=licence))

    assert chosen.name == name


def test_the_first_restorer_is_no_choice_of_an_upscaler(places):
    for file in ("realesr-general-x4v3.pth", "RealESRGAN_x4plus.pth", "GFPGANv1.4.pth"):
        put(places.models_folder, file, b"any")
    followed = dataclasses.replace(places, first_restorer="Real-ESRGAN x4plus")

    names = {kind: weights.choose("auto", kind, followed).name for kind in ("restorer", "upscaler")}

    assert names == {"restorer": "Real-ESRGAN x4plus", "upscaler": "Real-ESRGAN general-x4v3"}


def test_auto_without_any_restorer_says_what_to_install_and_fetch(places, monkeypatch):
    monkeypatch.setattr(bundled, "locate", lambda source: None)

    with pytest.raises(WeightsMissing, match=r"every face restorer are missing.* pip install .*: facerestore fetch"):
        weights.choose("auto", "restorer", places)


def test_an_unknown_name_gets_the_nearest_ones(places):
    with pytest.raises(SettingsError, match="cannot be 'codeformr': it must be one of CodeFormer"):
        Session(places).tools(RestoreSettings(restorer="codeformr"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\codeformer.pth", "/root/codeformer.pth", "a/../b"])
def test_a_name_that_leads_elsewhere_is_an_unknown_name(places, name):
    put(places.models_folder.parent, "codeformer.pth", RIGHT)

    with pytest.raises(SettingsError, match="it must be one of"):
        Session(places).tools(RestoreSettings(restorer=name))


def test_a_dropped_esrgan_file_enlarges_and_restores(places):
    torch.manual_seed(3)
    state = RRDBNet(3, 3, num_feat=8, num_block=1, num_grow_ch=32, scale=4).state_dict()
    put(places.models_folder, "4xMine.safetensors", save(state))
    picture = Picture(smooth_noise(84, 123))

    settings = RestoreSettings(restorer="4xmine", upscaler="4xMine", scale=2.0, aligned_input=True, mask="feather")
    (result,) = Session(places).restore([picture], settings)

    assert (result.report.restorer, result.report.upscaler) == ("4xMine", "4xMine")
    assert result.report.count("restored") == 1
    assert result.picture.size_hw == (168, 246)


def random_table():
    stream = io.BytesIO()
    torch.save({"alpha.weight": torch.zeros(3), "beta.bias": torch.zeros(2)}, stream)
    return stream.getvalue()


def misfit():
    """Keys of a known network with shapes of none: spandrel reads sizes off them."""
    state = SRVGGNetCompact(num_feat=8, num_conv=2).state_dict()
    stream = io.BytesIO()
    torch.save({"params": state | {"body.0.weight": torch.zeros(3)}}, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file", "content", "error", "sentence"),
    [
        ("mine.pth", random_table(), WeightsUnknown, r"fits no known network\. Its first keys are alpha\.weight"),
        ("mine.pth", misfit(), WeightsUnknown, r"fits no known network\. Its first keys are body\.0\.weight"),
        ("mine.pth", b"", WeightsDamaged, r"it is empty \(0 bytes\)"),
        ("mine.pth", b"<!DOCTYPE html><html>Not found</html>", WeightsDamaged, "it is a web page"),
        ("mine.safetensors", save({"a": torch.zeros(99)})[:-9], WeightsDamaged, r"it has [\d,]+ bytes, expected"),
        ("mine.safetensors", b"\xff" * 64, WeightsDamaged, "its header alone would be"),
    ],
)
@pytest.mark.parametrize("role", ["restorer", "upscaler"])
def test_a_wrong_file_gets_a_clear_sentence(places, role, file, content, error, sentence):
    put(places.models_folder, file, content)
    settings = RestoreSettings(restorer="mine") if role == "restorer" else dataclasses.replace(UPSCALE, upscaler="mine")

    with pytest.raises(error, match=sentence) as caught:
        Session(places).tools(dataclasses.replace(settings, aligned_input=True))

    assert str(caught.value).startswith(file)
    assert str(caught.value).endswith(".")
    assert (places.models_folder / file).read_bytes() == content  # a user's own file is not moved


def test_another_networks_file_under_a_detectors_name_is_refused(places):
    put(places.models_folder, "detection_Resnet50_Final.pth", OWN)

    with pytest.raises(WeightsUnknown, match=r"detection_Resnet50_Final\.pth is no RetinaFace ResNet50\."):
        Session(places).tools(RestoreSettings())


def test_a_cache_that_cannot_be_written_costs_time_and_not_the_run(places):
    put(places.models_folder, FILE, RIGHT)
    blocked = put(places.models_folder.parent, "a file in the place of the folder", b"")

    tools = Session(dataclasses.replace(places, cache_folder=blocked)).tools(UPSCALE)

    assert used(tools) == SHA256
    assert blocked.read_bytes() == b""


def test_a_models_folder_that_cannot_be_written_is_named(places):
    blocked = put(places.models_folder.parent, "taken", b"")

    with pytest.raises(
        WeightsUnreachable, match=rf"{FILE} could not be downloaded: .*taken cannot be written"
    ) as caught:
        weights.resolve(
            catalogue.by_name(NAME, "upscaler", catalogue.MODELS),
            dataclasses.replace(places, models_folder=blocked, downloads_allowed=True),
        )
    assert isinstance(caught.value, WeightsError)


def test_a_folder_that_cannot_be_read_is_left_out_and_named_once(places, monkeypatch, caplog):
    put(places.models_folder, FILE, RIGHT)
    blocked, listed = places.folders[0], Path.iterdir

    def iterdir(folder):  # root may look into every folder
        if folder == blocked:
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)

    assert used(Session(places).tools(UPSCALE)) == SHA256
    said = [record.getMessage() for record in caplog.records if str(blocked) in record.getMessage()]
    assert said == [f"The models in {blocked} were left out: it cannot be read (Permission denied)."]
