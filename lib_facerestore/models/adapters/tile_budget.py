"""How much of a picture an upscaling network gets at once, and what is tried next when a device refuses the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lib_facerestore.models.devices import free_bytes, rules_for

# Peak activations of float32 in bytes by architecture, for each px that the network sees and each px that it gives,
# measured at ×4 on a CPU (growth of ru_maxrss): for each px in, x4plus with its tail in bands took 2,300 at 400×512 px
# and 2,800 at 192×192, animevideov3 1,500. An ESRGAN trunk works at the size of the input, whatever the factor.
_BYTES_PER_PX = {"ESRGAN": (2_300, 36), "Compact": (0, 100)}
_BYTES_PER_PX_UNKNOWN = (0, 1_500)
# The same for the largest single array: an ESRGAN's last convolution of a dense block sees 192 channels, a Compact's
# features have 64, and each channel of float32 has 4 bytes.
_ARRAY_BYTES_PER_PX = {"ESRGAN": 192 * 4, "Compact": 64 * 4}
# A network of factor 1 or 2 still holds its features at the size it works in.
_LEAST_OUTPUT_PX_PER_PX = 4
# A constant and not what happens to be free, so that the same picture gives the same bytes on the same machine. It also
# holds for devices that do not tell what is free.
CPU_BUDGET_BYTES = 2 << 30
# The rest is left to the host, and to what the allocator cannot use in one piece.
_SHARE = 0.7
# Larger tiles and batches gain nothing once the device is full, and a stop has to wait for them.
_MAX_AREA_PX = 1 << 20
_MAX_BATCH = 8
# Core side of the smallest tile that is tried before the next device.
_FLOOR_CORE_PX = 32


@dataclass(frozen=True)
class TileBudget:
    """What one call of an upscaling network may take."""

    device: str
    """The device that the network runs on, as torch writes it: "cpu", "cuda:0"."""
    area_px: int
    """Largest area of one tile with its context: height × width in px of the picture."""
    batch: int
    """Tiles that run at once."""


def bytes_per_px(architecture: str, scale: int, item_bytes: int) -> int:
    """Bytes of activations that a network needs for each px of its input.

    architecture: spandrel's id. scale: output px per input px along one side. item_bytes: size of one number, 4 for
    float32.
    """
    seen, given = _BYTES_PER_PX.get(architecture, _BYTES_PER_PX_UNKNOWN)
    per_px = seen + given * max(scale**2, _LEAST_OUTPUT_PX_PER_PX)
    return per_px * item_bytes // 4


def array_bytes_per_px(architecture: str, scale: int, item_bytes: int) -> int:
    """Bytes of the largest single array that a network makes, for each px of its input; at most `bytes_per_px`.

    Of an architecture that was not looked into, all activations together are the bound. Arguments: see `bytes_per_px`.
    """
    trunk = _ARRAY_BYTES_PER_PX.get(architecture)
    if trunk is None:
        return bytes_per_px(architecture, scale, item_bytes)
    return max(trunk, 3 * 4 * scale**2) * item_bytes // 4


def first_budget(device: str, px_bytes: int, array_px_bytes: int | None = None) -> TileBudget:
    """The budget that the device's free memory allows; a constant amount on a CPU, and where nobody tells what is free.

    px_bytes: activations for each px of the input, see `bytes_per_px`. array_px_bytes: the part of them that lies in
    one array, see `array_bytes_per_px`; None for all of them.
    """
    import torch

    where = torch.device(device)
    free, limit = free_bytes(where), rules_for(where).block_bytes
    affordable = CPU_BUDGET_BYTES // px_bytes if free is None else int(free * _SHARE) // px_bytes
    if limit is not None:
        affordable = min(affordable, limit // (array_px_bytes or px_bytes))
    affordable = max(1, affordable)
    if free is None:
        # One tile that takes all: on a CPU two small tiles at once are no faster than one after the other.
        return TileBudget(device, affordable, 1)
    area = min(affordable, _MAX_AREA_PX)
    return TileBudget(device, area, min(affordable // area, _MAX_BATCH))


def fallback_steps(first: TileBudget, context_px: int) -> Iterator[TileBudget]:
    """The budgets to try in turn while a device refuses the memory; the first one is `first` itself.

    The batch is halved down to one tile, then the area down to a core of 32×32 px with its context. On another device
    than the CPU the CPU follows, with one tile at once and the area halved from its beginning again. context_px: px
    around a tile's core.
    """
    floor = (2 * context_px + _FLOOR_CORE_PX) ** 2
    device, area, batch = first.device, first.area_px, first.batch
    while True:
        yield TileBudget(device, area, batch)
        if batch > 1:
            batch //= 2
        elif area > floor:
            area = max(area // 2, floor)
        elif device != "cpu":
            device, area = "cpu", min(first.area_px, _MAX_AREA_PX // 4)
        else:
            return


def fallback_warning(refused: TileBudget, following: TileBudget) -> str:
    """One sentence for the report: the budget that the device refused, and the one that is tried now."""
    side, side_after = round(math.sqrt(refused.area_px)), round(math.sqrt(following.area_px))
    tried = f"{refused.device} had no memory for {refused.batch} × {side}² px at once"
    return f"{tried}; went on with {following.batch} × {side_after}² px on {following.device}."
