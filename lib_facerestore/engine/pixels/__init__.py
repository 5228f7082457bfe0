"""Border control: files and PIL images to `Picture` and back. Nobody else decides on channels, depth or orientation."""

from lib_facerestore.engine.pixels.decode import ReadLimits, read
from lib_facerestore.engine.pixels.encode import WriteOptions, encode, output_suffix, write
from lib_facerestore.engine.pixels.files import write_atomically
from lib_facerestore.engine.pixels.pil import from_pil, from_unit_float, to_pil

__all__ = [
    "ReadLimits",
    "WriteOptions",
    "encode",
    "from_pil",
    "from_unit_float",
    "output_suffix",
    "read",
    "to_pil",
    "write",
    "write_atomically",
]
