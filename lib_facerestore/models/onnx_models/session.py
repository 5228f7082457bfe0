"""Opens an ONNX file with a runtime that is installed, on the wanted device or else on the CPU. Installs nothing."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.errors import OutOfMemory, RuntimeMissing, WeightsDamaged, WeightsUnknown
from lib_facerestore.models.checkpoints import unreadable
from lib_facerestore.models.onnx_models import openvino_session, ort_session
from lib_facerestore.models.onnx_models.restorer_file import OnnxFile, describe_bytes
from lib_facerestore.runtime import WantedExecutor

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# Newer ones bring a protobuf with which the WebUIs of this family do not run.
_SAFE_RUNTIME = "onnxruntime<1.27"


class Session(Protocol):
    """A network that a runtime has loaded."""

    label: str
    """The runtime's name, for the report."""
    device: torch.device
    """Where it runs."""
    has_batches: bool
    """Whether it takes any number of faces at once; otherwise it takes one."""

    def run(self, faces: NDArray[np.float32], fidelity: float) -> NDArray[np.float32]:
        """The first output for faces (batch, 3, side, side) RGB in [-1, 1]. fidelity: not used without a weight.

        Raises: what the runtime raises, of any class.
        """


class Opened:
    """A network that is ready to run, and what a person should know of where it runs."""

    def __init__(self, session: Session, notice: str = "") -> None:
        """notice: a sentence where it runs elsewhere than wanted; "" otherwise."""
        self.session, self.notice = session, notice


def open_network(path: Path, file: OnnxFile, device: torch.device, executor: WantedExecutor = "auto") -> Opened:
    """Load the network of a checked file.

    file: what `describe` said of it. executor: "openvino" prefers OpenVINO to ONNX Runtime; torch cannot run it.
    The file is read once; what is loaded are the bytes that were checked again.
    Raises: RuntimeMissing where no runtime is installed; WeightsUnknown where the runtime cannot load the network;
    WeightsDamaged where the file cannot be read, or has changed since it was described; OutOfMemory.
    """
    runtime = _runtime(executor)
    if runtime is None:
        raise RuntimeMissing(path, f'Install one with: {sys.executable} -m pip install "{_SAFE_RUNTIME}"')
    data = _checked_bytes(path, file)
    notice = ""
    if device.type != "cpu":
        try:
            session = runtime.open_on_device(data, file, device)
            if session is not None:
                return Opened(session)
            reason = f"the installed {runtime.PACKAGE} has nothing for {device}"
        except Exception as error:  # the runtimes' own classes, which have no common base
            logger.info("%s on %s: %s", path.name, device, error)
            reason = f"{runtime.PACKAGE} failed on {device}: {reason_in(error)}"
        notice = f"{path.stem} ran on the CPU, because {reason}."
    try:
        return Opened(runtime.open_on_cpu(data, file), notice)
    except Exception as error:  # as above
        if is_out_of_memory(error):
            raise OutOfMemory(path.stem, "cpu") from error
        problem = f"cannot be loaded by {runtime.PACKAGE} ({reason_in(error)})."
        raise WeightsUnknown(path, problem) from error


def reason_in(error: Exception) -> str:
    """The first line of a runtime's error, as the end of a sentence without full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")[:200]


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a runtime means that memory was refused."""
    text = str(error).lower()
    words = ("out of memory", "bad allocation", "bad_alloc", "failed to allocate", "available memory")
    return isinstance(error, MemoryError) or any(word in text for word in words)


def _runtime(executor: WantedExecutor) -> ModuleType | None:
    """The module here that calls the first runtime that can be imported; None where none can."""
    for module in (openvino_session, ort_session) if executor == "openvino" else (ort_session, openvino_session):
        if module.is_installed():
            return module
    return None


def _checked_bytes(path: Path, file: OnnxFile) -> bytes:
    """All bytes of the file, checked once more: it may have been replaced since it was described.

    Raises: WeightsDamaged; WeightsUnknown.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if describe_bytes(data, path) != file:
        raise WeightsDamaged(path, "it was changed while it was loaded", "the file of before", "Run again.")
    return data
