"""Runs an ONNX network with ONNX Runtime, where that is installed."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.models.onnx_models.restorer_file import OnnxFile

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

PACKAGE, LABEL = "onnxruntime", "ONNX Runtime"
_ON_CPU = "CPUExecutionProvider"
# ONNX Runtime's providers for torch's kinds of device; the first that the installed build has is taken. A GPU of AMD is
# "cuda" for torch, DirectML "privateuseone".
_PROVIDERS: dict[str, tuple[str, ...]] = {
    "cuda": ("CUDAExecutionProvider", "MIGraphXExecutionProvider", "ROCMExecutionProvider"),
    "privateuseone": ("DmlExecutionProvider",),
    "xpu": ("OpenVINOExecutionProvider",),
    "mps": ("CoreMLExecutionProvider",),
}
# Only what ends the process: its errors are raised too, and become sentences.
_LOG_SEVERITY = 4


@functools.cache
def is_installed() -> bool:
    """Whether ONNX Runtime can be imported. A broken installation counts as none, and is logged."""
    try:
        import onnxruntime
    except ImportError as error:
        if not (isinstance(error, ModuleNotFoundError) and error.name == PACKAGE):
            logger.warning("onnxruntime is installed and cannot be imported: %s", error)
        return False
    # Builds for Windows report to their maker otherwise.
    onnxruntime.disable_telemetry_events()
    return True


def open_on_cpu(data: bytes, file: OnnxFile) -> OrtSession:
    """Load the network on the CPU. Raises: what ONNX Runtime raises."""
    import torch

    return OrtSession(data, file, [_ON_CPU], torch.device("cpu"))


def open_on_device(data: bytes, file: OnnxFile, device: torch.device) -> OrtSession | None:
    """Load the network on a GPU; None where the installed build has no provider for it.

    Raises: what ONNX Runtime raises; RuntimeError where the provider did not start.
    """
    import onnxruntime

    built_in = onnxruntime.get_available_providers()
    provider = next((name for name in _PROVIDERS.get(device.type, ()) if name in built_in), None)
    if provider is None:
        return None
    options: dict[str, object] = {"device_id": device.index or 0} if device.type in ("cuda", "privateuseone") else {}
    if device.type == "xpu":
        options = {"device_type": "GPU"}
    session = OrtSession(data, file, [(provider, options), _ON_CPU], device)
    # Without an error: where a provider's libraries are missing, ONNX Runtime goes on on the CPU by itself.
    if provider not in session.providers:
        raise RuntimeError(f"{provider} did not start")
    return session


class OrtSession:
    """A network that ONNX Runtime has loaded; see `session.Session`."""

    label = LABEL

    def __init__(self, data: bytes, file: OnnxFile, providers: list[Any], device: torch.device) -> None:
        """Raises: what ONNX Runtime raises."""
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _LOG_SEVERITY
        # The host knows what else the machine does, and torch has its number of threads.
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads that wait would keep the processor busy while torch works.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(data, options, providers=providers)
        self._session.disable_fallback()
        self._file, self.device, self.has_batches = file, device, file.has_batches

    @property
    def providers(self) -> list[str]:
        """What the network runs on, by ONNX Runtime's names."""
        return list(self._session.get_providers())

    def run(self, faces: NDArray[np.float32], fidelity: float) -> NDArray[np.float32]:
        """See `session.Session`."""
        output = self._session.run([self._file.output], self._file.feeds(faces, fidelity))[0]
        return np.asarray(output, np.float32)
