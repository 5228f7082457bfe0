"""Warm networks of one process, and the choice of models for each job."""

from lib_facerestore.session.job import Job
from lib_facerestore.session.model_cache import ModelCache
from lib_facerestore.session.session import Session

__all__ = [
    "Job",
    "ModelCache",
    "Session",
]
