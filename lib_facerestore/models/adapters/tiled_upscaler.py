"""ESRGAN-like networks and plain Lanczos behind the upscaler port: channels, sizes, memory, precision, checkpoints."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lib_facerestore.engine.data import FloatPixels, ModelUsed, Pixels
from lib_facerestore.engine.ports import MAX_CONTEXT_PX, Progress, UpscaledPixels
from lib_facerestore.engine.upscaling import resize_rows, tiles
from lib_facerestore.errors import InferenceFailed, OutOfMemory, SettingsError, WeightsUnknown
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.networks import inference, move_weights, own_state

if TYPE_CHECKING:
    import spandrel
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]

# Peak activations of float32 in bytes by architecture, for each px that the network sees and each px that it gives,
# measured at ×4 on a CPU (growth of ru_maxrss): for each px in, x4plus with its tail in bands took 2,300 at 400×512 px
# and 2,800 at 192×192, animevideov3 1,500. An ESRGAN trunk works at the size of the input, whatever the factor.
_BYTES_PER_PX = {"ESRGAN": (2_300, 36), "Compact": (0, 100)}
_BYTES_PER_PX_UNKNOWN = (0, 1_500)
# A network of factor 1 or 2 still holds its features at the size it works in.
_LEAST_OUTPUT_PX_PER_PX = 4
# A constant and not what happens to be free, so that the same picture gives the same bytes on the same machine.
CPU_BUDGET_BYTES = 2 << 30
# The rest is left to the host, and to what the allocator cannot use in one piece.
_CUDA_SHARE = 0.7
# Larger tiles and batches gain nothing once the device is full, and a stop has to wait for them.
_MAX_AREA_PX = 1 << 20
_MAX_BATCH = 8
# Core side of the smallest tile that is tried before the next device.
_FLOOR_CORE_PX = 32
# Architectures seen to run channels-last, which takes a quarter less memory (x4plus) or is up to 3× faster (Compact);
# some published networks use .view and fail on it.
_CHANNELS_LAST = frozenset({"ESRGAN", "Compact"})


@dataclass(frozen=True)
class Rung:
    """One way to run: at most `area_px` pixels (height × width) in a tile, `batch` tiles at once, on `device`."""

    device: str
    area_px: int
    batch: int


class TiledUpscaler:
    """A network of any factor, run over tiles; it takes and gives RGB, RGBA or grey in [0, 1].

    first: where to start instead of what the device's free memory allows. dtype: what the weights are in.
    Grey networks see the three channels one after the other; RGBA networks see an opaque picture.
    Raises: WeightsUnknown for networks of other channels.
    """

    @own_state()
    def __init__(
        self, spec: ModelSpec, sha256: str, model: Model, device: torch.device, first: Rung | None = None
    ) -> None:
        from lib_facerestore.models.networks.banded_tail import band_tail

        channels = (model.input_channels, model.output_channels)
        if channels not in ((3, 3), (1, 1), (4, 4)):
            problem = f"takes {channels[0]} and gives {channels[1]} channels; an upscaler needs 3 and 3, 1 and 1 or 4"
            raise WeightsUnknown(spec.name, f"{problem} and 4.")
        self.used = ModelUsed("upscaler", spec.name, sha256)
        self.scale: int = model.scale
        band_tail(model)
        self._model, self._device, self._first = model, device, first
        self._context_px = spec.context_px

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """See `engine.ports.Upscaler`."""
        return self.upscale_to(pixels, (pixels.shape[0] * self.scale, pixels.shape[1] * self.scale), progress)

    def upscale_to(self, pixels: Pixels, size_hw: tuple[int, int], progress: Progress) -> UpscaledPixels:
        """See `engine.ports.SizedUpscaler`. Out of memory retries smaller, then on the CPU, and says so.

        The first batch decides: all tiles are equal, so a later one needs no more than it did.
        """
        context = self._context()
        multiple = max(1, self._model.size_requirements.multiple_of)
        warnings: list[str] = []
        rungs = list(ladder(self._start((int(pixels.shape[0]), int(pixels.shape[1]))), context))
        for rung, below in zip(rungs, [*rungs[1:], None]):
            plan = tiles.plan((pixels.shape[0], pixels.shape[1]), rung.area_px, context, multiple)
            try:
                result = self._run(pixels, plan, rung, size_hw, progress, warnings)
            except OutOfMemory:
                if below is None:
                    raise
                warnings.append(_out_of_memory(rung, below))
                _empty_cache(rung.device)
                continue
            return UpscaledPixels(result, len(plan), rung.device, tuple(warnings))
        raise AssertionError("a ladder has at least one rung")

    def move(self, device: torch.device) -> None:
        """Take the weights to another device; the next call starts there.

        Raises: OutOfMemory.
        """
        self._device = device
        self._move(str(device))

    def _run(
        self,
        pixels: Pixels,
        plan: tuple[tiles.Tile, ...],
        rung: Rung,
        size_hw: tuple[int, int],
        progress: Progress,
        warnings: list[str],
    ) -> Pixels:
        """All tiles on the rung's device, resized as they come; afterwards the network is where it was, if it can."""
        own_hw = pixels.shape[0] * self.scale, pixels.shape[1] * self.scale

        def call(batch: FloatPixels) -> FloatPixels:
            output = self._forward(batch, rung.device)
            for index in range(len(batch)):
                if not np.isfinite(output[index]).all():
                    output[index] = self._repeat(batch[index : index + 1], rung.device, warnings)[0]
            return output

        self._move(rung.device)
        try:
            return resize_rows(tiles.run(pixels, plan, self.scale, rung.batch, call, progress), own_hw, size_hw)
        finally:
            # Where there is no room for it any more, it stays; the next rung that wants it there asks again.
            with contextlib.suppress(OutOfMemory):
                self._move(str(self._device))

    def _repeat(self, tile: FloatPixels, device: str, warnings: list[str]) -> FloatPixels:
        """One tile again in float32.

        Raises: InferenceFailed when it still holds values that are not numbers.
        """
        import torch

        dtype = self._model.dtype
        with own_state():
            self._model.model.to(dtype=torch.float32)
            try:
                output = self._forward(tile, device)
            finally:
                self._model.model.to(dtype=dtype)
        if not np.isfinite(output).all():
            raise InferenceFailed(self.used.name, "a tile came out with values that are not numbers, in float32 too")
        warnings.append(f"{self.used.name} gave values that are not numbers in a tile; it was repeated in float32.")
        return output

    def _forward(self, batch: FloatPixels, device: str) -> FloatPixels:
        """(B, h, w, 3) → (B, h·scale, w·scale, 3), float32, not clipped: clipping would hide infinities."""
        import torch

        height, width = batch.shape[1:3]
        columns, rows = self._model.size_requirements.get_padding(width, height)
        # NumPy's reflection goes on where the padding is larger than the picture; torch's refuses.
        padded = np.pad(batch, ((0, 0), (0, rows), (0, columns), (0, 0)), "reflect") if rows or columns else batch
        with inference(self.used.name, torch.device(device)):
            pixels = torch.from_numpy(padded).permute(0, 3, 1, 2).to(device, self._model.dtype)
            if self._model.architecture.id in _CHANNELS_LAST and pixels.device.type == "cpu":
                pixels = pixels.contiguous(memory_format=torch.channels_last)
            output = self._call(pixels).float().permute(0, 2, 3, 1).cpu().numpy()
        cut: FloatPixels = output[:, : height * self.scale, : width * self.scale]
        return cut

    def _call(self, pixels: torch.Tensor) -> torch.Tensor:
        """The network on (B, 3, h, w), with as many channels as it takes.

        The descriptor's own call clips, and so would hide an overflow; its call_fn is the same call without.
        """
        import torch

        network = self._model.model
        call_fn: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor] = self._model._call_fn
        channels = self._model.input_channels
        if channels == 1:
            count, _, height, width = pixels.shape
            grey = call_fn(network, pixels.reshape(count * 3, 1, height, width))
            return grey.reshape(count, 3, *grey.shape[2:])
        if channels == 4:
            return call_fn(network, torch.cat([pixels, torch.ones_like(pixels[:, :1])], 1))[:, :3]
        return call_fn(network, pixels)

    def _context(self) -> int:
        """The catalogue's context, else measured at the first use; the largest where there is no memory to measure."""
        if self._context_px <= 0:
            try:
                self._context_px = measure_context(self._model)
            except OutOfMemory:
                return MAX_CONTEXT_PX
        return self._context_px

    def _start(self, size_hw: tuple[int, int]) -> Rung:
        """The first rung: what was given, else what the device's memory allows; never more than the picture."""
        first = self._first or first_rung(str(self._device), self._bytes_per_px())
        return Rung(first.device, min(first.area_px, size_hw[0] * size_hw[1]), first.batch)

    def _bytes_per_px(self) -> int:
        seen, given = _BYTES_PER_PX.get(str(self._model.architecture.id), _BYTES_PER_PX_UNKNOWN)
        per_px = seen + given * max(self.scale**2, _LEAST_OUTPUT_PX_PER_PX)
        return per_px * int(self._model.dtype.itemsize) // 4

    def _move(self, device: str) -> None:
        if str(self._model.device) != device:
            move_weights(self.used.name, self._model, self._model.device, device)


