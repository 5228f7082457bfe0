"""The older name of paths_internal."""

from modules.paths_internal import (
    cwd,
    data_path,
    default_output_dir,
    extensions_builtin_dir,
    extensions_dir,
    models_path,
    modules_path,
    script_path,
)

paths: dict[str, str] = {"Stable Diffusion": script_path}

__all__ = [
    "cwd",
    "data_path",
    "default_output_dir",
    "extensions_builtin_dir",
    "extensions_dir",
    "models_path",
    "modules_path",
    "paths",
    "script_path",
]
