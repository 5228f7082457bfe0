"""The models that can be chosen: one row for each, with its roles, file, hash, licence and abilities."""

from lib_facerestore.models.catalogue import names
from lib_facerestore.models.catalogue.lookup import by_name, of_kind
from lib_facerestore.models.catalogue.names import plain_name, unknown_name
from lib_facerestore.models.catalogue.remote_file import RemoteFile
from lib_facerestore.models.catalogue.rows import MODELS, STOCK_HELPERS
from lib_facerestore.models.catalogue.spec import BundledSource, Family, Kind, ModelSpec

__all__ = [
    "MODELS",
    "STOCK_HELPERS",
    "BundledSource",
    "Family",
    "Kind",
    "ModelSpec",
    "RemoteFile",
    "by_name",
    "names",
    "of_kind",
    "plain_name",
    "unknown_name",
]
