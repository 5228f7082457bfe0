"""Which changes of the Settings leave the warm networks alone, with fakes of the host's modules. Needs no host."""

from __future__ import annotations

import pytest
import torch

from helpers.onnx_files import restorer, save
from helpers.support import smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.models import loading
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import warm_session

EMBEDDED = "Real-ESRGAN animevideov3 (embedded)"
ENLARGING = RestoreSettings(restorer="none", upscaler=EMBEDDED, scale=2.0, upscale_strength=1.0)


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """Names of the upscalers that were loaded, as often as they were."""
    names: list[str] = []
    load = loading.load_upscaler
    monkeypatch.setattr(loading, "load_upscaler", lambda spec, *given: names.append(spec.name) or load(spec, *given))
    return names


def enlarge():
    """One picture through the session of this moment."""
    (result,) = warm_session.session().restore([Picture(smooth_noise(30, 41))], ENLARGING)
    return result


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("face_restoration_model", ["CodeFormer", "GFPGAN", "Face restore: Real-ESRGAN x4plus", "None", "CodeFormer"]),
        ("facerestore_licence", ["any", "commercial", "any"]),
        ("facerestore_downloads", [False, True, False]),
        ("facerestore_mirror", ["", "https://mirror.invalid/", ""]),
    ],
)
def test_networks_stay_warm_while_a_choice_of_models_changes(stored, loads, option, values):
    for value in values:
        stored[option] = value
        enlarge()

    assert loads == [EMBEDDED]
    assert warm_session.warm() == (("upscaler", EMBEDDED),)


def test_another_folder_for_models_and_another_precision_load_no_upscaler_again(stored, loads, tmp_path):
    for option, value in (("facerestore_precision", "half"), ("facerestore_models_folder", str(tmp_path / "own"))):
        enlarge()
        stored[option] = value
        enlarge()

    assert loads == [EMBEDDED]


def test_each_of_two_requests_has_its_own_first_restorer(stored):
    stored["face_restoration_model"] = "CodeFormer"
    first = warm_session.session()
    stored["face_restoration_model"] = "GFPGAN"
    second = warm_session.session()

    assert [session.runtime.first_restorer for session in (first, second)] == ["CodeFormer", "GFPGAN 1.4"]


def test_what_one_session_loaded_another_one_has_and_all_let_go_at_once(stored, loads):
    stored["face_restoration_model"] = "CodeFormer"
    first = warm_session.session()
    enlarge()
    stored["face_restoration_model"] = "GFPGAN"
    second = warm_session.session()

    assert first.warm == second.warm == (("upscaler", EMBEDDED),)

    second.release()

    assert first.warm == second.warm == warm_session.warm() == ()


@pytest.mark.parametrize(
    ("own", "on_cpu", "choice", "device"),
    [
        ("xpu:0", [], "auto", "xpu:0"),
        ("xpu:0", [], "GPU", "xpu:0"),
        ("privateuseone:0", ["codeformer"], "auto", "cpu"),
        ("privateuseone:0", ["codeformer"], "GPU", "privateuseone:0"),
        ("cpu", ["all"], "GPU", "gpu"),
        (None, [], "auto", "auto"),
        (None, [], "GPU", "gpu"),
        ("mps", [], "CPU", "cpu"),
    ],
)
def test_gpu_is_the_hosts_own_where_it_has_one(stored, monkeypatch, own, on_cpu, choice, device):
    from modules import devices, shared

    monkeypatch.setattr(devices, "device", None if own is None else torch.device(own), raising=False)
    monkeypatch.setattr(shared.cmd_opts, "use_cpu", on_cpu)
    stored["facerestore_device"] = choice

    assert warm_session.runtime().device == device


def test_a_hosts_upscaler_runs_where_the_host_says_and_not_where_the_settings_do(stored, monkeypatch):
    from modules import devices, shared

    monkeypatch.setattr(devices, "device", torch.device("mps"), raising=False)
    monkeypatch.setattr(shared.cmd_opts, "use_cpu", ["codeformer"])
    stored["facerestore_device"] = "CPU"

    assert warm_session.runtime().other_upscalers.device() == "mps"


def test_a_restorer_in_reactors_folder_is_found_and_used(stored, tmp_path):
    folder = tmp_path / "models" / "facerestore_models"
    save(restorer(64, weight=[1]), folder / "MyFaces.onnx")

    session = warm_session.session()
    (result,) = session.restore(
        [Picture(smooth_noise(96, 128))], RestoreSettings(restorer="MyFaces", mask="feather", aligned_input=True)
    )

    assert folder in session.runtime.folders
    assert result.report.restorer == "MyFaces"
