"""Face networks and upscalers behind the restorer port: sizes, value ranges and batches of each family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed
from lib_facerestore.engine.ports import CropKernel
from lib_facerestore.engine.upscaling import resize_float
from lib_facerestore.errors import InferenceFailed, WeightsUnknown
from lib_facerestore.models.adapters.face_functions import FACE_ARCHITECTURES, FaceFunction, face_function
from lib_facerestore.models.devices import OnDevice, inference, own_state
from lib_facerestore.models.executors import STOCK, HowToRun, Program, Runner

if TYPE_CHECKING:
    import spandrel
    import torch

    Descriptor: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]

FACE_NETWORK_SIDE_PX = 512


@own_state()
def restorer_for(
    name: str, sha256: str, model: Descriptor, device: torch.device, how: HowToRun = STOCK
) -> FaceNetwork | UpscalingRestorer:
    """Make the adapter that fits a network: for a face network, or for an upscaler of RGB pictures.

    name, sha256: the model's, for the report. model: the network on that device. how: what runs it.
    Raises: WeightsUnknown for a network that cannot restore faces.
    """
    if model.architecture.id in FACE_ARCHITECTURES:
        return FaceNetwork(name, sha256, model, device, how)
    if model.input_channels != 3 or model.output_channels != 3:
        raise WeightsUnknown(
            name, f"takes {model.input_channels} and gives {model.output_channels} channels; a restorer needs 3 and 3."
        )
    return UpscalingRestorer(name, sha256, model, device, how)


class _InWays(OnDevice):
    """A restorer whose network runs through runners; see `engine.ports.RunsInWays`."""

    _runners: tuple[Runner, ...] = ()

    def ran_in(self) -> tuple[str, tuple[str, ...]]:
        """How the last call ran, such as "OpenVINO half", "" for torch in full precision; and new sentences on it."""
        ways = dict.fromkeys(runner.used.value for runner in self._runners)
        notices = tuple(sentence for runner in self._runners for sentence in runner.take_notices())
        return " + ".join(filter(None, ways)), notices

    def run_as(self, how: HowToRun) -> None:
        """What is wanted of the next calls."""
        for runner in self._runners:
            runner.how = how

    def move(self, device: torch.device) -> None:
        """Move the weights to another device; copies in half precision are dropped. Raises: OutOfMemory."""
        if device != self.device:
            for runner in self._runners:
                runner.forget()
        super().move(device)


class FaceNetwork(_InWays):
    """GFPGAN, CodeFormer or RestoreFormer, which take and give faces of 512×512 px; see `engine.ports.Restorer`."""

    crop_side_px = FACE_NETWORK_SIDE_PX

    def __init__(self, name: str, sha256: str, model: Descriptor, device: torch.device, how: HowToRun) -> None:
        """Take over a network; a GFPGAN is changed to a faster form of the same sums."""
        self.used = ModelUsed("restorer", name, sha256)
        self.has_fidelity = str(model.architecture.id) == "CodeFormer"
        self.crop_kernel: CropKernel = "linear"
        super().__init__(name, model, device)
        self._function: FaceFunction = face_function(model, name, sha256, device, how)
        self._runners = self._function.runners

    def prepare(self) -> tuple[str, ...]:
        """Compile the network; gives a sentence on each graph. Raises: OutOfMemory; InferenceFailed."""
        with inference(self.used.name, self.device):
            return self._function.prepare(_smooth_noise(FACE_NETWORK_SIDE_PX, self.device) * 2 - 1)

    def move(self, device: torch.device) -> None:
        """Move the weights to another device; what was kept of earlier faces is dropped. Raises: OutOfMemory."""
        if device != self.device:
            self._function.forget()
        super().move(device)

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        """Restore all crops as one batch; see `engine.ports.Restorer`.

        Shapes: crops of (S, S, 3) RGB float32 in [0, 1] → (512, 512, 3) in the same range.
        Raises: OutOfMemory; InferenceFailed.
        """
        import torch

        batch = np.stack([resize_float(crop.pixels, (FACE_NETWORK_SIDE_PX, FACE_NETWORK_SIDE_PX)) for crop in crops])
        with inference(self.used.name, self.device):
            # Contiguous, because RestoreFormer and CodeFormer use .view, which channels-last memory refuses.
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device).contiguous()
            pixels = (pixels - 0.5) / 0.5
            output = self._function(pixels, crops, fidelity)
            _check_finite(self.used.name, output)
            restored = (output * 0.5 + 0.5).clamp_(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return [np.ascontiguousarray(face) for face in restored]


def _smooth_noise(side_px: int, device: torch.device) -> torch.Tensor:
    """A picture (1, 3, side, side) in [0, 1] that is the same each time, to compare ways of running with."""
    import torch

    noise = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).to(device)
    return torch.nn.functional.interpolate(noise, (side_px, side_px), mode="bilinear").contiguous()


# Input sides of an upscaler used as a restorer. Few sizes make full batches. Below 64 px a face has too little to be
# restored from; above 256 px the network's output would be larger than 1024 px and only be reduced again.
NATIVE_SIDES_PX = (64, 96, 128, 192, 256)


class UpscalingRestorer(_InWays):
    """An ESRGAN-like upscaler as a restorer; see `engine.ports.Restorer`.

    It gets the aligned face at about the size that the face has in the picture, and enlarges it.
    """

    has_fidelity = False
    crop_kernel: CropKernel = "cubic"  # keeps more of the picture's own detail than linear
    crop_side_px = FACE_NETWORK_SIDE_PX

    def __init__(self, name: str, sha256: str, model: Descriptor, device: torch.device, how: HowToRun) -> None:
        """Take over a network of factor k that takes and gives RGB in [0, 1]. name, sha256: for the report."""
        self.used = ModelUsed("restorer", name, sha256)
        super().__init__(name, model, device)
        self._run_network = Runner(Program(model.model, name, sha256, value_range=1.0), how)
        self._runners = (self._run_network,)

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        """Restore each crop; fidelity is not used. See `engine.ports.Restorer`.

        Shapes: crops of (S, S, 3) RGB float32 in [0, 1] → (R, R, 3) in the same range, where R is the side that the
        network gives, but not less than S. Crops of one native size run as one batch.
        Raises: OutOfMemory; InferenceFailed.
        """
        sides = [native_side(crop) for crop in crops]
        restored: list[FloatPixels] = [crop.pixels for crop in crops]
        for side in sorted(set(sides)):
            indices = [index for index, value in enumerate(sides) if value == side]
            inputs = [resize_float(crops[index].pixels, (side, side)) for index in indices]
            for index, output in zip(indices, self._run(np.stack(inputs))):
                # A larger result is not reduced to the crop's size, because pasting resamples it to its place anyway.
                larger = max(output.shape[0], crops[index].side_px)
                restored[index] = resize_float(output, (larger, larger))
        return restored

    def prepare(self) -> tuple[str, ...]:
        """Compile it for every input side; gives a sentence on each graph. Raises: OutOfMemory; InferenceFailed."""
        with inference(self.used.name, self.device):
            of_sides = [self._run_network.prepare(_smooth_noise(side, self.device)) for side in NATIVE_SIDES_PX]
        return tuple(sentence for sentences in of_sides for sentence in sentences)

    def _run(self, batch: FloatPixels) -> FloatPixels:
        """Enlarge faces (B, S, S, 3) RGB float32 in [0, 1] to (B, kS, kS, 3), in the same range."""
        import torch

        with inference(self.used.name, self.device):
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device)
            (enlarged,) = self._run_network(pixels)
            _check_finite(self.used.name, enlarged)
            output = enlarged.clamp_(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return np.ascontiguousarray(output)


def _check_finite(name: str, values: torch.Tensor) -> None:
    """Refuse an output with values that are not finite; call it before clipping, which would make infinity white.

    Raises: InferenceFailed.
    """
    if not bool(values.isfinite().all()):
        raise InferenceFailed(name, "its output holds values that are not numbers")


def native_side(crop: Crop) -> int:
    """The input side in px nearest to the crop's side in the picture; the largest after an earlier restorer."""
    if crop.is_restored:
        return NATIVE_SIDES_PX[-1]
    return min(NATIVE_SIDES_PX, key=lambda side: abs(np.log(side / crop.native_side_px)))
