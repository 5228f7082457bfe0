"""For which roles a file that a user dropped in is offered: what its weights' names say, read without its weights."""

from __future__ import annotations

import dataclasses
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from facexlib.alignment.awing_arch import FAN
from safetensors.torch import save_file

from lib_facerestore.errors import WeightsDamaged, WeightsMissing, WeightsUnknown
from lib_facerestore.models import loading, weights
from lib_facerestore.models.checkpoints.read import read_checkpoint
from lib_facerestore.models.checkpoints.tensor_names import weight_names
from lib_facerestore.models.doctor import examine
from lib_facerestore.models.weights import bundled, offers
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

UPSCALER = ("body.0.weight", "body.1.weight", "body.2.weight")
GFPGAN = ("toRGB.0.weight", "stylegan_decoder.style_mlp.1.weight")
LAMA = ("model.model.1.bn_l.running_mean",)


@pytest.fixture
def empty(runtime, tmp_path, monkeypatch):
    """A runtime with an empty folder of its own and no embedded weights."""
    monkeypatch.setattr(bundled, "locate", lambda source: None)
    (tmp_path / "models").mkdir()
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


def landmarks_network():
    """Names of the network that facexlib leaves beside face restorers, which finds 98 points of a face."""
    with torch.device("meta"):
        return tuple(FAN(num_modules=4, num_landmarks=98, device="meta").state_dict())


def put(folder, file, names, **form):
    """A checkpoint with weights of these names, in the form that the ending says."""
    path, state = folder / file, {name: torch.zeros(2) for name in names}
    save_file(state, path) if path.suffix == ".safetensors" else torch.save({"params": state}, path, **form)
    return path


def offered(runtime):
    return {spec.name: spec.kinds for spec in weights.available(runtime) if spec.file is not None}


@pytest.mark.parametrize(
    ("file", "names", "kinds"),
    [
        ("4xMine.pth", UPSCALER, ("upscaler", "restorer")),
        ("4xMine.safetensors", UPSCALER, ("upscaler", "restorer")),
        ("MyFaces.pth", GFPGAN, ("restorer",)),
    ],
)
def test_a_file_is_offered_for_the_roles_that_its_names_of_weights_can_play(empty, file, names, kinds):
    put(empty.models_folder, file, names)

    assert offered(empty) == {file.partition(".")[0]: kinds}
    assert weights.refused(empty) == ()


@pytest.mark.parametrize("kind", ["restorer", "upscaler"])
def test_auto_does_not_take_a_network_for_something_else(empty, kind):
    put(empty.models_folder, "alignment_WFLW_4HG.pth", landmarks_network())

    assert offered(empty) == {}
    with pytest.raises(WeightsMissing, match=f"every face {kind} are missing"):
        weights.choose("auto", kind, empty)


def test_auto_takes_the_file_beside_it_that_can_play_the_role(empty):
    put(empty.models_folder, "alignment_WFLW_4HG.pth", landmarks_network())
    put(empty.models_folder, "zMine.pth", UPSCALER)

    assert [weights.choose("auto", kind, empty).name for kind in ("restorer", "upscaler")] == ["zMine", "zMine"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("alpha.weight", "beta.bias"), "fits no known network. Its first keys are alpha.weight, beta.bias."),
        (LAMA, "is a network that needs a mask beside the picture. Its first keys are"),
        (("lora_unet.lora_up.weight",), "fits no network: it is a LoRA, which changes a diffusion model."),
    ],
)
def test_what_plays_no_role_is_listed_by_doctor_and_refused_by_name_with_one_reason(empty, names, reason):
    put(empty.models_folder, "odd.pth", names)

    (line,) = [line for line in examine(empty).lines if " odd" in line]
    with pytest.raises(WeightsUnknown) as caught:
        weights.choose("odd", "upscaler", empty)

    assert line.startswith(f"  no use   odd: odd.pth {reason}")
    assert line == f"  no use   odd: {caught.value}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty (0 bytes)"),
        (b"any", "it begins with the bytes 61 6e 79"),
        (b"PK\x03\x04 and no more", "its 16 bytes are no whole zip archive"),
        (b"\x80\x02\x8a\x0a", "its list of weights cannot be read ("),
        (pickle.dumps({"a": 1}, 2)[:-1], "its list of weights cannot be read ("),
    ],
)
def test_a_damaged_file_is_a_problem_with_its_reason_and_the_others_are_offered(empty, content, problem):
    put(empty.models_folder, "4xMine.pth", UPSCALER)
    (empty.models_folder / "broken.pth").write_bytes(content)

    (reason,) = weights.refused(empty)
    found = examine(empty)

    assert list(offered(empty)) == ["4xMine"]
    assert isinstance(reason, WeightsDamaged)
    assert str(reason).startswith(f"broken.pth is damaged: {problem}")
    assert str(reason) in found.problems
    assert "  problem  broken" in found.lines


