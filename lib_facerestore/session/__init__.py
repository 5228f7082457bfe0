"""Warm networks of one process, and the choice of models for each picture."""

from lib_facerestore.session.session import Session

__all__ = [
    "Session",
]
