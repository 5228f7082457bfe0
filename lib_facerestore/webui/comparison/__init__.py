"""The script "Face restore grid": each face as several models restore it, side by side in one picture."""

__all__ = [
    "face_grid",
]
