"""Networks as torch modules: built from tensors, moved between devices, run in a precision. Knows no ports."""

from lib_facerestore.models.networks import devices
from lib_facerestore.models.networks.architectures import architecture_of, build
from lib_facerestore.models.networks.devices import OnDevice, inference, memory_refusals, move_weights, own_state

# Four modules that import torch at once are public as modules; other rooms import them inside functions.
__all__ = [
    "OnDevice",
    "architecture_of",
    "banded_tail",
    "build",
    "devices",
    "folded_parsenet",
    "inference",
    "memory_refusals",
    "modulated",
    "move_weights",
    "own_state",
    "programs",
]
