"""The weights of models: which can be chosen, where their files are, and their tensors. Builds no networks."""

from lib_facerestore.models.weights.choice import available, choose, present, refused, rows_by_file
from lib_facerestore.models.weights.finding import (
    FoundWeights,
    file_identity,
    find,
    is_present,
    listed,
    path_identity,
    sha256_of_file,
)
from lib_facerestore.models.weights.resolving import (
    fetch_again,
    load,
    resolve,
    resolve_and_describe,
    resolve_and_load,
    resolve_verified,
    verify,
)

__all__ = [
    "FoundWeights",
    "available",
    "choose",
    "fetch_again",
    "file_identity",
    "find",
    "is_present",
    "listed",
    "load",
    "path_identity",
    "present",
    "refused",
    "resolve",
    "resolve_and_describe",
    "resolve_and_load",
    "resolve_verified",
    "rows_by_file",
    "sha256_of_file",
    "verify",
]