def test_a_file_that_cannot_be_read_harms_none_of_the_others(empty, monkeypatch):
    put(empty.models_folder, "4xMine.pth", UPSCALER)
    blocked, opened = put(empty.models_folder, "blocked.pth", UPSCALER), Path.open

    def refuse(path, *given, **named):  # root may read every file
        if path == blocked:
            raise PermissionError(13, "Permission denied")
        return opened(path, *given, **named)

    monkeypatch.setattr(Path, "open", refuse)
    listed = offered(empty)
    (reason,) = weights.refused(empty)
    monkeypatch.undo()

    assert list(listed) == ["4xMine"]
    assert "it cannot be read (Permission denied)" in str(reason)
    assert list(offers.offers_for([blocked], empty.cache_folder)[0].kinds) == ["upscaler", "restorer"]  # not remembered


def test_a_file_that_is_gone_since_the_folder_was_listed_harms_none_of_the_others(empty):
    mine = put(empty.models_folder, "4xMine.pth", UPSCALER)

    gone, there = offers.offers_for([empty.models_folder / "gone.pth", mine], empty.cache_folder)

    assert (gone.kinds, there.kinds) == ((), ("upscaler", "restorer"))
    assert "No such file" in str(gone.refusal)


class Danger:
    """Runs a command when it is unpickled by a reader that believes it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch '{self.marker}'",)


@pytest.mark.parametrize("is_zip", [True, False])
def test_nothing_in_a_file_is_run_when_it_is_listed(empty, tmp_path, is_zip):
    state = {name: torch.zeros(2) for name in UPSCALER}
    content = {"state_dict": OrderedDict(state), "more": Danger(tmp_path / "ran")}
    torch.save(content, empty.models_folder / "4xMine.pth", _use_new_zipfile_serialization=is_zip)

    assert weight_names(empty.models_folder / "4xMine.pth") == UPSCALER
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("form", ["zip", "old pickle", "safetensors"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": {"other": torch.zeros(1)}, "params_ema": state},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3},
        lambda state: {key: torch.nn.Parameter(value) for key, value in state.items()} | {"iteration": 7},
        lambda state: OrderedDict((key, value.half()) for key, value in state.items()),
    ],
)
def test_the_names_are_those_that_reading_the_weights_gives(tmp_path, wrap, form):
    state = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    save_file(state, path) if form == "safetensors" else torch.save(
        wrap(state), path, _use_new_zipfile_serialization=form == "zip"
    )

    names = weight_names(path)

    assert set(names) == set(state)
    assert names == tuple(read_checkpoint(path))


def bytes_read() -> int:
    """What this process has read from files so far, in bytes. Source: Linux, proc(5), io."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


@pytest.mark.parametrize("form", ["zip", "old pickle", "safetensors"])
def test_listing_reads_no_weights(empty, form):
    path = empty.models_folder / ("4xMine.safetensors" if form == "safetensors" else "4xMine.pth")
    state = {name: torch.zeros(1 << 21) for name in UPSCALER}  # 24 MB in all
    save_file(state, path) if form == "safetensors" else torch.save(
        state, path, _use_new_zipfile_serialization=form == "zip"
    )
    before = bytes_read()

    names = weight_names(path)

    assert set(names) == set(UPSCALER)
    assert bytes_read() - before < 1 << 20


