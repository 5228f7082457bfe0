"""One file of the catalogue from the network, whole and verified or not at all."""

from lib_facerestore.models.fetching.fetch_file import FetchPolicy, fetch

__all__ = [
    "FetchPolicy",
    "fetch",
]
