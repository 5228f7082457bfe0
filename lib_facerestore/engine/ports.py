"""What the pipeline asks of the outside. Adapters in `models/` and fakes in tests fulfil these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Crop, Face, FloatPixels, ModelUsed, Pixels

CropKernel = Literal["linear", "cubic"]
"""How a crop is cut out: linear is what stock shows face networks, cubic keeps more of what the picture has."""
MAX_CONTEXT_PX = 128
"""How far an upscaler may look around a pixel, in px of its source; tiles get no more, whatever a network would see."""


class HasFallback(Protocol):
    """A network on a device whose memory may run out, or which may fail."""

    used: ModelUsed

    @property
    def device(self) -> object:
        """Where it runs now; str() gives the device's name, as "cuda:0"."""

    def fall_back(self) -> bool:
        """Go on on the CPU after the device failed or refused the memory; False where it runs there already.

        Raises: DeviceLost where the device does not give the network back.
        """

    def avoid(self, device: str, problem: str) -> None:
        """Remember, for later pictures, that the device failed with that problem where the CPU gave a result."""


@runtime_checkable
class RunsInWays(Protocol):
    """A network that other libraries than torch, or half precision, may run."""

    def ran_in(self) -> tuple[str, tuple[str, ...]]:
        """How the last call ran, as "OpenVINO half"; "" for torch in full precision. And a sentence for each thing that
        was prepared, or failed, since this was asked last.
        """


class Detector(HasFallback, Protocol):
    """Finds faces."""

    default_threshold: float

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        """Faces of each picture, best score first, in that picture's pixels.

        Shapes: each picture (H, W, 3) RGB uint8 or uint16; sizes may differ.
        Raises: OutOfMemory; InferenceFailed, on another device than the CPU DeviceFailed.
        """


class Restorer(HasFallback, Protocol):
    """Restores aligned faces."""

    has_fidelity: bool
    crop_kernel: CropKernel
    crop_side_px: int
    """Side of the square that a face is cut out at for it."""

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        """One restored square (kS, kS, 3) float32 in [0, 1] for each crop.

        Raises: OutOfMemory; InferenceFailed, on another device than the CPU DeviceFailed.
        """


class Parser(HasFallback, Protocol):
    """Names the part of the face that each pixel belongs to."""

    classes: tuple[str, ...]

    def parse(self, faces: Sequence[FloatPixels]) -> list[NDArray[np.uint8]]:
        """Labels (H, W), indices into `classes`, for squares (kS, kS, 3) float32 in [0, 1]; H = W ≤ kS.

        Raises: OutOfMemory; InferenceFailed, on another device than the CPU DeviceFailed.
        """


class Progress(Protocol):
    """How far the work is, and whether the user wants it to stop."""

    def check(self) -> None:
        """Raises: Interrupted when the user pressed stop. Called between faces and tiles."""

    def step(self, done: int, total: int, what: str) -> None:
        """`done` of `total` units of `what` are finished."""


class NoProgress:
    """Progress that nobody watches."""

    def check(self) -> None:
        """Never stops."""

    def step(self, done: int, total: int, what: str) -> None:
        """Nobody looks."""


@dataclass(frozen=True, eq=False)
class UpscaledPixels:
    """A picture after one run of an upscaler.

    pixels: (scale·H, scale·W, 3) of the source's dtype, or of the size that was asked for; new memory that its taker
    may write on, or the source's own, which is read-only. tiles: how many the network ran. device: where the last one
    ran. warnings: one sentence for each thing that had to be done otherwise, for the report.
    """

    pixels: Pixels
    tiles: int
    device: str
    warnings: tuple[str, ...] = ()


class Upscaler(Protocol):
    """Enlarges a whole picture by its own factor; `engine.sizes` says how often, and resizes exactly afterwards."""

    used: ModelUsed
    scale: int

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """Run once, to `scale` times the size.

        Shapes: pixels (H, W, 3) RGB uint8 or uint16.
        Raises: OutOfMemory; InferenceFailed; Interrupted.
        """


@runtime_checkable
class SizedUpscaler(Upscaler, Protocol):
    """An upscaler that resizes its picture row by row while it makes it, so that its own size never exists whole."""

    def upscale_to(self, pixels: Pixels, size_hw: tuple[int, int], progress: Progress) -> UpscaledPixels:
        """Run once, and resize to (height, width) as `engine.upscaling.resize_exact` does, to the bit.

        Shapes: pixels (H, W, 3) RGB uint8 or uint16 → (height, width, 3) of the same type.
        Raises: as `upscale`.
        """


@dataclass(frozen=True)
class Tools:
    """The loaded networks that one run uses; None where the settings need none."""

    detector: Detector | None
    restorer: Restorer | None
    parser: Parser | None = None
    second_restorer: Restorer | None = None
    upscaler: Upscaler | None = None
    second_upscaler: Upscaler | None = None
    warnings: tuple[str, ...] = ()
    """What loading had to do otherwise than asked for."""
    face_batch: int = 1
    """Most faces that the restorer gets at once."""