class LanczosUpscaler:
    """Plain Lanczos: nothing to do here, because the exact resize that follows every upscaler is a Lanczos resize."""

    used = ModelUsed("upscaler", "Lanczos", "")
    scale = 1

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """The pixels as they are."""
        progress.check()
        return UpscaledPixels(pixels, 0, "cpu")


def first_rung(device: str, bytes_per_px: int) -> Rung:
    """Tile area and batch that the free memory of the device allows, at that many activation bytes for each px in."""
    import torch

    if not device.startswith("cuda"):
        # One tile that takes all: on a CPU two small tiles at once are no faster than one after the other.
        return Rung(device, max(1, CPU_BUDGET_BYTES // bytes_per_px), 1)
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    affordable = max(1, int((free + unused) * _CUDA_SHARE) // bytes_per_px)
    area = min(affordable, _MAX_AREA_PX)
    return Rung(device, area, min(affordable // area, _MAX_BATCH))


def ladder(first: Rung, context_px: int) -> Iterator[Rung]:
    """What to try in turn when memory is refused: half the batch down to 1, half the area down to a floor, the CPU."""
    floor = (2 * context_px + _FLOOR_CORE_PX) ** 2
    device, area, batch = first.device, first.area_px, first.batch
    while True:
        yield Rung(device, area, batch)
        if batch > 1:
            batch //= 2
        elif area > floor:
            area = max(area // 2, floor)
        elif device != "cpu":
            device, area = "cpu", min(first.area_px, _MAX_AREA_PX // 4)
        else:
            return


def measure_context(model: Model) -> int:
    """Context in px that this network needs, a multiple of 4, at most 128: how far a cut edge changes its output.

    Runs a picture and the same picture with its left part cut off, as tiles do, and looks how far from the cut the
    outputs differ by more than half a level of 8 bits. The picture is noise over soft shapes, the same every time.
    """
    import torch

    # 64 px: a multiple of every size requirement in spandrel, so that the cut does not move a network's windows.
    cut, height, width = 64, 64, 64 + MAX_CONTEXT_PX + 64
    with inference(type(model.model).__name__, model.device):
        generator = torch.Generator().manual_seed(0)
        soft = torch.rand(1, model.input_channels, 8, 32, generator=generator)
        noise = torch.rand(1, model.input_channels, height, width, generator=generator)
        patch = 0.75 * torch.nn.functional.interpolate(soft, (height, width), mode="bilinear") + 0.25 * noise
        patch = patch.to(model.device, model.dtype)
        whole, part = model(patch)[..., cut * model.scale :], model(patch[..., cut:].contiguous())
        change = (whole - part).float().abs().amax((0, 1, 2)).cpu().numpy()
    differing = np.flatnonzero(change > 0.5 / np.iinfo(np.uint8).max)
    reach = 0 if differing.size == 0 else math.ceil((int(differing[-1]) + 1) / model.scale)
    return min(MAX_CONTEXT_PX, -(-reach // 4) * 4)


def interpolate(state_a: StateDict, state_b: StateDict, weight: float) -> StateDict:
    """Deep network interpolation: weight·a + (1 − weight)·b of two checkpoints of one network, in float32.

    Raises: SettingsError when weight is outside [0, 1]; WeightsUnknown when keys or shapes differ.
    Source: Wang et al., Deep Network Interpolation, CVPR 2019; direction as Real-ESRGAN's general-x4v3 (denoise).
    """
    if not 0.0 <= weight <= 1.0:
        raise SettingsError("denoise", weight, "a number from 0 to 1")
    shapes_a, shapes_b = ({key: tuple(value.shape) for key, value in s.items()} for s in (state_a, state_b))
    if shapes_a != shapes_b:
        differing = sorted(key for key in shapes_a.keys() | shapes_b if shapes_a.get(key) != shapes_b.get(key))
        problem = f"differ in {len(differing)} weights, so they are not the same network and cannot be mixed."
        raise WeightsUnknown("The two checkpoints", problem, tuple(differing))
    return {key: weight * a.float() + (1.0 - weight) * state_b[key].float() for key, a in state_a.items()}


def _out_of_memory(rung: Rung, below: Rung) -> str:
    """What was refused and what is tried now."""
    side, side_below = round(math.sqrt(rung.area_px)), round(math.sqrt(below.area_px))
    tried = f"{rung.device} had no memory for {rung.batch} × {side}² px at once"
    return f"{tried}; went on with {below.batch} × {side_below}² px on {below.device}."


def _empty_cache(device: str) -> None:
    """Give the allocator's unused blocks back, which may be what is missing in one piece."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
