"""Networks as torch modules: built from tensors, and changed to faster forms. Knows no ports."""

from lib_facerestore.models.networks.architectures import architecture_of, build

# Four modules that import torch at once are public as modules; other rooms import them inside functions.
__all__ = [
    "architecture_of",
    "banded_tail",
    "build",
    "folded_parsenet",
    "modulated",
    "programs",
]
