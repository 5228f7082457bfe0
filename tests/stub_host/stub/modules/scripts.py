"""Finds and executes scripts/*.py of the host and of extensions."""

from __future__ import annotations

import inspect
import os
import sys
from collections import namedtuple

from modules import errors, extensions, host_kind, paths_internal, script_callbacks, script_loading
from modules.extensions import ScriptFile
from modules.script_class import (
    AlwaysVisible,
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
    Script,
)
from modules.script_runner import ScriptRunner, wrap_call

__all__ = [
    "AlwaysVisible",
    "OnComponent",
    "PostProcessMaskOverlayArgs",
    "PostSampleArgs",
    "PostprocessBatchListArgs",
    "PostprocessImageArgs",
    "Script",
    "ScriptRunner",
    "wrap_call",
]

ScriptClassData = namedtuple("ScriptClassData", ["script_class", "path", "basedir", "module"])
scripts_data: list[ScriptClassData] = []
postprocessing_scripts_data: list[ScriptClassData] = []
scripts_txt2img: ScriptRunner = None
scripts_img2img: ScriptRunner = None
scripts_postproc = None
scripts_current: ScriptRunner | None = None
current_basedir = paths_internal.script_path


def basedir() -> str:
    """The folder of the extension whose script is being executed, else the host's."""
    return current_basedir


def list_scripts(scriptdirname: str, extension: str) -> list[ScriptFile]:
    """Files of the host, then of the extensions in sorted order, moved by Before and After of metadata.ini."""
    host_folder = os.path.join(paths_internal.script_path, scriptdirname)
    files: list[ScriptFile] = []
    if os.path.isdir(host_folder):
        names = sorted(name for name in os.listdir(host_folder) if name.lower().endswith(extension))
        files = [ScriptFile(paths_internal.script_path, name, os.path.join(host_folder, name)) for name in names]
    waits: dict[str, set[str]] = {}
    groups: list[tuple[str, list[ScriptFile]]] = []
    for one in extensions.active():
        listed = one.list_files(scriptdirname, extension)
        if not listed:
            continue
        groups.append((one.canonical_name, listed))
        for file in listed:
            script = f"{scriptdirname}/{file.filename}"
            waits.setdefault(one.canonical_name, set()).update(one.order(script, "After"))
            for other in one.order(script, "Before"):
                waits.setdefault(other, set()).add(one.canonical_name)
    done: set[str] = set()
    while groups:
        present = {name for name, _ in groups}
        ready = next((group for group in groups if not (waits.get(group[0], set()) & present - {group[0]})), groups[0])
        groups.remove(ready)
        done.add(ready[0])
        files += ready[1]
    return files


def list_files_with_name(filename: str) -> list[str]:
    """The host's file of this name and each extension's."""
    folders = [paths_internal.script_path, *(one.path for one in extensions.active())]
    return [path for path in (os.path.join(folder, filename) for folder in folders) if os.path.isfile(path)]


def _register_classes(module, file: ScriptFile) -> None:
    from modules import scripts_postprocessing

    for script_class in list(vars(module).values()):
        if not inspect.isclass(script_class):
            continue
        data = ScriptClassData(script_class, file.path, file.basedir, module)
        if issubclass(script_class, Script):
            scripts_data.append(data)
        elif issubclass(script_class, scripts_postprocessing.ScriptPostprocessing):
            postprocessing_scripts_data.append(data)


def load_scripts() -> None:
    """Execute all files anew. A1111 and SD.Next take each folder off sys.path again; the Forge family keeps all."""
    global current_basedir, scripts_txt2img, scripts_img2img, scripts_postproc
    from modules import scripts_postprocessing

    scripts_data.clear()
    postprocessing_scripts_data.clear()
    script_callbacks.clear_callbacks()
    files = list_scripts("scripts", ".py")
    if host_kind.is_forge_family():
        for file in files:
            if file.basedir != paths_internal.script_path and file.basedir not in sys.path:
                sys.path.insert(0, file.basedir)
    usual_path = sys.path
    for file in files:
        try:
            if not host_kind.is_forge_family() and file.basedir != paths_internal.script_path:
                sys.path = [file.basedir, *usual_path]
            current_basedir = file.basedir
            _register_classes(script_loading.load_module(file.path), file)
        except Exception:
            errors.report(f"Error loading script: {file.filename}", exc_info=True)
        finally:
            sys.path = usual_path
            current_basedir = paths_internal.script_path
    scripts_txt2img = ScriptRunner()
    scripts_img2img = ScriptRunner()
    scripts_postproc = scripts_postprocessing.ScriptPostprocessingRunner()
