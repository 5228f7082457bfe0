"""The samples of a TIFF's page as its file holds them: tifffile where it is installed, else Pillow and OpenCV.

Pillow and OpenCV give wrong pixels for some files without a word, so they read only what was found right in all of a
generated sweep (tests/engine/pixels/test_tiff_sweep.py); the rest is refused with the packages that can read it.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib_facerestore.engine.pixels.colours import holds_eight_bits
from lib_facerestore.engine.pixels.formats import tiff_page
from lib_facerestore.engine.pixels.formats.quiet import Unreadable, quiet_opencv
from lib_facerestore.engine.pixels.formats.tiff_directory import layout_of, with_only
from lib_facerestore.engine.pixels.formats.tiff_page import TiffPage

PACKAGES = "the packages tifffile and imagecodecs read it: pip install tifffile imagecodecs"
_COMPRESSIONS = {
    1: "no compression", 2: "CCITT compression", 3: "CCITT fax 3", 4: "CCITT fax 4", 5: "LZW", 6: "old JPEG",
    7: "JPEG", 8: "deflate", 32773: "PackBits", 32946: "deflate", 34712: "JPEG 2000", 34925: "LZMA",
    50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip
_PHOTOMETRIC = {
    0: "grey (white is zero)", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIELab",
    9: "ICCLab", 10: "ITULab", 32803: "camera raw", 34892: "linear raw", 32844: "LogL", 32845: "LogLuv",
}  # fmt: skip
_PILLOW_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
_FAX = frozenset({2, 3, 4})
_JPEG = 7


def refusal(page: TiffPage) -> str:
    """Why no package can give the page's colours, "" where one might: what the file says they are is no picture."""
    if any(kind not in (tiff_page.UNSIGNED, 4) for kind in page.sample_formats):
        kind = {2: "signed numbers", 3: "floating-point numbers"}.get(page.sample_formats[0], "complex numbers")
        return f"holds {max(page.bits)}-bit {kind}, which have no fixed white; save it with 16 bits per channel."
    if not page.depth:
        return f"has channels of different depths ({', '.join(map(str, page.bits))} bits); save it with equal ones."
    if page.depth > 16:
        return f"holds {page.depth}-bit numbers, which have no fixed white; save it with 16 bits per channel."
    if page.photometric == tiff_page.CMYK and page.ink_set != 1:
        return "holds inks other than cyan, magenta, yellow and black, which have no fixed colours; save it as RGB."
    if page.photometric not in range(7) or page.photometric == tiff_page.TRANSPARENCY_MASK:
        return f"stores its pixels as {described(page)}, which is not supported; save it as RGB."
    if page.photometric == tiff_page.PALETTE and len(page.colour_map) != 3 << page.depth:
        return f"has a palette of {len(page.colour_map)} numbers where {3 << page.depth} belong."
    if page.colours < 1 or (page.photometric in (tiff_page.RGB, tiff_page.YCBCR) and page.colours != 3):
        return f"says {described(page)}, but has {page.samples} channels."
    return ""


def described(page: TiffPage) -> str:
    """The page in words: "RGB, 3 separate planes of 16 bits, Zstandard"."""
    kind = _PHOTOMETRIC.get(page.photometric, f"photometric interpretation {page.photometric}")
    planes = "separate planes" if page.is_planar else "channels" if page.samples > 1 else "channel"
    depth = f"{page.depth} bits" if page.depth != 1 else "1 bit"
    compression = _COMPRESSIONS.get(page.compression, f"compression {page.compression}")
    return f"{kind}, {page.samples} {planes} of {depth}, {compression}"


