"""`facerestore restore` and `upscale`: pictures in, pictures and a report out, one after the other."""

__all__ = [
    "restore",
]
