"""Face detection: RetinaFace behind the engine's detector port, and what makes its rows faces."""

from lib_facerestore.models.detection.detectors import RetinaFaceDetector

__all__ = ["RetinaFaceDetector"]
