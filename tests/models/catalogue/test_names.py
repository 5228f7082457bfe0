"""What a person may write for a model, and what is said of a name that nobody has."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from lib_facerestore.errors import SettingsError, WeightsMissing
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import names
from lib_facerestore.models.catalogue.spec import ModelSpec
from lib_facerestore.models.weights import bundled
from lib_facerestore.runtime import NoOtherUpscalers
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings


@pytest.fixture
def empty(runtime, tmp_path, monkeypatch):
    """A runtime without any file and without the embedded weights."""
    monkeypatch.setattr(bundled, "locate", lambda source: None)
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


def put(runtime, *files):
    runtime.models_folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (runtime.models_folder / file).write_bytes(b"any")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("codeformer", "CodeFormer"),
        ("Code Former", "CodeFormer"),
        ("codeformer.pth", "CodeFormer"),
        ("codeformer-v0.1.0.pth", "CodeFormer"),
        ("gfpgan", "GFPGAN 1.4"),
        ("gfpgan1.4", "GFPGAN 1.4"),
        ("GFPGANv1.4", "GFPGAN 1.4"),
        ("gfpgan-1.4", "GFPGAN 1.4"),
        ("GFPGANV1.4.PTH", "GFPGAN 1.4"),
        (" gfpgan_v1.3 ", "GFPGAN 1.3"),
        ("restoreformer", "RestoreFormer"),
        ("restoreformer++", "RestoreFormer++"),
        ("RestoreFormer_Plus_Plus.onnx", "RestoreFormer++"),
        ("restoreformer plus plus", "RestoreFormer++"),
        ("gpen", "GPEN-BFR 512"),
        ("gpen-bfr-1024", "GPEN-BFR 1024"),
        ("GPEN-BFR-2048.onnx", "GPEN-BFR 2048"),
        ("gpen_bfr_256", "GPEN-BFR 256"),
        ("codeformer (onnx)", "CodeFormer (ONNX)"),
        ("codeformer.onnx", "CodeFormer (ONNX)"),
        ("gfpgan-1.4-onnx", "GFPGAN 1.4 (ONNX)"),
        ("GFPGANv1.4.onnx", "GFPGAN 1.4 (ONNX)"),
        ("real-esrgan x4plus", "Real-ESRGAN x4plus"),
        ("RealESRGAN_x4plus", "Real-ESRGAN x4plus"),
        ("RealESRGAN_x4plus_anime_6B.pth", "Real-ESRGAN x4plus anime"),
        ("x4plus", "Real-ESRGAN x4plus"),
        ("x4plus embedded", "Real-ESRGAN x4plus (embedded)"),
        ("anime", "Real-ESRGAN x4plus anime"),
        ("general-x4v3", "Real-ESRGAN general-x4v3"),
        ("realesr-general-wdn-x4v3", "Real-ESRGAN general-wdn-x4v3"),
        ("retinaface", "RetinaFace ResNet50"),
        ("ParseNet", "ParseNet"),
    ],
)
def test_a_model_is_known_however_its_name_is_written(written, name):
    assert names.matching(written, catalogue.MODELS)[0].name == name


@pytest.mark.parametrize("written", ["", " ", "-", "4", "gfpgan 1.5", "gfpgam", "../codeformer.pth", "x4"])
def test_what_is_nobodys_name_or_that_of_several_is_not_guessed(written):
    assert names.matching(written, catalogue.MODELS) == ()


def test_every_model_is_found_by_its_name_by_the_typed_one_and_by_its_files():
    for spec in catalogue.MODELS:
        for written in (spec.name, spec.name.upper(), names.typed_name(spec.name), *spec.file_names):
            found = names.matching(written, catalogue.MODELS)
            assert {names.plain_name(row.name) for row in found} == {names.plain_name(spec.name)}, written


def test_no_two_models_are_written_alike():
    for one, other in itertools.combinations(catalogue.MODELS, 2):
        if names.plain_name(one.name) != names.plain_name(other.name):
            assert not names._spellings(one) & names._spellings(other)


def test_a_users_own_file_of_that_very_name_is_meant_before_what_resembles_it(tmp_path):
    own = ModelSpec("gfpgan", ("restorer",), "unknown", "unknown", file=tmp_path / "gfpgan.pth")

    assert names.matching("GFPGAN", (*catalogue.MODELS, own)) == (own,)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ([], "GFPGAN 1.4"),
        (["GFPGANv1.4.pth", "GFPGANv1.3.pth"], "GFPGAN 1.4"),
        (["GFPGANv1.3.pth", "GFPGANv1.2.pth"], "GFPGAN 1.3"),
        (["GFPGANv1.2.pth"], "GFPGAN 1.2"),
    ],
)
def test_a_family_means_its_newest_model_whose_file_is_there(empty, files, name):
    put(empty, *files)

    assert weights.choose("gfpgan", "restorer", empty).name == name


def test_a_name_that_a_host_knows_too_is_the_hosts_unless_it_is_ours_to_the_letter(empty):
    class Host(NoOtherUpscalers):
        def names(self):
            return ("RealESRGAN_x4plus", "Real-ESRGAN x2plus")

    beside_a_host = dataclasses.replace(empty, other_upscalers=Host())

    with pytest.raises(SettingsError):
        weights.choose("RealESRGAN_x4plus", "upscaler", beside_a_host)
    assert weights.choose("Real-ESRGAN x2plus", "upscaler", beside_a_host).name == "Real-ESRGAN x2plus"
    assert weights.choose("RealESRGAN_x4plus", "upscaler", empty).name == "Real-ESRGAN x4plus"


def test_a_list_of_some_names_says_that_they_are_near_matches():
    said = names.unknown_name("restorer", "codeformr", catalogue.of_kind("restorer")).allowed

    # Fifteen restorers, auto and none.
    assert said.startswith("one of CodeFormer")
    assert said.endswith("(near matches; there are 17 names in all)")


def test_a_name_like_no_other_gets_all_names():
    specs = catalogue.of_kind("upscaler")

    said = names.unknown_name("upscaler", "qqqq", specs, ("Host 4x",)).allowed

    assert said == f"one of auto, Lanczos, none, {', '.join(spec.name for spec in specs)}, Host 4x"


COMMANDS = [
    ({"restorer": "codeformer"}, "CodeFormer", "codeformer", "codeformer.pth"),
    ({"restorer": "gfpgan"}, "GFPGAN 1.4", "gfpgan-1.4", "GFPGANv1.4.pth"),
    ({"restorer": "none", "upscaler": "x2plus", "scale": 2.0}, "Real-ESRGAN x2plus", "real-esrgan-x2plus",
     "RealESRGAN_x2plus.pth"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "name", "typed", "file"), COMMANDS)
def test_a_named_model_without_weights_names_the_command_and_where_to_put_the_file(empty, settings, name, typed, file):
    with pytest.raises(WeightsMissing) as caught:
        Session(empty).tools(RestoreSettings(**settings))

    said = str(caught.value)
    command = f"Fetch them with: facerestore fetch {typed}; or run again with --download."
    assert said.startswith(f"The weights of {file} are missing. {command} Or download it from https://")
    (spec,) = [spec for spec in catalogue.MODELS if spec.name == name]
    assert said.endswith(
        f" and put {file} ({spec.size_bytes:,} bytes, SHA-256 {spec.remote.sha256}) into {empty.models_folder}."
    )


def test_a_second_model_without_weights_names_its_command(runtime, tmp_path):
    alone = dataclasses.replace(runtime, models_folder=tmp_path / "models")

    with pytest.raises(WeightsMissing, match="facerestore fetch restoreformer; or run again with --download"):
        Session(alone).tools(RestoreSettings(second_restorer="RestoreFormer", aligned_input=True))


def test_a_webui_names_its_button_instead(empty):
    in_webui = dataclasses.replace(empty, fetch_named="Fetch them in Settings.")

    with pytest.raises(
        WeightsMissing, match=r"^The weights of codeformer\.pth are missing\. Fetch them in Settings\. Or "
    ):
        Session(in_webui).tools(RestoreSettings(restorer="codeformer"))


def test_a_side_that_is_asked_for_names_a_missing_upscaler_before_any_picture(empty):
    settings = RestoreSettings(restorer="none", upscaler="x2plus", longest_side=100)

    with pytest.raises(WeightsMissing, match="facerestore fetch real-esrgan-x2plus"):
        Session(empty).tools(settings)
