"""How much memory a device has, and how much one array may take. Nothing here raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_facerestore.models.devices.kinds import answer, module_of
from lib_facerestore.models.devices.rules import rules_for

if TYPE_CHECKING:
    import torch

# The largest array of a face network, for each face: the features of GFPGAN, CodeFormer and RestoreFormer that are
# enlarged last, 128 channels of 512×512 px in float32.
FACE_BYTES = 128 * 512 * 512 * 4


def free_bytes(device: torch.device) -> int | None:
    """What networks may still take on a device, with what torch keeps there unused; None where nobody tells.

    That is so on the CPU, where the machine's own memory counts, on DirectML and on devices of other packages.
    """
    import torch

    if device.type == "mps":
        taken = answer(lambda: int(torch.mps.current_allocated_memory()), 0)
        total = total_bytes(device)
        return None if total is None else total - taken
    if device.type not in ("cuda", "xpu"):
        return None
    module = module_of(device.type)
    reserved = answer(lambda: int(module.memory_reserved(device)), 0)
    unused = reserved - answer(lambda: int(module.memory_allocated(device)), reserved)
    free = answer(lambda: int(module.mem_get_info(device)[0]), None)
    if free is None:
        # Some drivers of Intel's GPUs do not tell what is free; then it is all that this process has not taken.
        total = total_bytes(device)
        free = None if total is None else total - reserved
    return None if free is None else free + unused


def total_bytes(device: torch.device) -> int | None:
    """All memory of a device; None where nobody tells."""
    import torch

    if device.type == "mps":
        return answer(lambda: int(torch.mps.recommended_max_memory()), None)
    if device.type not in ("cuda", "xpu"):
        return None
    return answer(lambda: int(module_of(device.type).get_device_properties(device).total_memory), None)


def empty_cache(device: torch.device | str) -> None:
    """Give the unused blocks of torch's allocator back to the device; they may be what is missing in one piece."""
    import torch

    kind = torch.device(device).type
    if kind in ("cuda", "xpu", "mps"):
        answer(lambda: module_of(kind).empty_cache(), None)


def most_at_once(device: torch.device, wanted: int, array_bytes: int) -> int:
    """How many inputs a network may get at once, so that the device takes its largest array: up to `wanted`.

    array_bytes: what one input adds to that array. The result is 0 where the device does not take even one.
    """
    limit = rules_for(device).block_bytes
    return wanted if limit is None else min(wanted, limit // array_bytes)


def most_faces(device: torch.device, wanted: int) -> int:
    """How many faces a face network may get at once; see `most_at_once`."""
    return most_at_once(device, wanted, FACE_BYTES)
