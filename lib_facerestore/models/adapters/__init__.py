"""Networks behind the engine's ports: detectors, parsers, restorers and upscalers."""

from lib_facerestore.models.adapters.detectors import RetinaFaceDetector
from lib_facerestore.models.adapters.other_upscaler import OtherUpscaler
from lib_facerestore.models.adapters.parsers import FaceParser
from lib_facerestore.models.adapters.restorers import FACE_ARCHITECTURES, restorer_for
from lib_facerestore.models.adapters.tiled_upscaler import LanczosUpscaler, TiledUpscaler, interpolate

__all__ = [
    "FACE_ARCHITECTURES",
    "FaceParser",
    "LanczosUpscaler",
    "OtherUpscaler",
    "RetinaFaceDetector",
    "TiledUpscaler",
    "interpolate",
    "restorer_for",
]
