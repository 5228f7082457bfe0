"""A model's row to the adapter that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_facerestore.engine.ports import Detector, Parser, Restorer, Upscaler
from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models import weights
from lib_facerestore.models.spec import ModelSpec
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.runtime import Runtime

if TYPE_CHECKING:
    import torch


def load_detector(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Detector, FoundWeights]:
    """RetinaFace of either size.

    Raises: WeightsError.
    """
    from lib_facerestore.models.detectors import RetinaFaceDetector

    found = weights.need(spec, runtime)
    state = weights.load(found, runtime)
    try:
        return RetinaFaceDetector(spec, found.sha256, state, device), found
    except RuntimeError as error:  # torch's word for keys or shapes that do not fit
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


def load_parser(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Parser, FoundWeights]:
    """ParseNet or BiSeNet.

    Raises: WeightsError.
    """
    from lib_facerestore.models.parsers import FaceParser

    found = weights.need(spec, runtime)
    state = weights.load(found, runtime)
    kind = "bisenet" if spec.family == "bisenet" else "parsenet"
    try:
        return FaceParser(kind, spec.name, found.sha256, state, device), found  # type: ignore[arg-type]
    except RuntimeError as error:
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


def load_restorer(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Restorer, FoundWeights]:
    """A face network, or an upscaler that restores faces.

    Raises: WeightsError.
    """
    from lib_facerestore.models import networks
    from lib_facerestore.models.restorers import restorer_for

    found = weights.need(spec, runtime)
    model = networks.build(weights.load(found, runtime), found.path.name, device)
    return restorer_for(spec.name, found.sha256, model, device), found


def load_upscaler(
    spec: ModelSpec, twin: ModelSpec | None, denoise: float, runtime: Runtime, device: torch.device
) -> tuple[Upscaler, FoundWeights]:
    """An ESRGAN-like network; with a twin, both checkpoints mixed: denoise·spec + (1 − denoise)·twin.

    Raises: WeightsError.
    """
    from lib_facerestore.models import networks
    from lib_facerestore.models.upscalers import TiledUpscaler, interpolate

    found = weights.need(spec, runtime)
    state = weights.load(found, runtime)
    if twin is not None and denoise < 1:
        state = interpolate(state, weights.load(weights.need(twin, runtime), runtime), denoise)
    return TiledUpscaler(spec, found.sha256, networks.build(state, found.path.name, device), device), found
