"""Runs an ONNX network with OpenVINO, which reads such files itself, where that is installed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.models.executors import openvino_package
from lib_facerestore.models.onnx_models.restorer_file import OnnxFile

if TYPE_CHECKING:
    import torch

PACKAGE, LABEL = "openvino", "OpenVINO"


def is_installed() -> bool:
    """Whether OpenVINO can be imported. A broken installation counts as none, and is logged."""
    return openvino_package() is not None


def open_on_cpu(data: bytes, file: OnnxFile) -> OpenVinoSession:
    """Load the network on the CPU. Raises: what OpenVINO raises."""
    import torch

    return OpenVinoSession(data, file, "CPU", torch.device("cpu"))


def open_on_device(data: bytes, file: OnnxFile, device: torch.device) -> OpenVinoSession | None:
    """Load the network on Intel's GPU; None for any other device, and where OpenVINO finds no such GPU.

    Raises: what OpenVINO raises.
    """
    openvino: Any = openvino_package()
    if device.type != "xpu":
        return None
    names = openvino.Core().available_devices
    numbered = f"GPU.{device.index or 0}"
    name = numbered if numbered in names else "GPU" if "GPU" in names else None
    return None if name is None else OpenVinoSession(data, file, name, device)


class OpenVinoSession:
    """A network that OpenVINO has compiled, for one face at a time; see `session.Session`."""

    label, has_batches = LABEL, False

    def __init__(self, data: bytes, file: OnnxFile, name: str, device: torch.device) -> None:
        """name: OpenVINO's of the device. Raises: what OpenVINO raises."""
        import torch

        openvino: Any = openvino_package()
        core = openvino.Core()
        model = core.read_model(io.BytesIO(data))
        sides = {file.image: [1, 3, file.side_px, file.side_px]}
        if file.weight:
            sides[file.weight] = list(file.weight_sides)
        model.reshape(sides)
        # Without the first, processors that have bfloat16 compute in it. The host knows what else the machine does, and
        # torch has its number of threads.
        options: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if name == "CPU":
            options["INFERENCE_NUM_THREADS"] = torch.get_num_threads()
        compiled = core.compile_model(model, name, options)
        self._request, self._output = compiled.create_infer_request(), compiled.output(file.output)
        self._file, self.device = file, device

    def run(self, faces: NDArray[np.float32], fidelity: float) -> NDArray[np.float32]:
        """See `session.Session`. Shapes: faces (1, 3, side, side)."""
        result = self._request.infer(self._file.feeds(faces, fidelity))
        return np.array(result[self._output], np.float32)
