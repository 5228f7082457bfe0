"""A torch module captured as an OpenVINO graph, compiled for the CPU, run on torch's tensors."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lib_facerestore.models.executors.openvino_package import openvino_package
from lib_facerestore.models.executors.program import Tensors

if TYPE_CHECKING:
    import torch

_DEVICE = "CPU"


class CompiledGraph:
    """A compiled graph of fixed shapes. Raises RuntimeError, as torch does, wherever OpenVINO fails."""

    def __init__(self, compiled: Any) -> None:
        """compiled: OpenVINO's CompiledModel."""
        self._compiled = compiled
        self._request = compiled.create_infer_request()

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """Run it once. Shapes: those it was captured with; float32 in and out, on the CPU."""
        import torch

        arrays = [np.ascontiguousarray(tensor.numpy()) for tensor in inputs]
        results = self._request.infer(arrays, share_inputs=True)
        # Copies: the request writes its next results into the same memory.
        return tuple(torch.from_numpy(np.array(array, np.float32)) for array in results.values())

    def to_bytes(self) -> bytes:
        """The compiled graph with its weights, for `from_bytes` of the same version of OpenVINO."""
        stream = io.BytesIO()
        self._compiled.export_model(stream)
        return stream.getvalue()


def capture(module: torch.nn.Module, inputs: Sequence[torch.Tensor], is_half: bool) -> CompiledGraph:
    """Trace the module on these inputs, and compile it for their shapes.

    is_half: bfloat16 where the processor has it; sums stay in float32.
    Raises: RuntimeError; what tracing raises for a module that cannot be traced.
    """
    import torch

    core = _core()
    from openvino.frontend import FrontEndManager  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from openvino.frontend.pytorch.ts_decoder import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        TorchScriptPythonDecoder,
    )

    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing tells that sizes become constants, which is wanted
        plain = tuple(tensor.clone() for tensor in inputs)  # made outside of inference mode, which tracing refuses
        traced = torch.jit.trace(module, plain, check_trace=False)  # type: ignore[no-untyped-call]
        front_end = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced, example_input=plain, shared_memory=True)
        graph = front_end.convert(front_end.load(decoder))
    graph.reshape({port: list(tensor.shape) for port, tensor in zip(graph.inputs, inputs)})
    return CompiledGraph(core.compile_model(graph, _DEVICE, _properties(is_half)))


def from_bytes(data: bytes, is_half: bool) -> CompiledGraph:
    """Load what `to_bytes` gave. Raises: RuntimeError where another version made it."""
    return CompiledGraph(_core().import_model(io.BytesIO(data), _DEVICE, _properties(is_half)))


@functools.cache
def runs_half() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in _core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")


def _core() -> Any:
    openvino: Any = openvino_package()  # whoever asks for a graph has seen that it is there
    return openvino.Core()


def _properties(is_half: bool) -> dict[str, object]:
    """How to compile: torch's number of threads, which a host may have set, and one run at a time."""
    import torch

    return {
        "INFERENCE_PRECISION_HINT": "bf16" if is_half else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
