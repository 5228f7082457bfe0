"""Makes the adapter that runs a model: finds its weights, builds its network, wraps it for the engine's port."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from lib_facerestore.engine.ports import Detector, Parser, Restorer, Upscaler
from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models import onnx_models, weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.checkpoints import interpolate
from lib_facerestore.models.devices import memory_refusals, own_state
from lib_facerestore.models.executors import STOCK, HowToRun
from lib_facerestore.models.onnx_models import OnnxFile
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.runtime import Runtime

Aside: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Makes a context that is entered while a host's code runs."""

if TYPE_CHECKING:
    import spandrel
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]


@runtime_checkable
class RunsAsWanted(Protocol):
    """An adapter whose network may run in several ways."""

    def run_as(self, how: HowToRun) -> None:
        """What is wanted of the next calls."""


@runtime_checkable
class Preparable(Protocol):
    """A restorer that can be compiled before its first use."""

    def prepare(self) -> tuple[str, ...]:
        """Compile it, and give a sentence on each graph. Raises: OutOfMemory; InferenceFailed."""


@own_state()
def load_detector(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Detector, FoundWeights]:
    """Load a RetinaFace detector; the result also says which file of weights was used.

    Raises: WeightsError; OutOfMemory.
    """
    found, state = weights.resolve_and_load(spec, runtime)
    return detector_of(found, state, device), found


def detector_of(found: FoundWeights, state: StateDict, device: torch.device) -> Detector:
    """Make the detector of the found row from its tensors.

    Raises: WeightsUnknown where the tensors belong to another network; OutOfMemory.
    """
    from lib_facerestore.models.detection import RetinaFaceDetector

    spec = found.spec
    try:
        with memory_refusals(spec.name, device):
            return RetinaFaceDetector(spec, found.sha256, state, device)
    except RuntimeError as error:  # raised by torch for names or shapes that do not fit
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


@own_state()
def load_parser(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Parser, FoundWeights]:
    """Load a face parser, ParseNet or BiSeNet; the result also says which file of weights was used.

    Raises: WeightsError; OutOfMemory.
    """
    found, state = weights.resolve_and_load(spec, runtime)
    return parser_of(found, state, device), found


def parser_of(found: FoundWeights, state: StateDict, device: torch.device) -> Parser:
    """Make the parser of the found row from its tensors.

    Raises: WeightsUnknown where the tensors belong to another network; OutOfMemory.
    """
    from lib_facerestore.models.adapters import FaceParser

    spec = found.spec
    try:
        with memory_refusals(spec.name, device):
            return FaceParser(spec.family, spec.name, found.sha256, state, device)
    except RuntimeError as error:
        raise WeightsUnknown(found.path, f"is no {spec.name}.", tuple(state)) from error


@own_state()
def load_restorer(spec: ModelSpec, runtime: Runtime, device: torch.device) -> tuple[Restorer, FoundWeights]:
    """Load a restorer: a face network, or an upscaler that restores faces; and say which file of weights was used.

    A face network may be an ONNX file.

    Raises: WeightsError; OutOfMemory.
    """
    from lib_facerestore.models import networks

    if onnx_models.is_onnx(weights.resolve(spec, runtime).path):
        return onnx_restorer_of(*weights.resolve_and_describe(spec, runtime), runtime, device)
    found, state = weights.resolve_and_load(spec, runtime)
    return restorer_of(found, networks.build(state, found.path.name, device), runtime, device), found


def onnx_restorer_of(
    found: FoundWeights, file: OnnxFile, runtime: Runtime, device: torch.device
) -> tuple[Restorer, FoundWeights]:
    """Make the restorer of a checked ONNX file; the notice of the result also says where it cannot run as wanted.

    Raises: RuntimeMissing where nothing is installed that runs it; WeightsUnknown; WeightsDamaged; OutOfMemory.
    """
    from lib_facerestore.models.adapters import OnnxRestorer

    restorer = OnnxRestorer(found.spec.name, found.sha256, found.path, file, device, how_to_run(runtime))
    return restorer, dataclasses.replace(found, notice=f"{found.notice} {restorer.notice}".strip())


def restorer_of(found: FoundWeights, model: Model, runtime: Runtime, device: torch.device) -> Restorer:
    """Make a restorer of a network that is built already.

    Raises: WeightsUnknown where it cannot be one.
    """
    from lib_facerestore.models.adapters import restorer_for

    return restorer_for(found.spec.name, found.sha256, model, device, how_to_run(runtime))


def how_to_run(runtime: Runtime) -> HowToRun:
    """What the runtime wants of the networks' executors."""
    return HowToRun(runtime.precision, runtime.executor, runtime.cache_folder)


@own_state()
def load_upscaler(
    spec: ModelSpec, dni_partner: ModelSpec | None, denoise: float, runtime: Runtime, device: torch.device
) -> tuple[Upscaler, FoundWeights]:
    """Load an upscaling network; the result also says which file of weights was used.

    With a DNI partner the weights of both checkpoints are mixed: denoise·spec + (1 − denoise)·partner.

    Raises: WeightsError; OutOfMemory.
    """
    from lib_facerestore.models import networks

    found, state = weights.resolve_and_load(spec, runtime)
    mix = ""
    if dni_partner is not None and denoise < 1:
        partner_found, partner_state = weights.resolve_and_load(dni_partner, runtime)
        state = interpolate(state, partner_state, denoise)
        mix = f"{denoise!r} {partner_found.sha256}"
        found = dataclasses.replace(found, notice=f"{found.notice} {partner_found.notice}".strip())
    how = how_to_run(runtime)
    return upscaler_of(found, networks.build(state, found.path.name, device), device, how, mix), found


def upscaler_of(
    found: FoundWeights, model: Model, device: torch.device, how: HowToRun = STOCK, mix: str = ""
) -> Upscaler:
    """Make an upscaler of whole pictures of a network that is built already. mix: names what its weights are mixed of.

    Raises: WeightsUnknown where it cannot be one.
    """
    from lib_facerestore.models.adapters import TiledUpscaler

    if model.purpose == "FaceSR":  # it takes one aligned face of 512 px, and would draw faces into every tile
        raise WeightsUnknown(found.spec.name, "restores aligned faces; an upscaler takes pictures of any size.")
    return TiledUpscaler(found.spec, found.sha256, model, device, how=how, mix=mix)


def load_other_upscaler(name: str, runtime: Runtime, aside: Aside = nullcontext) -> Upscaler:
    """Make the adapter of an upscaler that the host runs; the host loads it at its first use.

    name: the host's name of the upscaler. aside: makes the context that is entered while the host works.
    Raises: WeightsDamaged where its file cannot be read.
    """
    from lib_facerestore.models.adapters import OtherUpscaler

    file = runtime.other_upscalers.file(name)
    sha256 = "" if file is None else weights.sha256_of_file(file, runtime)
    return OtherUpscaler(name, sha256, runtime.other_upscalers, runtime.other_upscalers.device(), aside)


def lanczos() -> Upscaler:
    """Make the plain Lanczos resize as an upscaler, so that it can be mixed with another one."""
    from lib_facerestore.models.adapters import LanczosUpscaler

    return LanczosUpscaler()
