"""Which networks a session keeps: those used last of each role, two on the device and the others in main memory."""

import dataclasses

import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from lib_facerestore.session.session import Session
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


def test_two_of_a_role_stay_on_the_device(runtime):
    session, device = Session(runtime), torch.device("meta")
    networks = {name: Recorder() for name in ("detector", "first", "second", "third")}

    for name, network in networks.items():
        role = "detector" if name == "detector" else "restorer"
        session._kept_warm((role, name), [], device, lambda where, network=network: (network, None))

    places = {name: network.place for name, network in networks.items()}
    assert places == {"detector": "meta", "first": "cpu", "second": "meta", "third": "meta"}
