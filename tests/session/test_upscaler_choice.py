"""Which upscaler the settings get: the auto rule, mixing by the denoise strength, files that a user dropped in."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import SettingsError
from lib_facerestore.models import loading, weights
from lib_facerestore.models.weights import bundled
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

SPEC, PARTNER = "realesr-general-x4v3.pth", "realesr-general-wdn-x4v3.pth"
SETTINGS = RestoreSettings(restorer="none", scale=2.0)


def random_checkpoint(path, seed, scale=4):
    """A small network of the official kind, saved as the official files are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    state = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=scale).state_dict()
    torch.save({"params": state}, path)
    return state


@pytest.fixture
def empty(runtime, tmp_path):
    """A runtime without any file; the embedded weights are there."""
    return dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")


@pytest.fixture
def dni_pair(empty):
    """The runtime with both general checkpoints, and their tensors."""
    return empty, random_checkpoint(empty.models_folder / SPEC, 1), random_checkpoint(empty.models_folder / PARTNER, 2)


def chosen(runtime, **more):
    return Session(runtime).tools(dataclasses.replace(SETTINGS, **more))


def network_of(tools):
    return tools.upscaler._model.model.state_dict()


def test_auto_takes_general_x4v3_where_its_file_is(empty):
    random_checkpoint(empty.models_folder / SPEC, 1)

    tools = chosen(empty)

    assert tools.upscaler.used.name == "Real-ESRGAN general-x4v3"


def test_auto_takes_the_embedded_network_where_no_file_is(empty, monkeypatch):
    def load(spec, *_):  # 33 MB less
        return SimpleNamespace(name=spec.name, move=lambda device: None), weights.find(spec, empty)

    monkeypatch.setattr(loading, "load_upscaler", load)

    tools = chosen(empty)

    assert tools.upscaler.name == "Real-ESRGAN x4plus (embedded)"


def test_auto_is_lanczos_where_there_is_nothing(empty, monkeypatch):
    monkeypatch.setattr(bundled, "locate", lambda source: None)
    picture = Picture(smooth_noise(30, 41))

    (result,) = Session(empty).restore([picture], SETTINGS)

    assert result.picture.size_hw == (60, 82)
    assert (result.report.upscaler, result.report.tiles, result.report.models) == ("Lanczos", 0, ())


@pytest.mark.parametrize("name", ["lanczos", "Lanczos", "none"])
def test_lanczos_by_name_loads_nothing(dni_pair, name, monkeypatch):
    monkeypatch.setattr(loading, "load_upscaler", None)

    assert chosen(dni_pair[0], upscaler=name).upscaler is None


@pytest.mark.parametrize("denoise", [0.0, 0.5, 1.0])
def test_denoise_mixes_the_partner_in(dni_pair, denoise):
    runtime, spec, partner = dni_pair

    state = network_of(chosen(runtime, denoise=denoise))

    assert state.keys() == spec.keys()
    for key, value in state.items():
        torch.testing.assert_close(value, denoise * spec[key] + (1 - denoise) * partner[key], rtol=0, atol=1e-7)
    assert any(not torch.equal(spec[key], partner[key]) for key in spec)


def test_a_value_of_denoise_is_mixed_once(dni_pair, monkeypatch):
    session, loaded = Session(dni_pair[0]), []
    load = loading.load_upscaler
    monkeypatch.setattr(loading, "load_upscaler", lambda *given: loaded.append(given[2]) or load(*given))

    upscalers = [session.tools(dataclasses.replace(SETTINGS, denoise=d)).upscaler for d in (0.5, 0.25, 0.5, 0.25)]

    assert loaded == [0.5, 0.25]
    assert upscalers[0] is upscalers[2]
    assert upscalers[1] is upscalers[3]


def test_a_missing_partner_is_said_and_the_network_stays_as_it_is(empty):
    spec = random_checkpoint(empty.models_folder / SPEC, 1)

    tools = chosen(empty, denoise=0.2)

    sentence = "The denoise strength had no effect: Real-ESRGAN general-wdn-x4v3, which it mixes in, is missing."
    command = "Fetch them with: facerestore fetch real-esrgan-general-wdn-x4v3; or run again with --download."
    assert f"{sentence} {command}" in tools.warnings
    assert all(torch.equal(value, spec[key]) for key, value in network_of(tools).items())


