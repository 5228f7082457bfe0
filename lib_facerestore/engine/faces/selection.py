"""Which faces are restored, and the reason for each one that is not."""

from __future__ import annotations

from collections.abc import Callable

from lib_facerestore.engine.data import Face
from lib_facerestore.settings import FaceOrder, RestoreSettings


def select(
    faces: tuple[Face, ...], size_hw: tuple[int, int], settings: RestoreSettings
) -> tuple[tuple[Face, ...], dict[int, str]]:
    """The faces to restore in the chosen order, and for every other face's index the reason it is left alone."""
    reasons = {face.index: reason for face in faces if (reason := _size_reason(face, faces, settings))}
    kept = [face for face in faces if face.index not in reasons]
    if settings.which_faces != "all":
        kept.sort(key=_sort_key(settings.which_faces, size_hw))
        reasons |= {face.index: f"not the {settings.which_faces} face" for face in kept[1:]}
        kept = kept[:1]
    kept.sort(key=_sort_key(settings.face_order, size_hw))
    if settings.max_faces:
        reasons |= {face.index: f"beyond {settings.max_faces} faces" for face in kept[settings.max_faces :]}
        kept = kept[: settings.max_faces]
    return tuple(kept), reasons


def _size_reason(face: Face, faces: tuple[Face, ...], settings: RestoreSettings) -> str:
    size = face.size_px
    if size < settings.min_face_px:
        return f"{size:.0f} px, minimum {settings.min_face_px}"
    if settings.max_face_px and size > settings.max_face_px:
        return f"{size:.0f} px, maximum {settings.max_face_px}"
    percent = 100 * size / max(other.size_px for other in faces)
    if percent < settings.min_face_percent:
        return f"{percent:.0f} % of the largest face, minimum {settings.min_face_percent:g} %"
    return ""


def _sort_key(order: FaceOrder, size_hw: tuple[int, int]) -> Callable[[Face], tuple[float, int]]:
    """Sorts by the order's measure, then by index, so that equal faces keep a fixed order."""
    height, width = size_hw

    def centre(face: Face) -> tuple[float, float]:
        return (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2

    measures: dict[FaceOrder, Callable[[Face], float]] = {
        "largest": lambda face: -face.size_px,
        "left to right": lambda face: centre(face)[0],
        "right to left": lambda face: -centre(face)[0],
        "top to bottom": lambda face: centre(face)[1],
        "score": lambda face: -face.score,
        "centre": lambda face: (centre(face)[0] - width / 2) ** 2 + (centre(face)[1] - height / 2) ** 2,
    }
    measure = measures[order]
    return lambda face: (measure(face), face.index)
