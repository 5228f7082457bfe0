"""Builds the network that fits given weights; spandrel recognises its architecture."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models.devices import memory_refusals, move_weights, own_state

if TYPE_CHECKING:
    import spandrel
    import torch


# spandrel derives sizes from the shapes of a few weights. Where these belong to another network, nearly any of these
# errors follows.
_MISFITS = (LookupError, RuntimeError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError)


@own_state()
def build(
    state: dict[str, torch.Tensor], name: str, device: torch.device
) -> spandrel.ImageModelDescriptor[torch.nn.Module]:
    """Build the network that fits the names of the weights, load them, and move it to the device, in eval mode.

    state: tensors by the names of the official network, of the shapes that it has. name: the file's, for errors.
    Raises: WeightsUnknown where no architecture fits, or where it needs a mask beside the picture; OutOfMemory;
    DeviceFailed.
    """
    registry = _registry()
    import spandrel
    import torch

    try:
        # Building a network draws its first weights at random; the host's generator must not notice.
        with torch.random.fork_rng(devices=[]), memory_refusals(name, "cpu"):
            model = registry.load(dict(state))
    except (spandrel.UnsupportedModelError, *_MISFITS) as error:
        raise WeightsUnknown(name, "fits no known network.", tuple(state)) from error
    if not isinstance(model, spandrel.ImageModelDescriptor):
        raise WeightsUnknown(name, "is a network that needs a mask beside the picture.", tuple(state))
    move_weights(name, model, "cpu", device)
    return model.eval()


def architecture_of(names: Iterable[str]) -> str:
    """spandrel's id of the architecture that has weights of these names; "" where none fits."""
    registry = _registry()
    import spandrel

    state = spandrel.canonicalize_state_dict(dict.fromkeys(names))
    fitting = (arch.architecture.id for arch in registry.architectures("detection") if arch.detect(state))
    return str(next(fitting, ""))


@functools.cache
def _registry() -> spandrel.ArchRegistry:
    """spandrel's architectures and its extra ones, in a copy of its registry, which the host uses too."""
    with warnings.catch_warnings():
        # Two of spandrel's architectures use torch.jit.script, which newer versions of torch warn about on import.
        warnings.simplefilter("ignore", FutureWarning)
        import spandrel
        import spandrel_extra_arches

    registry = spandrel.MAIN_REGISTRY.copy()
    registry.add(*(arch for arch in spandrel_extra_arches.EXTRA_REGISTRY if arch.architecture.id not in registry))
    return registry
