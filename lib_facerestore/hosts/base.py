"""What a host was told and where it keeps things: options, flags, folders, device. Nothing is taken for granted."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Flag that names a folder of models, and the folder's usual name under the host's models folder.
_MODEL_FOLDERS = (
    ("codeformer_models_path", "Codeformer"),
    ("gfpgan_models_path", "GFPGAN"),
    ("realesrgan_models_path", "RealESRGAN"),
    ("esrgan_models_path", "ESRGAN"),
    ("", "facexlib"),
)
OWN_FOLDER = "facerestore"
# What our entries in the host's own lists are called.
TITLE = "Face restore"


def imported(name: str) -> Any:
    """A module of the host; None where this host has none of that name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def option(name: str, default: Any) -> Any:
    """An option as the user stored it, else the default it was registered with, else the given one."""
    from modules import shared

    options = getattr(shared, "opts", None)
    stored = getattr(options, "data", {})
    if name in stored:
        return stored[name]
    registered = getattr(options, "data_labels", {}).get(name)
    return default if registered is None else registered.default


def flag(name: str, default: Any) -> Any:
    """A command-line flag; the default where this host has no such flag or it was not given."""
    from modules import shared

    value = getattr(getattr(shared, "cmd_opts", None), name, None)
    return default if value is None else value


def state() -> Any:
    """The host's state of the running job: stop buttons, progress bar, live preview."""
    from modules import shared

    return shared.state


def running_job() -> tuple[Any, Any]:
    """What tells one job of the host from the next."""
    running = state()
    return getattr(running, "job_timestamp", None), getattr(running, "time_start", None)


def font(size_px: int) -> Any:
    """The font that the host writes on its own plots with, of that height; None where it has none."""
    from modules import images

    get_font = getattr(images, "get_font", None)
    try:
        return get_font(size_px) if get_font else None
    except OSError:  # the file of the font that the user chose is gone
        return None


def models_path() -> Path:
    """The folder that holds the host's folders of models."""
    # SD.Next has the first as an empty file.
    for name in ("modules.paths_internal", "modules.paths"):
        found = getattr(imported(name), "models_path", None)
        if found:
            return Path(found)
    return Path("models")


def model_folders() -> tuple[Path, ...]:
    """Where this host and its users keep checkpoints that we can use, each folder once, as far as they exist."""
    # Not Path.is_dir, which raises below a folder that may not be looked into.
    return tuple(dict.fromkeys(folder for folder in _candidates() if os.path.isdir(folder)))


def device() -> str:
    """The device on which this host restores faces, as torch writes it; "cpu" where the user asked for that."""
    from modules import devices

    on_cpu = flag("use_cpu", ())
    if "all" in on_cpu or "codeformer" in on_cpu:
        return "cpu"
    get_device_for = getattr(devices, "get_device_for", None)
    chosen = get_device_for("codeformer") if get_device_for else getattr(devices, "device", None)
    return "auto" if chosen is None else str(chosen)


def chosen_restorer() -> str:
    """The name of the restorer that the host's own "Restore faces" uses now."""
    return str(option("face_restoration_model", ""))


def first_restorer() -> str:
    """The face model that the user chose in the host's own settings, in our words; "" for none or one of others."""
    names = {"CodeFormer": "CodeFormer", "GFPGAN": "GFPGAN 1.4"}
    chosen = chosen_restorer()
    return names.get(chosen, chosen.removeprefix(f"{TITLE}: ") if chosen.startswith(f"{TITLE}: ") else "")


def title_of(model: str) -> str:
    """What our entry for a model is called in the host's own lists; "" for the one that follows our Settings."""
    return f"{TITLE}: {model}" if model else TITLE


def first_fidelity(default: float) -> float:
    """The host's own CodeFormer weight, where it is a number from 0 to 1."""
    value = option("code_former_weight", default)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else default


def _candidates() -> Iterator[Path]:
    for name, folder in _MODEL_FOLDERS:
        chosen = flag(name, "") if name else ""
        if chosen:
            yield Path(chosen)
        yield models_path() / folder
