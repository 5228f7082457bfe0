"""Which networks a session keeps: those used last of each role, two on the device and the others in main memory."""

import dataclasses
from typing import Any

import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from lib_facerestore.models.catalogue import Kind
from lib_facerestore.session import ModelCache, Session
from lib_facerestore.session.model_cache import Loaded, ModelKey
from lib_facerestore.settings import RestoreSettings

SETTINGS = RestoreSettings(restorer="none", scale=2.0)


class Recorder:
    """A network that notes where it is."""

    def __init__(self) -> None:
        self.place = ""

    def move(self, device: torch.device) -> None:
        self.place = str(device)


def test_networks_not_used_for_longest_are_dropped(runtime, tmp_path):
    places = dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")
    names = [f"own{number}" for number in range(9)]
    places.models_folder.mkdir()
    for name in names:
        network = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4)
        torch.save({"params": network.state_dict()}, places.models_folder / f"{name}.pth")
    session = Session(places)

    for name in [*names[:6], "own0", *names[6:8]]:
        session.tools(dataclasses.replace(SETTINGS, upscaler=name))

    assert [name for _, name in session.warm] == ["own3", "own4", "own5", "own0", "own6", "own7"]
    both = session.tools(dataclasses.replace(SETTINGS, upscaler="own3", second_upscaler="own8"))
    assert [both.upscaler.used.name, both.second_upscaler.used.name] == ["own3", "own8"]
    assert [name for _, name in session.warm] == ["own5", "own0", "own6", "own7", "own3", "own8"]


def test_two_of_a_role_stay_on_the_device():
    cache, device = ModelCache(), torch.device("meta")
    networks = {name: Recorder() for name in ("detector", "first", "second", "third")}

    for name, network in networks.items():
        role: Kind = "detector" if name == "detector" else "restorer"
        loaded = Loaded(network)
        cache.get(ModelKey(role, name, (f"{name}.pth",)), device, lambda where, loaded=loaded: loaded)  # type: ignore[misc]

    places = {name: network.place for name, network in networks.items()}
    assert places == {"detector": "meta", "first": "cpu", "second": "meta", "third": "meta"}


def put(folder, name, seed):
    """A small network of a user's own."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.save({"params": SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4).state_dict()}, folder / f"{name}.pth")


def test_a_file_that_was_replaced_is_loaded_by_the_next_job(runtime, tmp_path):
    places = dataclasses.replace(runtime, models_folder=tmp_path / "models", cache_folder=tmp_path / "converted")
    settings = dataclasses.replace(SETTINGS, upscaler="own")
    put(places.models_folder, "own", 1)
    session = Session(places)
    first = session.tools(settings).upscaler
    again = session.tools(settings).upscaler

    put(places.models_folder, "own", 2)
    replaced = session.tools(settings).upscaler

    assert again is first
    assert replaced is not first
    assert replaced.used.sha256 != first.used.sha256


def test_two_files_of_one_name_in_two_folders_are_two_networks(runtime, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders):
        put(folder, "own", seed)
    cache = ModelCache()
    sessions = [Session(dataclasses.replace(runtime, folders=(folder,)), cache) for folder in folders]
    settings = dataclasses.replace(SETTINGS, upscaler="own")

    hashes = [session.tools(settings).upscaler.used.sha256 for session in (*sessions, *sessions)]

    assert len(set(hashes)) == 2
    assert hashes[:2] == hashes[2:]
    assert sessions[0].warm == sessions[1].warm == (("upscaler", "own"), ("upscaler", "own"))


def test_another_precision_loads_nothing_again_and_each_job_runs_as_it_wants(runtime):
    cache = ModelCache()
    settings = RestoreSettings(
        restorer="Real-ESRGAN x4plus (embedded)", upscaler="Real-ESRGAN animevideov3 (embedded)", scale=2.0,
        mask="feather", aligned_input=True,
    )  # fmt: skip

    wanted = []
    for precision in ("full", "half", "full"):
        tools: Any = Session(dataclasses.replace(runtime, precision=precision), cache).tools(settings)
        runners = [*tools.restorer._runners, tools.upscaler._runner]
        wanted.append([runner.how.precision for runner in runners])

    assert [key.role for key in cache.keys] == ["restorer", "upscaler"]
    assert wanted == [["full"] * 2, ["half"] * 2, ["full"] * 2]
