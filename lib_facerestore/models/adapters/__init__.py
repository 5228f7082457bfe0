"""Adapters: networks that fulfil the engine's ports for parsers, restorers and upscalers."""

from lib_facerestore.models.adapters.face_functions import FACE_ARCHITECTURES
from lib_facerestore.models.adapters.lanczos_upscaler import LanczosUpscaler
from lib_facerestore.models.adapters.onnx_restorer import OnnxRestorer
from lib_facerestore.models.adapters.other_upscaler import OtherUpscaler
from lib_facerestore.models.adapters.parsers import FaceParser
from lib_facerestore.models.adapters.restorers import restorer_for
from lib_facerestore.models.adapters.tiled_upscaler import TiledUpscaler

__all__ = [
    "FACE_ARCHITECTURES",
    "FaceParser",
    "LanczosUpscaler",
    "OnnxRestorer",
    "OtherUpscaler",
    "TiledUpscaler",
    "restorer_for",
]
