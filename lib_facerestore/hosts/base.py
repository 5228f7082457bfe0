"""What the host's user chose, and where the host keeps things: options, flags, folders, device, running job.

Each value is probed for, because hosts lack different ones.
"""

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
    # Where ReActor keeps its restorers.
    ("", "facerestore_models"),
)
OWN_FOLDER = "facerestore"
# What this extension's entries in the host's own lists are called.
TITLE = "Face restore"


def imported(name: str) -> Any:
    """Import a module of the host; None where this host has no module of that name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def option(name: str, default: Any) -> Any:
    """An option's value: as the user stored it, else the default it was registered with, else the given default."""
    from modules import shared

    options = getattr(shared, "opts", None)
    stored = getattr(options, "data", {})
    if name in stored:
        return stored[name]
    registered = getattr(options, "data_labels", {}).get(name)
    return default if registered is None else registered.default


def flag(name: str, default: Any) -> Any:
    """A command-line flag's value; the default where this host has no such flag, or the flag was not given."""
    from modules import shared

    value = getattr(getattr(shared, "cmd_opts", None), name, None)
    return default if value is None else value


def state() -> Any:
    """The host's `shared.state`: which stop buttons were pressed, progress bar and live preview of the running job."""
    from modules import shared

    return shared.state


def running_job() -> tuple[Any, Any]:
    """The running job's time stamp and start time; another pair of values means another job."""
    running = state()
    return getattr(running, "job_timestamp", None), getattr(running, "time_start", None)


def font(size_px: int) -> Any:
    """The host's PIL font for its own plots, size_px high; None where the host has none or its file is missing."""
    from modules import images

    get_font = getattr(images, "get_font", None)
    try:
        return get_font(size_px) if get_font else None
    except OSError:  # the file of the font that the user chose is gone
        return None


def models_path() -> Path:
    """The folder below which the host keeps one folder for each kind of model."""
    # SD.Next has the first module as an empty file.
    for name in ("modules.paths_internal", "modules.paths"):
        found = getattr(imported(name), "models_path", None)
        if found:
            return Path(found)
    return Path("models")


def model_folders() -> tuple[Path, ...]:
    """The folders in which this host and its users keep checkpoints of face networks and upscalers.

    Folders that do not exist are left out; each folder is given once.
    """
    # Not Path.is_dir, which raises below a folder that may not be listed.
    return tuple(dict.fromkeys(folder for folder in _candidates() if os.path.isdir(folder)))


def device(task: str = "codeformer") -> str:
    """The device on which this host does a task, as torch writes it ("cuda:0"); "auto" where the host names none.

    It is "cpu" where the user gave --use-cpu for all or for the task. task: as hosts call it, "codeformer" or "esrgan".
    """
    from modules import devices

    on_cpu = flag("use_cpu", ())
    if "all" in on_cpu or task in on_cpu:
        return "cpu"
    get_device_for = getattr(devices, "get_device_for", None)
    chosen = get_device_for(task) if get_device_for else getattr(devices, "device", None)
    return "auto" if chosen is None else str(chosen)


def gpu() -> str:
    """The device on which this host generates, as torch writes it ("xpu:0"), where that is no CPU; else "gpu".

    "gpu" stands for the first one that torch finds.
    """
    from modules import devices

    own = str(getattr(devices, "device", None) or "cpu")
    return "gpu" if own.startswith("cpu") else own


def chosen_restorer() -> str:
    """The name of the restorer that the host's own "Restore faces" uses now, as the host writes it; "" for none."""
    return str(option("face_restoration_model", ""))


def first_restorer() -> str:
    """The catalogue's name of the face model that the user chose in the host's own settings.

    The result is "" where the user chose none, or one that is not in the catalogue.
    """
    names = {"CodeFormer": "CodeFormer", "GFPGAN": "GFPGAN 1.4"}
    chosen = chosen_restorer()
    return names.get(chosen, chosen.removeprefix(f"{TITLE}: ") if chosen.startswith(f"{TITLE}: ") else "")


def title_of(model: str) -> str:
    """The title of an entry of this extension in the host's own lists: "Face restore: GFPGAN 1.4".

    model: the catalogue's name; "" for the entry that uses the model chosen in this extension's settings.
    """
    return f"{TITLE}: {model}" if model else TITLE


def first_fidelity(default: float) -> float:
    """The fidelity weight of the host's own CodeFormer option; the default where it is no number from 0 to 1."""
    value = option("code_former_weight", default)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else default


def _candidates() -> Iterator[Path]:
    """Each folder that a flag names, followed by the usual folder of that kind; they need not exist."""
    for name, folder in _MODEL_FOLDERS:
        chosen = flag(name, "") if name else ""
        if chosen:
            yield Path(chosen)
        yield models_path() / folder
