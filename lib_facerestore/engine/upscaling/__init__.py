"""The whole picture brought to another size: tiles, the exact resize, what is below transparency."""

from lib_facerestore.engine.upscaling import background, tiles
from lib_facerestore.engine.upscaling.background import Background
from lib_facerestore.engine.upscaling.resize import area_downscale, resize_exact, resize_float, resize_rows

__all__ = [
    "Background",
    "area_downscale",
    "background",
    "resize_exact",
    "resize_float",
    "resize_rows",
    "tiles",
]