@pytest.mark.parametrize("is_new_process", [False, True])
def test_a_file_is_looked_into_again_only_when_it_has_changed(empty, monkeypatch, is_new_process):
    path = put(empty.models_folder, "4xMine.pth", UPSCALER)
    put(empty.models_folder, "odd.pth", ("alpha.weight",))
    before = offered(empty), [str(reason) for reason in weights.refused(empty)]
    looked: list[str] = []
    roles = offers._roles
    monkeypatch.setattr(offers, "_roles", lambda path: looked.append(path.name) or roles(path))
    if is_new_process:
        offers._remembered.clear()

    after = offered(empty), [str(reason) for reason in weights.refused(empty)]

    assert after == before
    assert looked == []

    put(empty.models_folder, "4xMine.pth", (*GFPGAN, "and.one.more"))
    os.utime(path, ns=(0, 1))

    assert offered(empty) == {"4xMine": ("restorer",)}
    assert looked == ["4xMine.pth"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"rules": "other", "files": {}}', '{"files": [[1, 2, ["upscaler"], ""]]}'],
)
def test_damage_in_what_is_remembered_costs_time_only(empty, content):
    put(empty.models_folder, "4xMine.pth", UPSCALER)
    empty.cache_folder.mkdir()
    (empty.cache_folder / "roles.json").write_text(content, encoding="utf-8")

    assert offered(empty) == {"4xMine": ("upscaler", "restorer")}


@pytest.mark.parametrize("row", [[1, 2, ["upscaler"]], [1, 2, ["king"], ""], [1, 2, [], ""], ["1", 2, [], "x"], 7])
def test_a_row_that_somebody_else_wrote_is_not_believed(row):
    assert offers._row(row) is None


def test_no_more_than_a_thousand_files_are_remembered(empty, monkeypatch):
    monkeypatch.setattr(offers, "_MOST_REMEMBERED", 3)
    for number in range(5):
        put(empty.models_folder, f"own{number}.pth", UPSCALER)

    assert len(offered(empty)) == 5
    assert len(offers._remembered[empty.cache_folder / "roles.json"]) == 3


def test_a_file_that_only_looks_right_gets_its_sentence_when_it_is_loaded(empty):
    put(empty.models_folder, "misfit.pth", UPSCALER)

    with pytest.raises(WeightsUnknown, match=r"^misfit\.pth fits no known network\."):
        Session(empty).tools(RestoreSettings(restorer="none", upscaler="misfit", scale=2.0))


def network(path, seed=1):
    """A small network of a user's own that runs."""
    torch.manual_seed(seed)
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, path)


BY_ITSELF = RestoreSettings(aligned_input=True, mask="feather", scale=2.0)


def test_auto_passes_a_file_over_that_cannot_be_loaded_and_says_so(empty):
    put(empty.models_folder, "misfit.pth", UPSCALER)
    network(empty.models_folder / "zMine.pth")

    tools = Session(empty).tools(BY_ITSELF)

    assert (tools.restorer.used.name, tools.upscaler.used.name) == ("zMine", "zMine")
    (warning,) = tools.warnings
    assert warning.startswith("misfit.pth fits no known network. Its first keys are body.0.weight")
    assert warning.endswith("Another model was used.")


def test_a_job_tries_a_file_that_cannot_be_loaded_once_and_says_so_for_each_picture(empty, monkeypatch):
    put(empty.models_folder, "misfit.pth", UPSCALER)
    network(empty.models_folder / "zMine.pth")
    tried, load = [], loading.load_upscaler
    monkeypatch.setattr(loading, "load_upscaler", lambda spec, *rest: tried.append(spec.name) or load(spec, *rest))
    job = Session(empty).job()

    warnings = [job.tools(dataclasses.replace(BY_ITSELF, restorer="none")).warnings for _ in range(3)]

    assert tried == ["misfit", "zMine"]
    assert [len(said) for said in warnings] == [1, 1, 1]


def test_auto_with_nothing_else_says_what_is_wrong_with_the_file(empty):
    put(empty.models_folder, "misfit.pth", UPSCALER)
    put(empty.models_folder, "other.pth", UPSCALER)

    with pytest.raises(WeightsUnknown, match=r"^other\.pth fits no known network\."):
        Session(empty).tools(BY_ITSELF)


def test_auto_passes_no_official_file_over_that_is_damaged(empty):
    (empty.models_folder / "GFPGANv1.4.pth").write_bytes(b"<!doctype html>")
    network(empty.models_folder / "zMine.pth")

    with pytest.raises(WeightsDamaged, match=r"^GFPGANv1\.4\.pth is damaged: it is a web page"):
        Session(empty).tools(BY_ITSELF)
