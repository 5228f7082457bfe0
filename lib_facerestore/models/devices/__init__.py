"""Devices: which one a name means, what each kind can do, how networks move and run there, and what its errors mean."""

from lib_facerestore.models.devices.choice import torch_device
from lib_facerestore.models.devices.description import described
from lib_facerestore.models.devices.memory import empty_cache, free_bytes, most_at_once, most_faces
from lib_facerestore.models.devices.on_device import FallsBack, OnDevice, move_weights
from lib_facerestore.models.devices.rules import rules_for
from lib_facerestore.models.devices.running import device_errors, inference, is_out_of_memory, memory_refusals
from lib_facerestore.models.devices.torch_state import own_state

__all__ = [
    "FallsBack",
    "OnDevice",
    "described",
    "device_errors",
    "empty_cache",
    "free_bytes",
    "inference",
    "is_out_of_memory",
    "memory_refusals",
    "most_at_once",
    "most_faces",
    "move_weights",
    "own_state",
    "rules_for",
    "torch_device",
]
