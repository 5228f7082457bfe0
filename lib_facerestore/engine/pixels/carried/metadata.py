"""EXIF, ICC, XMP and text of a file: taken out as they are, with the orientation set to 1 because it was applied."""

from __future__ import annotations

import io
import re
import struct
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from lib_facerestore.engine.data import Metadata
from lib_facerestore.engine.pixels.formats import boxes, iptc, png

_EXIF_PREFIX = b"Exif\x00\x00"
_ORIENTATION_TAG = 0x0112
# What a TIFF's own directory holds beside its pixels' layout: who, when, with what. Layout tags are the encoder's.
_TIFF_TEXT_TAGS = (270, 271, 272, 305, 306, 315, 316, 33432)
_MOST_DOTS_PER_INCH = 65535  # JPEG's 16 bits
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_IPTC_RESOURCE = 0x0404
_PACKED_KEYWORDS = ("Raw profile type exif", "Raw profile type APP1", "Raw profile type xmp", "XML:com.adobe.xmp")
# All that Pillow raises on a damaged block.
DAMAGED_EXIF = (SyntaxError, struct.error, ValueError, OSError, KeyError, TypeError, AttributeError, OverflowError)
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))\s*\d+')


def carrier_of(image: Image.Image, data: bytes) -> Image.Image:
    """The image to ask for metadata: a PNG's chunks around one pixel, any other image itself."""
    if not data.startswith(png.SIGNATURE):
        return image
    return Image.open(io.BytesIO(png.around_one_pixel(data)), formats=["PNG"])


def metadata_of(image: Image.Image, data: bytes) -> Metadata:
    """All that travels beside the pixels. `data`: the whole file, b"" where there is none."""
    info: dict[Any, Any] = dict(image.info)
    file_format = image.format or ""
    # Asked for its text, an animated PNG decodes all of its frames.
    chunks = {} if getattr(image, "is_animated", False) else getattr(image, "text", {})
    texts = {str(key): str(value) for key, value in chunks.items()}
    # A text chunk may be named like one of Pillow's own entries, so each is taken only in the type it should have.
    icc = info.get("icc_profile")
    return Metadata(
        format=file_format,
        exif=_exif(image, info),
        icc=icc if isinstance(icc, bytes) else b"",
        xmp=with_upright_xmp(_xmp(info)),
        iptc=_iptc(info, texts),
        text=tuple((key, value) for key, value in texts.items() if not _is_packed(key)),
        colour_chunks=_colour_chunks(data),
        comment=info.get("comment", b"") if file_format in ("JPEG", "MPO") else b"",
        jpeg_tables=tuple(tuple(table) for _, table in sorted(getattr(image, "quantization", {}).items())),
        jpeg_sampling=_sampling(image),
        dots_per_inch=dots_per_inch(info.get("dpi")),
        is_lossless=file_format != "WEBP" or _has_riff_chunk(data, b"VP8L"),
    )


def with_upright_xmp(xmp: bytes) -> bytes:
    """The XMP packet with its orientation set to 1 and not one other byte changed."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def _iptc(info: dict[Any, Any], texts: dict[str, str]) -> bytes:
    if iptc.PNG_KEYWORD in texts:
        return iptc.of_png_text(texts[iptc.PNG_KEYWORD])
    resources = info.get("photoshop")
    return bytes(resources.get(_IPTC_RESOURCE, b"")) if isinstance(resources, dict) else b""


def _colour_chunks(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """What a PNG or an AVIF says of its colours beside an ICC profile, as PNG's chunks.

    AVIF's nclx holds the same four numbers as cICP; the matrix is 0 in a file of RGB.
    """
    if data.startswith(png.SIGNATURE):
        return png.colour_chunks(data)
    avif = boxes.avif_of(data)
    if avif is None or avif.cicp is None or avif.cicp[0] > 255 or avif.cicp[1] > 255:
        return ()
    return (("cICP", bytes((avif.cicp[0], avif.cicp[1], 0, 1))),)


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 where there is none or it is damaged."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except (SyntaxError, struct.error, ValueError, OSError, KeyError, TypeError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels turned and mirrored as an EXIF orientation of 1 to 8 asks for; a view.

    Shapes: (H, W, …) → the same, or (W, H, …) for 5 to 8. Source: EXIF 2.32, tag 0x0112.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def with_upright_orientation(exif: bytes) -> bytes:
    """The EXIF block with its orientation set to 1 and not one other byte changed.

    A block whose directory cannot be walked is dropped: no reader could use it either.
    """
    exif = exif.removeprefix(_EXIF_PREFIX)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(exif[:4])
    if order is None:
        return b""
    block = bytearray(exif)
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            (tag,) = struct.unpack_from(order + "H", block, entry)
            if tag == _ORIENTATION_TAG:
                struct.pack_into(order + "HIHH", block, entry + 2, 3, 1, 1, 0)  # one SHORT of value 1
    except struct.error:
        return b""
    return bytes(block)


def _exif(image: Image.Image, info: dict[Any, Any]) -> bytes:
    raw = info.get("exif")
    if isinstance(raw, bytes):
        return with_upright_orientation(raw)
    try:
        return exif_of(image.getexif(), is_tiff=image.format == "TIFF")
    except DAMAGED_EXIF:
        return b""


def exif_of(found: Image.Exif, is_tiff: bool) -> bytes:
    """An EXIF block of what Pillow found, without its orientation; b"" where nothing is left.

    is_tiff: the entries stand among those that describe the pixels' layout, which are left to the encoder.
    """
    try:
        kept = Image.Exif()
        for tag in _TIFF_TEXT_TAGS if is_tiff else tuple(found):
            if tag in found and tag != _ORIENTATION_TAG:
                kept[tag] = found[tag]
        for directory in (_EXIF_IFD, _GPS_IFD):
            if entries := found.get_ifd(directory):
                kept.get_ifd(directory).update(entries)
        return kept.tobytes().removeprefix(_EXIF_PREFIX) if len(kept) or kept.get_ifd(_EXIF_IFD) else b""
    except DAMAGED_EXIF:
        return b""


def _xmp(info: dict[Any, Any]) -> bytes:
    raw = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    return raw.encode() if isinstance(raw, str) else bytes(raw)


def _has_riff_chunk(data: bytes, wanted: bytes) -> bool:
    """Whether a RIFF file has a chunk of that name at its top level. Source: WebP container specification."""
    position = 12
    while position + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, position)
        if kind == wanted:
            return True
        position += 8 + size + size % 2
    return False


def _is_packed(keyword: str) -> bool:
    """Text chunks that hold EXIF, XMP or IPTC, which are carried on their own."""
    return keyword in (*_PACKED_KEYWORDS, iptc.PNG_KEYWORD)


def _sampling(image: Image.Image) -> str:
    from PIL import JpegImagePlugin

    if image.format not in ("JPEG", "MPO"):
        return ""
    return {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}.get(JpegImagePlugin.get_sampling(image), "")


def dots_per_inch(value: Any) -> tuple[float, float] | None:
    """A pair of numbers as dots per inch; None for anything that cannot be one."""
    try:
        x, y = value
        x, y = float(x), float(y)
        return (x, y) if all(1 <= each <= _MOST_DOTS_PER_INCH for each in (x, y)) else None
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
