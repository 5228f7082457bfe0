"""`facerestore models` and `facerestore doctor`: what is here, what is missing, what to do."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from lib_facerestore.cli import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.errors import FaceRestoreError, WeightsError
from lib_facerestore.models import catalogue, devices, weights
from lib_facerestore.runtime import Runtime
from lib_facerestore.version import VERSION

_PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "Pillow", "safetensors", "spandrel", "facexlib")


def print_models() -> int:
    """One line for each model: name, roles, licence, size, where its weights are."""
    runtime = Runtime()
    for spec in catalogue.MODELS:
        found = weights.find(spec, runtime)
        where = str(found.path) if found else "missing"
        megabytes = f"{spec.size_bytes / 1e6:.1f} MB"
        print(f"{spec.name:38} {', '.join(spec.kinds):20} {spec.licence:14} {megabytes:>9}  {where}")
    return EXIT_DONE


def print_doctor(device: str) -> int:
    """Versions, device and every model's state; exit status 1 when something has to be done."""
    print(f"facerestore {VERSION} · Python {platform.python_version()} · {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        print(f"  {package} {_version(package)}")
    problems = _check_device(device)
    runtime = Runtime()
    print(f"converted weights are kept in {runtime.cache_folder}")
    for spec in catalogue.MODELS:
        try:
            found = weights.need(spec, runtime)
            weights.verify(found)
            print(f"  ok       {spec.name}: {found.path}")
        except WeightsError as error:
            problems.append(str(error))
            print(f"  problem  {spec.name}: {error}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return EXIT_SOME_FAILED if problems else EXIT_DONE


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
