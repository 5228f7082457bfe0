"""State of the whole host: settings, flags, the running job, registries."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch

from modules import host_kind, paths_internal, shared_options
from modules.options import OptionHTML, OptionInfo, Options, options_section
from modules.paths_internal import data_path, models_path, script_path
from modules.shared_cmd_options import cmd_opts
from modules.shared_state import SdNextState, State

__all__ = [
    "OptionHTML",
    "OptionInfo",
    "Options",
    "cmd_opts",
    "data_path",
    "models_path",
    "options_section",
    "script_path",
]

device = torch.device("cpu")
demo: Any = None
config_filename = cmd_opts.ui_settings_file
hide_dirs = {"visible": not cmd_opts.hide_ui_dir_config}
restricted_opts: set[str] = set()
options_templates = shared_options.templates()
opts = Options(options_templates, restricted_opts)
opts.load(config_filename)
state = SdNextState() if host_kind.is_sdnext() else State()
face_restorers: list = []
# Deleted and made anew at each start of the page: a reference kept from before is stale.
sd_upscalers: list = []
latent_upscale_modes = {"Latent": {}, "Latent (nearest)": {}}
latent_upscale_default_mode = "Latent"
parallel_processing_allowed = True
progress_print_out = sys.stdout
hypernetworks: dict = {}
tab_names: list[str] = []


class _Model:
    """In the place of a checkpoint."""

    sd_model_hash = "0123456789"
    filename = os.path.join(paths_internal.models_path, "Stable-diffusion", "noise.safetensors")


class TotalTQDM:
    """The console's bar; silent here."""

    def reset(self) -> None:
        """Nothing."""

    def update(self) -> None:
        """Nothing."""

    def updateTotal(self, new_total: int) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""


sd_model = _Model()
total_tqdm = TotalTQDM()


def listfiles(dirname: str) -> list[str]:
    """Files of a folder, sorted, without hidden ones."""
    names = sorted(name for name in os.listdir(dirname) if not name.startswith("."))
    return [path for path in (os.path.join(dirname, name) for name in names) if os.path.isfile(path)]


def is_forge() -> bool:
    """Not in the hosts."""
    return host_kind.is_forge()
