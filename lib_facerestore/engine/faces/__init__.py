"""Faces: which are restored, cut out, given to a restorer, masked and pasted back. Knows nothing of networks."""

from lib_facerestore.engine.faces import align, paste
from lib_facerestore.engine.faces.align import warp
from lib_facerestore.engine.faces.batches import on_cpu_at_last, restore_in_batches
from lib_facerestore.engine.faces.large_faces import FittedFace, fit
from lib_facerestore.engine.faces.restore import FaceWork, Restoration, face_tones, restore_faces
from lib_facerestore.engine.faces.selection import select

__all__ = [
    "FaceWork",
    "FittedFace",
    "Restoration",
    "align",
    "face_tones",
    "fit",
    "on_cpu_at_last",
    "paste",
    "restore_faces",
    "restore_in_batches",
    "select",
    "warp",
]
