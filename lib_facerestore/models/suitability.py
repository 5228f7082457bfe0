"""Tells whether a file of weights can play the roles it is listed for, by building its network without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models import onnx_models
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.runtime import Runtime

if TYPE_CHECKING:
    import spandrel
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]


def roles_of(found: FoundWeights, runtime: Runtime) -> dict[Kind, WeightsUnknown | None]:
    """The roles that a file is listed for, each with None where it can play it, else with the reason.

    At least one role can be played. An ONNX file is opened by the runtime that is installed.
    Raises: RuntimeMissing where none is; WeightsDamaged or WeightsUnknown where the file can play none; OutOfMemory.
    """
    import torch

    from lib_facerestore.models import loading, networks
    from lib_facerestore.models.checkpoints import read_checkpoint

    cpu = torch.device("cpu")
    if onnx_models.is_onnx(found.path):
        loading.onnx_restorer_of(found, onnx_models.describe(found.path), runtime, cpu)
        return dict.fromkeys(found.spec.kinds)
    state = read_checkpoint(found.path)
    _check_finite(found, state)
    kinds = found.spec.kinds
    if kinds == ("detector",):
        loading.detector_of(found, state, cpu)
    elif kinds == ("parser",):
        loading.parser_of(found, state, cpu)
    elif set(kinds) <= {"restorer", "upscaler"}:
        return _roles(found, networks.build(state, found.path.name, cpu), runtime, cpu)
    return dict.fromkeys(kinds)


def _roles(
    found: FoundWeights, model: Model, runtime: Runtime, device: torch.device
) -> dict[Kind, WeightsUnknown | None]:
    """The roles of an upscaler or restorer; see `roles_of`. Raises: the first reason where it can play none."""
    from lib_facerestore.models import loading

    roles: dict[Kind, WeightsUnknown | None] = dict.fromkeys(found.spec.kinds)
    for kind in roles:
        try:
            if kind == "upscaler":
                loading.upscaler_of(found, model, device)
            else:
                loading.restorer_of(found, model, runtime, device)
        except WeightsUnknown as error:
            roles[kind] = error
    reasons = [reason for reason in roles.values() if reason is not None]
    if len(reasons) == len(roles):
        raise reasons[0]
    return roles


def _check_finite(found: FoundWeights, state: StateDict) -> None:
    """Refuse weights that are not finite: a single one makes every picture black or empty. Raises: WeightsDamaged."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise WeightsDamaged(found.path, f"its weight {name} holds values that are not numbers", "numbers")
