"""Downloads of the catalogue's files: a file is in its place whole and verified, or not at all."""

from lib_facerestore.models.fetching.fetch_file import fetch
from lib_facerestore.models.fetching.policy import FetchPolicy

__all__ = [
    "FetchPolicy",
    "fetch",
]
