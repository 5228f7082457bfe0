"""Border control: files and PIL images to `Picture` and back. Nobody else decides on channels, depth or orientation."""

from lib_facerestore.engine.pixels.decode import ReadLimits, decode, read
from lib_facerestore.engine.pixels.encode import encode, losses, write
from lib_facerestore.engine.pixels.files import already_there, why_not_replaced, write_atomically
from lib_facerestore.engine.pixels.pil import from_pil, to_pil
from lib_facerestore.engine.pixels.suffixes import SUFFIXES
from lib_facerestore.engine.pixels.write_options import Chroma, FormatName, WriteOptions, output_suffix

__all__ = [
    "SUFFIXES",
    "Chroma",
    "FormatName",
    "ReadLimits",
    "WriteOptions",
    "already_there",
    "decode",
    "encode",
    "from_pil",
    "losses",
    "output_suffix",
    "read",
    "to_pil",
    "why_not_replaced",
    "write",
    "write_atomically",
]
