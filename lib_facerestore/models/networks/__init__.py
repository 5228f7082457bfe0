"""Networks as torch modules: built from tensors, changed to faster forms, run in a precision. Knows no ports."""

from lib_facerestore.models.devices import OnDevice, inference, memory_refusals, move_weights, own_state
from lib_facerestore.models.networks.architectures import architecture_of, build

# Four modules that import torch at once are public as modules; other rooms import them inside functions.
__all__ = [
    "OnDevice",
    "architecture_of",
    "banded_tail",
    "build",
    "folded_parsenet",
    "inference",
    "memory_refusals",
    "modulated",
    "move_weights",
    "own_state",
    "programs",
]
