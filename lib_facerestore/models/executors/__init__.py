"""How a network runs, apart from what it computes: in torch or in OpenVINO, in full or in half precision.

A `Program` is what is computed; a `Runner` runs it in the fastest way that agrees with torch in full precision.
"""

from lib_facerestore.models.executors.compiled_files import CompiledFiles
from lib_facerestore.models.executors.openvino_package import openvino_advice, openvino_package, openvino_version
from lib_facerestore.models.executors.program import STOCK, HowToRun, Program, Tensors
from lib_facerestore.models.executors.runner import Runner

__all__ = [
    "STOCK",
    "CompiledFiles",
    "HowToRun",
    "Program",
    "Runner",
    "Tensors",
    "openvino_advice",
    "openvino_package",
    "openvino_version",
]