def with_tifffile(data: bytes, page: TiffPage) -> NDArray[Any] | None:
    """(H, W, samples) in the values of the file; None where tifffile is not installed or knows no such compression.

    JPEG inside comes as RGB. Raises: what tifffile and imagecodecs raise for damaged data.
    """
    if page.photometric == tiff_page.YCBCR and page.compression != _JPEG:
        return None  # chroma at a lower resolution, which tifffile leaves to its caller; Pillow's libtiff does it
    try:
        import tifffile
    except ImportError:
        return None
    with _quiet_tifffile(), tifffile.TiffFile(io.BytesIO(data)) as file:
        file.filehandle.seek(page.offset)
        found = tifffile.TiffPage(file, index=0)
        if page.compression != 1 and not _can_decompress(page.compression):
            return None
        try:
            samples = np.asarray(found.asarray(squeeze=False))
        except NotImplementedError:
            return None
    # (planes, depth, H, W, samples of a plane)
    samples = samples.reshape(found.shaped)[:, 0]
    samples = np.moveaxis(samples, 0, -1).reshape(*samples.shape[1:3], -1) if page.is_planar else samples[0]
    return np.asarray(samples, np.uint8) if samples.dtype == np.bool_ else samples


def pillow_reads(page: TiffPage) -> bool:
    """Whether Pillow gives this page's pixels right; see the sweep."""
    if page.compression not in _PILLOW_COMPRESSIONS or page.number is None or page.is_big:
        return False
    if page.is_bit_reversed and page.depth != 1:
        return False
    if page.compression in _FAX:
        return page.depth == 1 and page.samples == 1
    kind, depth = page.photometric, page.depth
    if kind == tiff_page.WHITE_IS_ZERO:
        return page.samples == 1 and depth in (1, 2, 4, 8)
    if kind == tiff_page.BLACK_IS_ZERO:
        return (page.samples == 1 and depth in (1, 2, 4, 8, 16)) or (
            depth == 8 and page.extra == (tiff_page.STRAIGHT_ALPHA,) and not page.is_planar
        )
    if kind == tiff_page.RGB:
        return depth == 8 and page.extra in ((), (0,), (2,)) + (() if page.is_planar else ((1,),))
    if kind == tiff_page.PALETTE:
        is_narrow = max(page.colour_map) <= 255  # 8-bit numbers in 16-bit fields, of which Pillow takes the high byte
        return page.samples == 1 and depth in (1, 2, 4, 8) and holds_eight_bits(page.colour_map) and not is_narrow
    return depth == 8 and not page.extra and kind in (tiff_page.CMYK, tiff_page.YCBCR)


def opencv_reads(page: TiffPage) -> bool:
    """Whether OpenCV gives this page's pixels right; see the sweep."""
    return (
        page.photometric == tiff_page.RGB
        and page.depth == 16
        and not page.is_big
        and not page.is_planar
        and page.extra in ((), (tiff_page.ASSOCIATED_ALPHA,), (tiff_page.STRAIGHT_ALPHA,))
        and page.compression in (1, 5, 8, 32946)
        and page.number == 0
    )


def with_opencv(data: bytes) -> NDArray[Any]:
    """(H, W, 3 or 4) uint16 RGB or RGBA of the first page.

    Raises: Unreadable.
    """
    with quiet_opencv():
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if decoded is None or decoded.dtype != np.uint16 or decoded.ndim != 3:
        raise Unreadable("is damaged: its 16-bit pixels cannot be decoded.")
    code = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGB
    cv2.cvtColor(decoded, code, dst=decoded)  # in place: a copy would be as large as the picture
    return decoded


def pillow_page(data: bytes, page: TiffPage) -> Image.Image:
    """The page as an image of Pillow's, not yet decoded.

    Its libtiff prints on the terminal what it thinks of odd tags, so it gets those only that say how pixels are stored.
    """
    layout = layout_of(data)
    assert layout is not None, "the page was read from a TIFF"
    return Image.open(io.BytesIO(with_only(data, page.offset, layout, tiff_page.LAYOUT_TAGS)), formats=["TIFF"])


def _can_decompress(compression: int) -> bool:
    import tifffile

    try:
        return tifffile.TIFF.DECOMPRESSORS[compression] is not None
    except KeyError:
        return False


@contextmanager
def _quiet_tifffile() -> Iterator[None]:
    """tifffile logs oddities of files; what matters of them is in our errors."""
    logger = logging.getLogger("tifffile")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
