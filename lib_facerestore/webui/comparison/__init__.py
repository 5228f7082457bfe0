"""Several ways to restore each face, side by side as one picture."""

__all__ = [
    "face_grid",
]
