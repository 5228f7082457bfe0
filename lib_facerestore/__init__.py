"""Face restoration and upscaling. Importing this package loads no network library and opens no socket."""

from lib_facerestore.version import VERSION as __version__

__all__ = ["__version__"]
