"""ESRGAN-like networks behind the upscaler port: a picture in tiles, channels, sizes, devices that refuse memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lib_facerestore.engine.data import FloatPixels, ModelUsed, Pixels
from lib_facerestore.engine.ports import MAX_CONTEXT_PX, Progress, UpscaledPixels
from lib_facerestore.engine.upscaling import resize_rows, tiles
from lib_facerestore.errors import DeviceFailed, InferenceFailed, OutOfMemory, WeightsUnknown
from lib_facerestore.models.adapters.tile_budget import (
    TileBudget,
    array_bytes_per_px,
    bytes_per_px,
    fallback_steps,
    fallback_warning,
    first_budget,
)
from lib_facerestore.models.adapters.tile_context import measure_context
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.devices import device_errors, empty_cache, inference, move_weights, own_state
from lib_facerestore.models.executors import STOCK, HowToRun, Program, Runner, Tensors

if TYPE_CHECKING:
    import spandrel
    import torch

    Model: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]

# Architectures seen to run channels-last, which takes a quarter less memory (x4plus) or is up to 3× faster (Compact);
# some published networks use .view and fail on it.
_CHANNELS_LAST = frozenset({"ESRGAN", "Compact"})


class TiledUpscaler:
    """An upscaling network of any factor, run over the tiles of a picture.

    Pictures are RGB. A network of one channel gets the red, green and blue plane as three grey pictures; a network of
    four channels gets the colours with an opaque alpha, and its alpha is dropped.
    """

    @own_state()
    def __init__(
        self,
        spec: ModelSpec,
        sha256: str,
        model: Model,
        device: torch.device,
        first: TileBudget | None = None,
        how: HowToRun = STOCK,
        mix: str = "",
    ) -> None:
        """Take over a network; the tail of an ESRGAN is changed in place to run in bands of rows.

        spec, sha256: the catalogue's row and the hash of the weights, for the report. device: where calls start.
        first: the budget to start with; None stands for what the device's free memory allows. how: what runs it. mix:
        names what is mixed into the weights.
        Raises: WeightsUnknown where the network does not take and give 1, 3 or 4 channels.
        """
        from lib_facerestore.models.networks.banded_tail import band_tail
        from lib_facerestore.models.networks.programs import RgbUpscaler

        channels = (model.input_channels, model.output_channels)
        if channels not in ((3, 3), (1, 1), (4, 4)):
            problem = f"takes {channels[0]} and gives {channels[1]} channels; an upscaler needs 3 and 3, 1 and 1 or 4"
            raise WeightsUnknown(spec.name, f"{problem} and 4.")
        self.used = ModelUsed("upscaler", spec.name, sha256)
        self.scale: int = model.scale
        band_tail(model)
        self._program = Program(RgbUpscaler(model).eval(), spec.name, f"{sha256} tiles {mix}".rstrip(), value_range=1.0)
        self._runner = Runner(self._program, how)
        self._model, self._device, self._first = model, device, first
        self._context_px = spec.context_px
        self.failures: dict[str, str] = {}
        """Devices that failed where the CPU gave a result, each with what it said."""

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """Enlarge a picture by the network's factor; see `upscale_to`.

        Shapes: (H, W, 3) RGB uint8 or uint16 → (scale·H, scale·W, 3) RGB of the same type.
        Raises: OutOfMemory; InferenceFailed; Interrupted.
        """
        return self.upscale_to(pixels, (pixels.shape[0] * self.scale, pixels.shape[1] * self.scale), progress)

    def upscale_to(self, pixels: Pixels, size_hw: tuple[int, int], progress: Progress) -> UpscaledPixels:
        """Enlarge a picture by the network's factor and resize it to size_hw; see `engine.ports.SizedUpscaler`.

        Shapes: (H, W, 3) RGB uint8 or uint16 → (height, width, 3) RGB of the same type, size_hw = (height, width).
        Where the device refuses the memory, the picture is run again with the next of the `fallback_steps`, and a
        warning says so. Usually the first batch is the one refused: all tiles have one size, so no later batch needs
        more. Where the device fails, the steps on the CPU follow at once.
        Raises: OutOfMemory where the last step is refused too; InferenceFailed; DeviceLost; Interrupted.
        """
        import torch

        context = self._context()
        multiple = max(1, self._model.size_requirements.multiple_of)
        warnings: list[str] = []
        failed: dict[str, str] = {}
        steps = list(fallback_steps(self._start((int(pixels.shape[0]), int(pixels.shape[1]))), context))
        for budget, following in zip(steps, [*steps[1:], None]):
            if budget.device in failed:
                continue
            plan = tiles.plan((pixels.shape[0], pixels.shape[1]), budget.area_px, context, multiple)
            try:
                result = self._run(pixels, plan, budget, size_hw, progress, warnings)
            except OutOfMemory:
                if following is None:
                    raise
                warnings.append(fallback_warning(budget, following))
                empty_cache(budget.device)
                continue
            except DeviceFailed as error:
                failed[budget.device] = error.problem
                self._device = torch.device("cpu")  # for the further runs of this picture
                warnings.append(f"{error} It went on on the CPU.")
                continue
            self.failures.update(failed)
            way = self._runner.used.value
            device = f"{budget.device} ({way})" if way else budget.device
            return UpscaledPixels(result, len(plan), device, (*warnings, *self._runner.take_notices()))
        raise AssertionError("there is at least one step")

    def run_as(self, how: HowToRun) -> None:
        """What is wanted of the next calls."""
        self._runner.how = how

    def move(self, device: torch.device) -> None:
        """Take the weights to another device, where the next call starts.

        Raises: OutOfMemory.
        """
        self._device = device
        self._move(str(device))

    def _run(
        self,
        pixels: Pixels,
        plan: tuple[tiles.Tile, ...],
        budget: TileBudget,
        size_hw: tuple[int, int],
        progress: Progress,
        warnings: list[str],
    ) -> Pixels:
        """Run all tiles on the budget's device, and resize their rows as they come.

        The result is (height, width, 3) of the source's type, with size_hw = (height, width). Afterwards the network is
        back on its own device where there is room for it. warnings grows by one for each tile that was repeated.
        """
        own_hw = pixels.shape[0] * self.scale, pixels.shape[1] * self.scale

        def call(batch: FloatPixels) -> FloatPixels:
            output = self._forward(batch, budget.device, self._runner)
            for index in range(len(batch)):
                if not np.isfinite(output[index]).all():
                    with device_errors(self.used.name, budget.device):
                        output[index] = self._repeat(batch[index : index + 1], budget.device, warnings)[0]
            return output

        self._move(budget.device)
        try:
            return resize_rows(tiles.run(pixels, plan, self.scale, budget.batch, call, progress), own_hw, size_hw)
        finally:
            # Where there is no room for it any more, it stays; the next call that wants it there moves it.
            with contextlib.suppress(OutOfMemory, DeviceFailed):
                self._move(str(self._device))

    def _repeat(self, tile: FloatPixels, device: str, warnings: list[str]) -> FloatPixels:
        """Run one tile (1, h, w, 3) again in float32; the result is (1, h·scale, w·scale, 3) float32.

        Raises: InferenceFailed when it still holds values that are not numbers.
        """
        import torch

        dtype = self._model.dtype
        with own_state():
            self._model.model.to(dtype=torch.float32)
            try:
                output = self._forward(tile, device, self._program)
            finally:
                self._model.model.to(dtype=dtype)
        if not np.isfinite(output).all():
            raise InferenceFailed(self.used.name, "a tile came out with values that are not numbers, in float32 too")
        warnings.append(f"{self.used.name} gave values that are not numbers in a tile; it was repeated in float32.")
        return output

    def _forward(self, batch: FloatPixels, device: str, call: Callable[..., Tensors]) -> FloatPixels:
        """Run the network on tiles (B, h, w, 3) RGB float32 in [0, 1]; the result is (B, h·scale, w·scale, 3) float32.

        call: the runner, or the program itself. The result is not clipped, because clipping would hide infinities.
        Raises: OutOfMemory; InferenceFailed.
        """
        import torch

        height, width = batch.shape[1:3]
        columns, rows = self._model.size_requirements.get_padding(width, height)
        # NumPy's reflection goes on where the padding is larger than the picture; torch's refuses.
        padded = np.pad(batch, ((0, 0), (0, rows), (0, columns), (0, 0)), "reflect") if rows or columns else batch
        with inference(self.used.name, torch.device(device)):
            pixels = torch.from_numpy(padded).permute(0, 3, 1, 2).to(device, self._model.dtype)
            if self._model.architecture.id in _CHANNELS_LAST and pixels.device.type == "cpu":
                pixels = pixels.contiguous(memory_format=torch.channels_last)
            output = call(pixels)[0].float().permute(0, 2, 3, 1).cpu().numpy()
        cut: FloatPixels = output[:, : height * self.scale, : width * self.scale]
        return cut

    def _context(self) -> int:
        """The context in px: the catalogue's, else measured at the first use.

        Where the device has no memory to measure it or fails, the largest one is taken for this call.
        """
        if self._context_px <= 0:
            try:
                self._context_px = measure_context(self._model)
            except (OutOfMemory, DeviceFailed):
                return MAX_CONTEXT_PX
        return self._context_px

    def _start(self, size_hw: tuple[int, int]) -> TileBudget:
        """The first budget: the one given, else what the device's memory allows; never more than the picture's area."""
        architecture, item_bytes = str(self._model.architecture.id), int(self._model.dtype.itemsize)
        need = bytes_per_px(architecture, self.scale, item_bytes)
        largest = array_bytes_per_px(architecture, self.scale, item_bytes)
        first = self._first or first_budget(str(self._device), need, largest)
        return TileBudget(first.device, min(first.area_px, size_hw[0] * size_hw[1]), first.batch)

    def _move(self, device: str) -> None:
        """Take the weights to that device, unless they are there.

        Raises: OutOfMemory; the weights are then where they were.
        """
        if str(self._model.device) != device:
            self._runner.forget()
            move_weights(self.used.name, self._model, self._model.device, device)
