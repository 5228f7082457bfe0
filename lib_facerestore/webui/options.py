"""This extension's options in the host's Settings: what they are, their defaults, and what is stored now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from lib_facerestore.errors import SettingsError
from lib_facerestore.hosts import base
from lib_facerestore.runtime import Licence, WantedExecutor, WantedPrecision
from lib_facerestore.setting_info import checked, choices
from lib_facerestore.settings import field_types, setting_default, setting_info

# Id and title of the sections in the host's Settings.
SECTION = ("facerestore", base.TITLE)
DEFAULTS_SECTION = ("facerestore_defaults", f"{base.TITLE} defaults")

# The first of each is the default.
When = Literal["after the whole job", "each picture before it is saved"]
ResultHandling = Literal["replace in the gallery", "show both", "overwrite the file"]
ExtrasPlace = Literal["after the host's upscaler", "before the host's upscaler"]
DeviceChoice = Literal["auto", "GPU", "CPU"]
Afterwards = Literal["move to main memory", "keep on the device", "unload"]
HostLists = Literal["restorers and upscalers", "restorers", "nothing"]

WHEN: tuple[When, ...] = get_args(When)


@dataclass(frozen=True)
class Option:
    """One option of the section "Face restore"."""

    name: str
    """By which `value` returns what is stored."""
    kind: Any
    """bool for a tick box, str for a line of text, a Literal for a choice."""
    label: str
    """As the page shows it."""
    help: str = ""
    """Shown beside the label."""
    keeps_from_api: bool = False
    """Whether API calls may not change the option, because it is a path or an address."""

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen; empty for a tick box and a line of text."""
        return choices(self.kind)

    @property
    def default(self) -> bool | str:
        """The value on a fresh installation: the first choice, False, or ""."""
        return self.choices[0] if self.choices else self.kind()

    @property
    def key(self) -> str:
        """The option's name in the host's config.json."""
        return f"facerestore_{self.name}"


OPTIONS = (
    Option("txt2img", bool, "Restore faces after each txt2img", "also for API calls that send nothing of ours"),
    Option("img2img", bool, "Restore faces after each img2img", "also for API calls that send nothing of ours"),
    Option("when", When, "When", "the second keeps each picture's size; upscaling needs the first"),
    Option("result", ResultHandling, "Restored pictures",
           "the base file stays, except with the last choice; the restored one is written beside it with -restored"),
    Option("extras_place", ExtrasPlace, "In Extras"),
    Option("device", DeviceChoice, "Device", "auto is where the WebUI itself restores faces; GPU is its GPU, "
           "or the first that torch finds: CUDA or ROCm, XPU, MPS"),
    Option("precision", WantedPrecision, "Precision",
           "half is faster, and used for a model only where its result cannot be told from that of full"),
    Option("executor", WantedExecutor, "Networks on a CPU run in",
           "auto takes OpenVINO where it is installed in the WebUI's environment and faster; else torch"),
    Option("afterwards", Afterwards, "Models after a job", "kept on the device they take up to 1 GB of it"),
    Option("host_lists", HostLists, "In the WebUI's own lists",
           "what of ours its Restore faces, hires fix, SD upscale and Extras can choose; after Reload UI"),
    Option("models_folder", str, "Folder for fetched models", "empty: models/facerestore; the WebUI's own folders of "
           "CodeFormer, GFPGAN and ESRGAN files are searched too", keeps_from_api=True),
    Option("downloads", bool, "Download missing models inside a generation",
           "off: the generation goes on without, and says so; use the buttons below"),
    Option("mirror", str, "Mirror for downloads", "an address that is tried before the official ones",
           keeps_from_api=True),
    Option("licence", Licence, "Models", "commercial hides those for non-commercial use only, CodeFormer among them"),
)  # fmt: skip
_BY_NAME = {option.name: option for option in OPTIONS}


def value(name: str) -> Any:
    """Return what is stored for an option now.

    The default is returned where nothing is stored or, as in a config.json edited by hand, a value of another kind.
    """
    option = _BY_NAME[name]
    stored = base.option(option.key, option.default)
    is_right_kind = type(stored) is type(option.default) and (not option.choices or stored in option.choices)
    return stored if is_right_kind else option.default


def default_key(field: str) -> str:
    """Return the name, in the host's config.json, of the option that holds a setting's default."""
    return f"facerestore_default_{field}"


def defaults() -> dict[str, Any]:
    """Return setting → default for every setting: what is stored in the host's Settings, or `first_default`."""
    found: dict[str, Any] = {}
    for field, kind in field_types().items():
        stored = base.option(default_key(field), first_default(field))
        try:
            found[field] = checked(field, stored, kind, setting_info(field))
        except SettingsError:  # a config.json edited by hand, or written by another version
            found[field] = first_default(field)
    return found


def first_default(field: str) -> Any:
    """Return the default of a setting on a fresh installation; of fidelity the host's own CodeFormer weight."""
    default = setting_default(field)
    return base.first_fidelity(default) if field == "fidelity" else default
