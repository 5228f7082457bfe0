"""Files of weights: their form, hash, names of weights and tensors. Knows no networks."""

from lib_facerestore.models.checkpoints import containers
from lib_facerestore.models.checkpoints.containers import SUFFIXES, is_listed, unreadable
from lib_facerestore.models.checkpoints.hashes import (
    HashCache,
    difference,
    move_aside,
    plain_bytes,
    read_table,
    sha256_of,
    verify_file,
    write_table,
)
from lib_facerestore.models.checkpoints.interpolation import interpolate
from lib_facerestore.models.checkpoints.read import read_checkpoint, save_checkpoint
from lib_facerestore.models.checkpoints.tensor_names import weight_names

__all__ = [
    "SUFFIXES",
    "HashCache",
    "containers",
    "difference",
    "interpolate",
    "is_listed",
    "move_aside",
    "plain_bytes",
    "read_checkpoint",
    "read_table",
    "save_checkpoint",
    "sha256_of",
    "unreadable",
    "verify_file",
    "weight_names",
    "write_table",
]
