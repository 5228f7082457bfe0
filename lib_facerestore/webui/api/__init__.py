"""The routes below /facerestore/v1 for programs."""

__all__ = [
    "endpoints",
]
