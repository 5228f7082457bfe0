"""A face restorer in an ONNX file behind the restorer port."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed
from lib_facerestore.engine.ports import CropKernel
from lib_facerestore.engine.upscaling import resize_float
from lib_facerestore.errors import DeviceFailed, InferenceFailed, OutOfMemory, WeightsError
from lib_facerestore.models.devices import FallsBack
from lib_facerestore.models.executors import STOCK, HowToRun
from lib_facerestore.models.onnx_models import OnnxFile, Session, is_out_of_memory, open_network, reason_in

if TYPE_CHECKING:
    import torch


class OnnxRestorer(FallsBack):
    """A network that takes and gives one aligned face in [-1, 1], at a side of its own; see `engine.ports.Restorer`.

    The runtime's session is closed when the network is moved, and opened again when it is needed.
    """

    crop_kernel: CropKernel = "linear"  # as the networks that these files are made of; facefusion 3 cuts so too

    def __init__(
        self, name: str, sha256: str, path: Path, file: OnnxFile, device: torch.device, how: HowToRun = STOCK
    ) -> None:
        """Open the file. name, sha256: for the report. device: where it shall run. how: which runtime is preferred.

        Raises: RuntimeMissing; WeightsUnknown; WeightsDamaged; OutOfMemory.
        """
        super().__init__()
        self.used = ModelUsed("restorer", name, sha256)
        self.has_fidelity, self.crop_side_px = bool(file.weight), file.side_px
        self._path, self._file, self._wanted = path, file, device
        self._executor = how.executor
        opened = open_network(path, file, device, self._executor)
        self._session: Session | None = opened.session
        self._unsaid: list[str] = []
        self.notice = opened.notice
        """Why it runs on the CPU and not where it shall, as a sentence; "" where it does."""

    @property
    def device(self) -> torch.device:
        """Where it runs, or will run when it is opened again."""
        return self._wanted if self._session is None else self._session.device

    def ran_in(self) -> tuple[str, tuple[str, ...]]:
        """The runtime that ran the last call; and a sentence where it runs elsewhere than wanted since it was moved."""
        unsaid, self._unsaid = tuple(self._unsaid), []
        return "" if self._session is None else self._session.label, unsaid

    def run_as(self, how: HowToRun) -> None:
        """Which runtime is preferred from now on; another one opens the file again."""
        if (how.executor == "openvino") != (self._executor == "openvino"):
            self._session = None
        self._executor = how.executor

    def move(self, device: torch.device) -> None:
        """Close the network where it shall run on another device from now on."""
        if device != self._wanted:
            self._wanted, self._session = device, None

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        """Restore all crops, as one batch where the network takes one; see `engine.ports.Restorer`.

        Shapes: crops of (S, S, 3) RGB float32 in [0, 1] → (R, R, 3) in the same range, R being the network's own.
        Raises: OutOfMemory; InferenceFailed, on another device than the CPU DeviceFailed.
        """
        side = self._file.side_px
        batch = np.stack([resize_float(crop.pixels, (side, side)).transpose(2, 0, 1) for crop in crops])
        batch = (batch - np.float32(0.5)) / np.float32(0.5)
        session = self._opened()
        parts = [batch] if session.has_batches else np.split(batch, len(batch))
        return [face for part in parts for face in self._run(session, part, fidelity)]

    def _opened(self) -> Session:
        """The session, opened again after a move. Raises: InferenceFailed where that fails."""
        if self._session is None:
            try:
                opened = open_network(self._path, self._file, self._wanted, self._executor)
            except WeightsError as error:
                raise InferenceFailed(
                    self.used.name, f"it could not be opened again: {str(error).rstrip('.')}"
                ) from error
            self._unsaid += [opened.notice] if opened.notice else []
            self._session = opened.session
        return self._session

    def _run(self, session: Session, batch: NDArray[np.float32], fidelity: float) -> list[FloatPixels]:
        """Faces (B, 3, S, S) in [-1, 1] through the network; (R, R, 3) in [0, 1] each. Raises: as `restore`."""
        try:
            output = session.run(np.ascontiguousarray(batch), fidelity)
        except Exception as error:  # the runtimes' own classes, which have no common base
            if is_out_of_memory(error):
                raise OutOfMemory(self.used.name, str(session.device)) from error
            raise self._failure(session, reason_in(error)) from error
        side = output.shape[-1]
        if output.shape != (len(batch), 3, side, side) or side < self._file.side_px:
            raise self._failure(session, f"its output has the shape {output.shape}, which is no face")
        if not np.isfinite(output).all():  # before clipping, which would make infinity white
            raise self._failure(session, "its output holds values that are not numbers")
        restored = np.clip(output * np.float32(0.5) + np.float32(0.5), 0, 1)
        return [np.ascontiguousarray(face.transpose(1, 2, 0)) for face in restored]

    def _failure(self, session: Session, problem: str) -> InferenceFailed:
        """Make the error for a call that failed, for which a device that is not the CPU may be to blame."""
        if session.device.type == "cpu":
            return InferenceFailed(self.used.name, problem)
        return DeviceFailed(self.used.name, str(session.device), problem)
