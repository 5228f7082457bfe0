"""A model's row to the adapter that runs it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.engine.ports import Detector, Parser, Restorer, Upscaler
from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models import weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.checkpoints import interpolate
from lib_facerestore.models.networks import own_state, refusals
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.runtime import Runtime

Aside: TypeAlias = Callable[[], AbstractContextManager[None]]

if TYPE_CHECKING:
    import spandrel
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]


@own_state()
def load_detector(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Detector, FoundWeights]:
    """RetinaFace of either size.

    Raises: WeightsError; OutOfMemory.
    """
    found, state = weights.resolve_and_load(spec, runtime)
    return detector_of(found, state, device), found


def detector_of(found: FoundWeights, state: StateDict, device: torch.device) -> Detector:
    """The detector with these weights.

    Raises: WeightsUnknown where they are another network's; OutOfMemory.
    """
    from lib_facerestore.models.adapters import RetinaFaceDetector

    spec = found.spec
    try:
        with refusals(spec.name, device):
            return RetinaFaceDetector(spec, found.sha256, state, device)
    except RuntimeError as error:  # torch's word for keys or shapes that do not fit
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


@own_state()
def load_parser(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Parser, FoundWeights]:
    """ParseNet or BiSeNet.

    Raises: WeightsError; OutOfMemory.
    """
    found, state = weights.resolve_and_load(spec, runtime)
    return parser_of(found, state, device), found


def parser_of(found: FoundWeights, state: StateDict, device: torch.device) -> Parser:
    """The parser with these weights.

    Raises: WeightsUnknown where they are another network's; OutOfMemory.
    """
    from lib_facerestore.models.adapters import FaceParser

    spec = found.spec
    try:
        with refusals(spec.name, device):
            return FaceParser(spec.family, spec.name, found.sha256, state, device)
    except RuntimeError as error:
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


@own_state()
def load_restorer(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Restorer, FoundWeights]:
    """A face network, or an upscaler that restores faces.

    Raises: WeightsError; OutOfMemory.
    """
    from lib_facerestore.models import networks

    found, state = weights.resolve_and_load(spec, runtime)
    return restorer_of(found, networks.build(state, found.path.name, device), runtime, device), found


def restorer_of(found: FoundWeights, model: Model, runtime: Runtime, device: torch.device) -> Restorer:
    """The network as a restorer.

    Raises: WeightsUnknown where it cannot be one.
    """
    from lib_facerestore.models.adapters import restorer_for
    from lib_facerestore.models.networks import Precision

    precision = Precision(runtime.precision, found.sha256, runtime.cache_folder)
    return restorer_for(found.spec.name, found.sha256, model, device, precision)


@own_state()
def load_upscaler(
    spec: ModelSpec, dni_partner: ModelSpec | None, denoise: float, runtime: Runtime, device: torch.device
) -> tuple[Upscaler, FoundWeights]:
    """An ESRGAN-like network; with a DNI partner, both checkpoints mixed: denoise·spec + (1 − denoise)·partner.

    Raises: WeightsError; OutOfMemory.
    """
    from lib_facerestore.models import networks

    found, state = weights.resolve_and_load(spec, runtime)
    if dni_partner is not None and denoise < 1:
        partner_found, partner_state = weights.resolve_and_load(dni_partner, runtime)
        state = interpolate(state, partner_state, denoise)
        found = dataclasses.replace(found, notice=f"{found.notice} {partner_found.notice}".strip())
    return upscaler_of(found, networks.build(state, found.path.name, device), device), found


def upscaler_of(found: FoundWeights, model: Model, device: torch.device) -> Upscaler:
    """The network as an upscaler of whole pictures.

    Raises: WeightsUnknown where it cannot be one.
    """
    from lib_facerestore.models.adapters import TiledUpscaler

    if model.purpose == "FaceSR":  # it sees one aligned face of 512 px, and would make faces of every tile
        raise WeightsUnknown(found.spec.name, "restores aligned faces; an upscaler takes pictures of any size.")
    return TiledUpscaler(found.spec, found.sha256, model, device)


def load_other_upscaler(name: str, runtime: Runtime, aside: Aside = nullcontext) -> Upscaler:
    """An upscaler that the host runs; the host loads it when it is used.

    aside: what is entered while the host works.
    Raises: WeightsDamaged where its file cannot be read.
    """
    from lib_facerestore.models.adapters import OtherUpscaler

    file = runtime.other_upscalers.file(name)
    sha256 = "" if file is None else weights.sha256_of_file(file, runtime)
    return OtherUpscaler(name, sha256, runtime.other_upscalers, runtime.device, aside)


def lanczos() -> Upscaler:
    """The plain resize as an upscaler, to be mixed with another one."""
    from lib_facerestore.models.adapters import LanczosUpscaler

    return LanczosUpscaler()
