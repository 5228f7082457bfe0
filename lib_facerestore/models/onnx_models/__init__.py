"""Face restorers in ONNX files: checked before a runtime sees them, and opened with a runtime that is installed.

Neither onnx nor onnxruntime nor openvino is needed to check a file.
"""

from lib_facerestore.models.onnx_models.restorer_file import OnnxFile, describe, is_onnx
from lib_facerestore.models.onnx_models.session import Session, is_out_of_memory, open_network, reason_in

__all__ = [
    "OnnxFile",
    "Session",
    "describe",
    "is_onnx",
    "is_out_of_memory",
    "open_network",
    "reason_in",
]
