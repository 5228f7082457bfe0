"""Face restorers in ONNX files: sizes, ranges, weights, failures, and the whole way from a folder to a report."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from onnx import helper

from helpers.onnx_files import restorer, save, value, weights
from helpers.stock import oval_labels
from helpers.support import FakeDetector, FakeRestorer, face_at, psnr, smooth_noise
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.comparison import compare_restorers
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.faces.align import align
from lib_facerestore.engine.ports import NoProgress, Tools
from lib_facerestore.errors import InferenceFailed, OutOfMemory, RuntimeMissing, SettingsError, WeightsDamaged
from lib_facerestore.models import catalogue
from lib_facerestore.models import weights as model_weights
from lib_facerestore.models.adapters import OnnxRestorer, onnx_restorer
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.models.doctor import examine
from lib_facerestore.models.executors import HowToRun
from lib_facerestore.models.onnx_models import describe, open_network, openvino_session, ort_session
from lib_facerestore.models.weights import bundled, offers
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

CPU = torch.device("cpu")
FACE = face_at(250, 190, 120)
PICTURE = smooth_noise(384, 512)


def adapter(tmp_path, **form):
    path = save(restorer(**form), tmp_path / "mine.onnx")
    return OnnxRestorer("mine", "0" * 64, path, describe(path), CPU)


@pytest.mark.parametrize(("batch", "enlarged"), [(1, 1), ("n", 1), (1, 2), ("n", 2)])
def test_each_face_comes_back_at_the_networks_own_side(tmp_path, batch, enlarged):
    network = adapter(tmp_path, side=96, batch=batch, enlarged=enlarged)
    crops = [align(PICTURE, face_at(x, 190, 120), network.crop_side_px) for x in (150, 350)]

    restored = network.restore(crops, 0.5)

    assert [face.shape for face in restored] == [(96 * enlarged, 96 * enlarged, 3)] * 2
    for crop, face in zip(crops, restored):
        # [0, 1] to [-1, 1] and back: two roundings of numbers below 1.
        assert np.abs(face[::enlarged, ::enlarged] - crop.pixels).max() <= 2**-23


def test_a_network_is_given_numbers_from_minus_one_to_one_and_its_result_is_cut_to_them(tmp_path):
    network = adapter(tmp_path, side=64, gain=3.0)
    crop = align(np.full((384, 512, 3), (255, 0, 153), np.uint8), FACE, 64)

    (restored,) = network.restore([crop], 0.5)

    # 255 → 1 → 3 → 1; 0 → −1 → −3 → 0; 153 → 0.6 → 0.2 → 0.6 → 0.8
    assert np.abs(restored - (1, 0, 0.8)).max() < 1e-6


def test_only_a_network_with_an_input_for_it_has_a_fidelity_weight(tmp_path):
    crop = align(PICTURE, FACE, 64)
    plain, weighted = adapter(tmp_path, side=64), adapter(tmp_path / "weighted", side=64, weight=[1])

    assert (plain.has_fidelity, weighted.has_fidelity) == (False, True)
    assert np.array_equal(plain.restore([crop], 0.0)[0], plain.restore([crop], 1.0)[0])
    assert np.abs(weighted.restore([crop], 0.25)[0] - (0.25 * (crop.pixels - 0.5) + 0.5)).max() < 1e-6


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_a_failure(tmp_path, bad):
    with pytest.raises(InferenceFailed, match="values that are not numbers"):
        adapter(tmp_path, side=64, gain=bad).restore([align(PICTURE, FACE, 64)], 0.5)


def test_a_result_of_another_shape_is_a_failure(tmp_path):
    made = restorer(64, out_sides=None)
    made.graph.node[0].attribute.add(name="strides", type=7, ints=[2, 2])
    path = save(made, tmp_path / "mine.onnx")
    network = OnnxRestorer("mine", "0" * 64, path, describe(path), CPU)

    with pytest.raises(InferenceFailed, match=r"its output has the shape \(1, 3, 32, 32\), which is no face"):
        network.restore([align(PICTURE, FACE, 64)], 0.5)


class OnDevice:
    """A session on a GPU that fails with the given words."""

    label, device, has_batches = "fake", torch.device("cuda", 0), False

    def __init__(self, words):
        self.words = words

    def run(self, faces, fidelity):
        raise RuntimeError(self.words)


def test_a_gpu_without_memory_is_left_for_the_cpu_and_the_report_says_so(tmp_path, picture):
    network = adapter(tmp_path, side=64)
    network._session, network._wanted = OnDevice("CUDNN failure: out of memory"), torch.device("cuda", 0)

    result = pipeline.run(picture, Tools(FakeDetector(FACE), network), RestoreSettings(mask="feather"))

    assert result.report.device == "cpu, cpu (ONNX Runtime)"  # the detector's, and the restorer's after its failure
    assert [face.outcome for face in result.report.faces] == ["restored"]
    assert result.report.warnings == (
        "cuda:0 has no memory left for mine. Choose a smaller batch or the CPU. It went on on the CPU.",
    )


def test_a_network_that_makes_terabytes_of_a_few_bytes_gets_a_sentence(tmp_path, capfd):
    made = restorer(64)
    made.graph.initializer.append(weights("shape", [1 << 40], "int64"))
    made.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["terabytes"]))
    made.graph.node.append(helper.make_node("ReduceSum", ["terabytes"], ["sum"], keepdims=0))
    made.graph.node.append(helper.make_node("Add", ["output", "sum"], ["more"]))
    made.graph.output[0].name = "more"
    path = save(made, tmp_path / "mine.onnx")
    network = OnnxRestorer("mine", "0" * 64, path, describe(path), CPU)

    with pytest.raises(OutOfMemory, match=r"^cpu has no memory left for mine\."):
        network.restore([align(PICTURE, FACE, 64)], 0.5)
    assert capfd.readouterr().err == ""  # the runtime does not print what is raised


@pytest.mark.parametrize("count", [1, 2])
def test_a_gpu_that_fails_is_left_for_the_cpu_and_is_remembered(tmp_path, picture, count):
    network = adapter(tmp_path, side=64)
    network._session, network._wanted = OnDevice("Non-zero status code 6.\nmore"), torch.device("cuda", 0)
    faces = [face_at(130 + 220 * number, 190, 120, index=number) for number in range(count)]
    tools = Tools(FakeDetector(*faces), network, face_batch=2)

    result = pipeline.run(picture, tools, RestoreSettings(mask="feather"))

    assert [face.outcome for face in result.report.faces] == ["restored"] * count
    assert result.report.warnings == ("mine failed on cuda:0: Non-zero status code 6. It went on on the CPU.",)
    assert network.failures == {"cuda:0": "Non-zero status code 6"}


def test_on_the_cpu_an_error_of_a_runtime_names_the_model_and_the_reason(tmp_path):
    network = adapter(tmp_path, side=64)
    network._session = OnDevice("Non-zero status code 6.\nmore")
    network._session.device = CPU

    with pytest.raises(InferenceFailed, match=r"^mine failed: Non-zero status code 6\.$"):
        network.restore([align(PICTURE, FACE, 64)], 0.5)


def test_a_moved_network_is_closed_and_opened_again_when_it_is_needed(tmp_path, monkeypatch):
    network, opened = adapter(tmp_path, side=64), []
    monkeypatch.setattr(
        onnx_restorer,
        "open_network",
        lambda path, file, device, executor: opened.append(device) or open_network(path, file, device, executor),
    )

    network.move(CPU)
    network.restore([align(PICTURE, FACE, 64)], 0.5)
    assert opened == []
    network.move(torch.device("cuda", 0))
    assert (opened, str(network.device)) == ([], "cuda:0")
    network.restore([align(PICTURE, FACE, 64)], 0.5)
    network.restore([align(PICTURE, FACE, 64)], 0.5)

    assert opened == [torch.device("cuda", 0)]
    assert str(network.device) == "cpu"  # this build of onnxruntime has nothing for CUDA
    label, (said,) = network.ran_in()
    assert label == "ONNX Runtime"
    assert said.startswith("mine ran on the CPU, because")
    assert network.ran_in() == ("ONNX Runtime", ())
    assert not network.fall_back()


def test_the_wanted_executor_is_used_also_by_a_warm_network(tmp_path, monkeypatch):
    network, asked = adapter(tmp_path, side=64), []
    monkeypatch.setattr(
        onnx_restorer,
        "open_network",
        lambda path, file, device, executor: asked.append(executor) or open_network(path, file, device),
    )

    for executor in ("auto", "torch", "openvino", "openvino", "auto"):
        network.run_as(HowToRun(executor=executor))
        network.restore([align(PICTURE, FACE, 64)], 0.5)

    assert asked == ["openvino", "auto"]  # torch cannot run it, and means the same as auto


def test_a_file_that_is_gone_when_it_is_opened_again_is_one_faces_failure(tmp_path):
    network = adapter(tmp_path, side=64)
    network.move(torch.device("cuda", 0))
    (tmp_path / "mine.onnx").unlink()

    with pytest.raises(InferenceFailed, match="it could not be opened again"):
        network.restore([align(PICTURE, FACE, 64)], 0.5)


class OvalParser:
    """Takes an oval in the middle for the face."""

    used, device, classes = ModelUsed("parser", "oval", "4" * 64), "cpu", PARSENET_CLASSES

    def parse(self, faces):
        return [oval_labels() for _ in faces]

    def fall_back(self):
        return False

    def avoid(self, device, problem):
        raise AssertionError("it never falls back")


# A face of 900 px in the picture, with detail that 512 px cannot hold.
LARGE = Picture(smooth_noise(1000, 1200, sigma=1.0))
LARGE_FACE = face_at(600, 500, 900)


@pytest.mark.parametrize("side", [256, 512, 1024, 2048])
def test_a_crop_has_the_side_that_the_network_takes(tmp_path, side):
    network = adapter(tmp_path, side=side)

    prepared = pipeline.prepare(LARGE, Tools(FakeDetector(LARGE_FACE), network), RestoreSettings())

    (crop,) = prepared.crops
    assert crop.side_px == side
    assert crop.native_side_px == pytest.approx(900, rel=1e-4)


def test_a_large_face_keeps_through_1024_px_what_it_loses_through_512(tmp_path):
    kept = {}
    for side in (512, 1024):
        network = adapter(tmp_path / str(side), side=side)
        settings = RestoreSettings(mask="feather", large_faces="off")
        result = pipeline.run(LARGE, Tools(FakeDetector(LARGE_FACE), network), settings)
        middle = np.s_[300:700, 400:800]
        kept[side] = psnr(result.picture.pixels[middle], LARGE.pixels[middle])

    assert kept[1024] > kept[512] + 5  # little more than half the error
    assert kept[1024] > 30


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mask", ["feather", "landmarks", "parsing"])
@pytest.mark.parametrize("side", [256, 1024])
def test_a_network_that_changes_nothing_is_pasted_where_it_was_cut(tmp_path, side, mask, aligned):
    tools = Tools(FakeDetector(FACE), adapter(tmp_path, side=side), OvalParser() if mask == "parsing" else None)
    smooth = Picture(smooth_noise(384, 512, sigma=6.0))

    result = pipeline.run(smooth, tools, RestoreSettings(mask=mask, aligned_input=aligned, large_faces="off"))

    assert [face.outcome for face in result.report.faces] == ["restored"]
    difference = np.abs(result.picture.pixels.astype(int) - smooth.pixels)
    # A face of 256 px for 384 px of picture loses a little of noise of 6 px; a shift by half a pixel would give 10.
    assert difference.max() <= 3


@pytest.mark.parametrize("first_is_onnx", [True, False])
def test_two_restorers_of_different_sides_see_the_same_larger_crop(tmp_path, first_is_onnx):
    network, other = adapter(tmp_path, side=1024), FakeRestorer()
    seen = []
    restore = other.restore
    other.restore = lambda crops, fidelity: seen.append(crops[0].side_px) or restore(crops, fidelity)
    pair = (network, other) if first_is_onnx else (other, network)
    tools = Tools(FakeDetector(LARGE_FACE), pair[0], second_restorer=pair[1])

    result = pipeline.run(LARGE, tools, RestoreSettings(mask="feather", large_faces="off"))

    assert seen == [1024]
    assert [face.outcome for face in result.report.faces] == ["restored"]
    middle = np.s_[400:600, 500:700]
    # One of the two inverts, the other changes nothing.
    assert psnr(result.picture.pixels[middle], 255 - LARGE.pixels[middle]) > 30


def test_the_comparison_shows_all_sides_as_512_px_of_the_same_square(tmp_path):
    smooth = Picture(smooth_noise(384, 512, sigma=6.0))
    networks = [(str(side), adapter(tmp_path / str(side), side=side)) for side in (256, 1024)]
    for name, network in networks:
        network.used = dataclasses.replace(network.used, name=name)

    made = compare_restorers(
        smooth, Tools(FakeDetector(FACE), None), RestoreSettings(), lambda: iter(networks), (0.5,), NoProgress()
    )

    (crop,) = made.prepared.crops
    for variant in made.variants:
        (face,) = variant.faces
        assert not isinstance(face, str), face
        assert face.shape == (512, 512, 3)
        assert psnr(face, crop.pixels, 1.0) > 40


@pytest.fixture
def ours(runtime, tmp_path, monkeypatch):
    """A runtime with an empty folder of its own; of the embedded weights only the detector is there."""
    locate = bundled.locate
    monkeypatch.setattr(bundled, "locate", lambda source: locate(source) if source.module == "retinaface" else None)
    (tmp_path / "models").mkdir()
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


def no_runtime(monkeypatch):
    for module in (ort_session, openvino_session):
        monkeypatch.setattr(module, "is_installed", lambda: False)


SETTINGS = RestoreSettings(mask="feather", aligned_input=True)


@pytest.mark.parametrize("name", ["auto", "MyFaces", "myfaces.onnx"])
@pytest.mark.parametrize("is_lent", [False, True])
def test_an_onnx_file_in_a_folder_is_found_chosen_run_and_reported(ours, tmp_path, picture, name, is_lent):
    folder = tmp_path / "facerestore_models" if is_lent else ours.models_folder
    save(restorer(96, 2, weight=[1]), folder / "MyFaces.onnx")
    runtime = dataclasses.replace(ours, folders=(folder,)) if is_lent else ours

    (result,) = Session(runtime).restore([picture], dataclasses.replace(SETTINGS, restorer=name, fidelity=0.25))

    assert (result.report.restorer, result.report.fidelity, result.report.warnings) == ("MyFaces", 0.25, ())
    assert result.report.device == "cpu (ONNX Runtime)"
    (used,) = result.report.models
    assert used.sha256 == model_weights.sha256_of_file(folder / "MyFaces.onnx", runtime)
    assert [(face.crop.side_px, face.pixels.shape[0]) for face in result.restored] == [(96, 192)]


@pytest.mark.parametrize(("weight", "abilities"), [(None, ()), ([1], ("fidelity",))])
def test_a_slider_belongs_to_the_own_files_that_have_a_weight(ours, weight, abilities):
    save(restorer(64, weight=weight), ours.models_folder / "MyFaces.onnx")

    for is_new_process in (False, True):
        if is_new_process:
            offers._remembered.clear()
        (spec,) = [spec for spec in model_weights.available(ours) if spec.file is not None]
        assert (spec.name, spec.kinds, spec.family, spec.abilities) == ("MyFaces", ("restorer",), "onnx", abilities)


def test_a_file_is_checked_again_only_when_it_has_changed(ours, monkeypatch):
    path = save(restorer(64), ours.models_folder / "MyFaces.onnx")
    checked, roles = [], offers._roles
    monkeypatch.setattr(offers, "_roles", lambda path: checked.append(path.name) or roles(path))

    for _ in range(3):
        model_weights.available(ours)
    save(restorer(64, weight=[1]), path)
    (spec,) = [spec for spec in model_weights.available(ours) if spec.file is not None]

    assert checked == ["MyFaces.onnx"] * 2
    assert spec.takes_weight


def test_doctor_lists_what_runs_and_what_is_refused_with_its_reason(ours):
    path = save(restorer(64), ours.models_folder / "MyFaces.onnx")
    swapper = restorer(64)
    swapper.graph.input.append(value("source", [1, 512]))
    save(swapper, ours.models_folder / "inswapper.onnx")
    cut = save(restorer(64), ours.models_folder / "cut.onnx")
    cut.write_bytes(cut.read_bytes()[:-30])

    found = examine(ours)

    assert f"  ok       MyFaces: {path}" in found.lines
    (line,) = [line for line in found.lines if "inswapper" in line]
    assert line.startswith("  no use   inswapper: inswapper.onnx is an ONNX network, but no face restorer: it takes")
    assert "  problem  cut" in found.lines
    assert [problem for problem in found.problems if problem.startswith("cut.onnx is damaged: its ONNX network")]


def test_without_a_runtime_auto_takes_another_model_and_says_why(ours, monkeypatch, picture):
    from basicsr.archs.srvgg_arch import SRVGGNetCompact

    save(restorer(512), ours.models_folder / "gpen_bfr_512.onnx")
    save(restorer(64), ours.models_folder / "aaa.onnx")
    torch.manual_seed(1)
    compact = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()
    torch.save({"params": compact}, ours.models_folder / "zMine.pth")
    no_runtime(monkeypatch)

    (result,) = Session(ours).restore([picture], SETTINGS)

    assert result.report.restorer == "zMine"
    assert [warning.partition(" is an ONNX network, and neither")[0] for warning in result.report.warnings] == [
        "gpen_bfr_512.onnx", "aaa.onnx",
    ]  # fmt: skip
    assert all(warning.endswith("Another model was used.") for warning in result.report.warnings)


def test_without_a_runtime_a_named_model_says_what_to_install_and_doctor_too(ours, monkeypatch):
    save(restorer(64), ours.models_folder / "MyFaces.onnx")
    save(restorer(512), ours.models_folder / "codeformer.onnx")
    no_runtime(monkeypatch)

    with pytest.raises(RuntimeMissing, match=r"-m pip install \"onnxruntime<1\.27\"$"):
        Session(ours).tools(dataclasses.replace(SETTINGS, restorer="MyFaces"))
    found = examine(ours)

    said = [line for line in found.lines if line.startswith("  no use ")]
    assert [line.split(":")[0].removeprefix("  no use   ") for line in said] == ["CodeFormer (ONNX)", "MyFaces"]
    assert all("pip install" in line for line in said)
    assert found.problems == ()


ROWS = {
    "restoreformer_plus_plus.onnx": ("RestoreFormer++", 512),
    "gpen_bfr_256.onnx": ("GPEN-BFR 256", 256),
    "GPEN-BFR-512.onnx": ("GPEN-BFR 512", 512),
    "codeformer.onnx": ("CodeFormer (ONNX)", 512),
    "gfpgan_1.4.onnx": ("GFPGAN 1.4 (ONNX)", 512),
}


@pytest.mark.parametrize("file", ROWS)
def test_a_released_files_name_means_its_row_and_another_content_is_said(ours, file):
    name, side = ROWS[file]
    path = save(restorer(side), ours.models_folder / file)

    tools = Session(ours).tools(dataclasses.replace(SETTINGS, restorer=file))

    assert (tools.restorer.used.name, tools.restorer.crop_side_px) == (name, side)
    (warning,) = tools.warnings
    assert warning.startswith(f"{path.name} is not the released file: its sha256 begins")


def test_another_published_export_of_a_network_is_no_stranger(ours, monkeypatch):
    path = save(restorer(512), ours.models_folder / "GPEN-BFR-512.onnx")
    row = catalogue.by_name("GPEN-BFR 512", "restorer")
    sha256 = model_weights.sha256_of_file(path, ours)
    row = dataclasses.replace(row, remote=dataclasses.replace(row.remote, other_sha256s=(sha256,)))

    found = model_weights.find(row, ours)
    model_weights.verify(found)

    assert (found.path, found.notice, found.sha256) == (path, "", sha256)


def test_models_for_non_commercial_use_are_hidden_by_the_licence_mode(ours):
    for file, (_, side) in ROWS.items():
        save(restorer(side), ours.models_folder / file)
    commercial = dataclasses.replace(ours, licence="commercial")

    names = {spec.name for spec in model_weights.available(commercial)}

    assert {"RestoreFormer++", "GFPGAN 1.4 (ONNX)"} <= names
    assert not {name for name in names if "GPEN" in name.upper() or "CodeFormer" in name}


def test_codeformer_means_whichever_form_of_it_is_there(ours):
    save(restorer(512, weight=[1]), ours.models_folder / "codeformer.onnx")

    assert model_weights.choose("codeformer", "restorer", ours).name == "CodeFormer (ONNX)"
    (ours.models_folder / "codeformer.pth").write_bytes(b"any")
    assert model_weights.choose("codeformer", "restorer", ours).name == "CodeFormer"
    assert model_weights.choose("codeformer-onnx", "restorer", ours).name == "CodeFormer (ONNX)"


def test_a_damaged_file_in_the_own_folder_is_moved_aside_and_the_reason_is_said(ours):
    path = save(restorer(512), ours.models_folder / "gpen_bfr_512.onnx")
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(
        WeightsDamaged, match=r"gpen_bfr_512\.onnx is damaged: its ONNX network cannot be read"
    ) as caught:
        Session(ours).tools(dataclasses.replace(SETTINGS, restorer="GPEN-BFR 512"))

    assert "It was renamed to gpen_bfr_512.onnx.damaged." in str(caught.value)
    assert path.with_name("gpen_bfr_512.onnx.damaged").is_file()


def test_an_onnx_network_is_no_upscaler(ours):
    save(restorer(64), ours.models_folder / "MyFaces.onnx")

    with pytest.raises(SettingsError, match=r"^The setting upscaler cannot be 'MyFaces'"):
        model_weights.choose("MyFaces", "upscaler", ours)
