"""The whole picture brought to another size: tiles, the exact resize, what is below transparency."""

from lib_facerestore.engine.upscaling import background, tiles
from lib_facerestore.engine.upscaling.background import Background, is_scale_1, upscale_picture
from lib_facerestore.engine.upscaling.resize import area_downscale, resize_exact, resize_float, resize_rows

__all__ = [
    "Background",
    "area_downscale",
    "background",
    "is_scale_1",
    "resize_exact",
    "resize_float",
    "resize_rows",
    "tiles",
    "upscale_picture",
]
