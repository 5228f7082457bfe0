"""A file of every format, mode and depth that is read, with all the metadata that its format takes."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture

HEIGHT, WIDTH = 42, 60
EXIF = (
    b"MM\x00*\x00\x00\x00\x08\x00\x02"
    + struct.pack(">HHII", 0x010F, 2, 4, int.from_bytes(b"Us.\0", "big"))
    + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    + b"\x00\x00\x00\x00"
)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6">\xc3\xa9</rdf:Description></x:xmpmeta>'
)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TEXT = (("parameters", "a face, Steps: 20"), ("title", "Größe → 東京"))


def noise(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """Pixels that no two formats would confuse: every channel differs and every bit is used."""
    high = np.iinfo(dtype).max
    return np.random.default_rng(7).integers(0, high, (HEIGHT, WIDTH, channels), dtype, endpoint=True)


def pillow(mode: str, file_format: str, **options: object) -> bytes:
    """A file that Pillow writes, with all the metadata that its format takes."""
    image = Image.fromarray(noise(len(mode)) if mode in ("RGB", "RGBA", "LA") else noise(1)[..., 0])
    if mode in ("1", "P", "CMYK"):
        image = Image.fromarray(noise(3)).quantize(64) if mode == "P" else Image.fromarray(noise(3)).convert(mode)
    extra: dict[str, Any] = {}
    if file_format in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        extra = {"exif": b"Exif\0\0" + EXIF, "icc_profile": ICC}
    if file_format in ("JPEG", "WEBP", "AVIF"):
        extra["xmp"] = XMP
    if file_format == "PNG":
        extra["pnginfo"] = info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        for key, value in TEXT:
            info.add_text(key, value)
    if mode == "CMYK":
        extra.pop("icc_profile")
    buffer = io.BytesIO()
    image.save(buffer, file_format, **(extra | options))
    return buffer.getvalue()


def sixteen(channels: int, suffix: str) -> bytes:
    """A 16-bit file of our own encoder; test_sixteen_bit.py holds it against files of other encoders."""
    values = noise(channels, np.uint16)
    colour = np.repeat(values[..., :1], 3, 2) if channels < 3 else values[..., :3]
    alpha = values[..., -1] if channels in (2, 4) else None
    metadata = dataclasses.replace(Picture(colour[:1]).metadata, exif=EXIF, icc=ICC, xmp=XMP, text=TEXT)
    picture = Picture(colour, alpha, channels < 3, metadata)
    return pixels.encode(picture, Path("x" + suffix), pixels.WriteOptions())


ROWS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("PNG grey 8", ".png", lambda: pillow("L", "PNG")),
    ("PNG grey+alpha 8", ".png", lambda: pillow("LA", "PNG")),
    ("PNG RGB 8", ".png", lambda: pillow("RGB", "PNG")),
    ("PNG RGBA 8", ".png", lambda: pillow("RGBA", "PNG")),
    ("PNG 1-bit", ".png", lambda: pillow("1", "PNG")),
    ("PNG palette", ".png", lambda: pillow("P", "PNG")),
    ("PNG palette, transparent", ".png", lambda: pillow("P", "PNG", transparency=3)),
    ("PNG grey 16", ".png", lambda: sixteen(1, ".png")),
    ("PNG RGB 16", ".png", lambda: sixteen(3, ".png")),
    ("PNG RGBA 16", ".png", lambda: sixteen(4, ".png")),
    ("TIFF grey 8", ".tif", lambda: pillow("L", "TIFF")),
    ("TIFF RGB 8", ".tif", lambda: pillow("RGB", "TIFF")),
    ("TIFF RGBA 8", ".tif", lambda: pillow("RGBA", "TIFF")),
    ("TIFF CMYK 8", ".tif", lambda: pillow("CMYK", "TIFF")),
    ("TIFF grey 16", ".tif", lambda: sixteen(1, ".tif")),
    ("TIFF RGB 16", ".tif", lambda: sixteen(3, ".tif")),
    ("TIFF RGBA 16", ".tif", lambda: sixteen(4, ".tif")),
    ("JPEG grey", ".jpg", lambda: pillow("L", "JPEG", quality=90)),
    ("JPEG RGB 4:4:4", ".jpg", lambda: pillow("RGB", "JPEG", quality=98, subsampling=0)),
    ("JPEG RGB 4:2:0", ".jpg", lambda: pillow("RGB", "JPEG", quality=75, subsampling=2)),
    ("JPEG CMYK", ".jpg", lambda: pillow("CMYK", "JPEG", quality=90)),
    ("WebP RGB lossless", ".webp", lambda: pillow("RGB", "WEBP", lossless=True)),
    ("WebP RGBA lossless", ".webp", lambda: pillow("RGBA", "WEBP", lossless=True, exact=True)),
    ("WebP RGB lossy", ".webp", lambda: pillow("RGB", "WEBP", quality=80)),
    ("AVIF RGB", ".avif", lambda: pillow("RGB", "AVIF", quality=90)),
    ("BMP RGB", ".bmp", lambda: pillow("RGB", "BMP")),
    ("GIF palette", ".gif", lambda: pillow("P", "GIF")),
]