def test_a_file_of_an_unknown_name_is_an_upscaler_and_a_restorer(empty):
    random_checkpoint(empty.models_folder / "4xMine.pth", 3)

    (row,) = [spec for spec in weights.available(empty) if spec.name == "4xMine"]
    tools = chosen(empty, upscaler="4xmine", restorer="4xMine")

    assert set(row.kinds) == {"upscaler", "restorer"}
    assert (tools.upscaler.used.name, tools.restorer.used.name) == ("4xMine", "4xMine")
    assert tools.upscaler.scale == 4


def test_a_file_of_an_unknown_name_is_found_in_a_hosts_folder(empty, tmp_path):
    random_checkpoint(tmp_path / "host" / "ESRGAN" / "4xTheirs.pth", 3)

    tools = chosen(dataclasses.replace(empty, folders=(tmp_path / "host" / "ESRGAN",)), upscaler="4xTheirs")

    assert tools.upscaler.used.name == "4xTheirs"


def test_a_network_of_factor_one_runs_once_and_lanczos_enlarges(empty):
    random_checkpoint(empty.models_folder / "1xClean.pth", 4, scale=1)
    picture = Picture(smooth_noise(30, 41), smooth_noise(30, 41)[..., 0])

    settings = dataclasses.replace(SETTINGS, upscaler="1xClean", scale=1.5, upscale_strength=1.0)
    (result,) = Session(empty).restore([picture], settings)

    assert result.picture.size_hw == (45, 62)  # 41 · 1.5 = 61.5
    assert (result.report.upscaler, result.report.tiles) == ("1xClean", 1)
    (plain,) = Session(empty).restore([picture], dataclasses.replace(settings, upscaler="none"))
    assert not np.array_equal(result.picture.pixels, plain.picture.pixels)


def test_a_wrong_name_gets_the_nearest_ones(empty):
    with pytest.raises(SettingsError, match=r"must be one of .*Real-ESRGAN animevideov3 \(embedded\)"):
        chosen(empty, upscaler="Real-ESRGAN animevideo3")


@pytest.fixture
def own_files(empty):
    """A runtime with a user's own networks of factor 1 and 4, and general-x4v3."""
    random_checkpoint(empty.models_folder / "cleaner.pth", 3, scale=1)
    random_checkpoint(empty.models_folder / "larger.pth", 4, scale=4)
    random_checkpoint(empty.models_folder / SPEC, 1)
    return empty


def test_a_network_of_factor_one_that_was_named_runs_at_scale_one(own_files):
    settings = dataclasses.replace(SETTINGS, scale=1.0, upscaler="cleaner", upscale_strength=1.0)
    picture = Picture(smooth_noise(30, 41))

    (result,) = Session(own_files).restore([picture], settings)

    assert result.picture.size_hw == (30, 41)
    assert not np.array_equal(result.picture.pixels, picture.pixels)
    assert (result.report.upscaler, result.report.tiles) == ("cleaner", 1)


@pytest.mark.parametrize("name", ["auto", "lanczos", "none", "larger", "Real-ESRGAN general-x4v3"])
def test_other_upscalers_leave_a_picture_that_keeps_its_size_alone(own_files, name):
    settings = dataclasses.replace(SETTINGS, scale=1.0, upscaler=name)
    picture = Picture(smooth_noise(30, 41))

    (result,) = Session(own_files).restore([picture], settings)

    assert np.array_equal(result.picture.pixels, picture.pixels)
    assert (result.report.upscaler, result.report.tiles, result.report.models) == ("", 0, ())
    assert not result.report.warnings


def test_at_scale_one_a_network_whose_factor_is_known_to_be_larger_is_not_loaded(own_files, monkeypatch):
    monkeypatch.setattr(loading, "load_upscaler", None)

    assert chosen(own_files, scale=1.0, upscaler="Real-ESRGAN general-x4v3").upscaler is None
