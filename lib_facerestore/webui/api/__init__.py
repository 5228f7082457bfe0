"""The HTTP routes below /facerestore, for programs that use this extension without its page."""

__all__ = [
    "endpoints",
]
