"""One page of a TIFF to RGB: what its directory says of the samples decides what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib_facerestore.engine.levels import to_sixteen_bits
from lib_facerestore.engine.pixels import colours
from lib_facerestore.engine.pixels.colours import Decoded
from lib_facerestore.engine.pixels.formats import tiff_page, tiff_reader
from lib_facerestore.engine.pixels.formats.quiet import Unreadable
from lib_facerestore.engine.pixels.formats.tiff_page import TiffPage
from lib_facerestore.engine.pixels.pil import decoded_of

_JPEG = 7


def decode_page(data: bytes, page: TiffPage, icc: bytes, name: Path | str) -> Decoded:
    """The page's pixels in RGB, as stored: not yet turned upright.

    Raises: Unreadable where no reader can give them right; what readers raise for damaged data.
    """
    if problem := tiff_reader.refusal(page):
        raise Unreadable(problem)
    _check_extent(data, page)
    samples = tiff_reader.with_tifffile(data, page)
    if samples is None and tiff_reader.opencv_reads(page):
        samples = tiff_reader.with_opencv(data)
    if samples is not None:
        _check_shape(samples, page)
        return _interpreted(samples, page, icc)
    if tiff_reader.pillow_reads(page):
        with tiff_reader.pillow_page(data, page) as image:
            return _of_pillow(image, page, icc, str(name))
    raise Unreadable(f"is a TIFF ({tiff_reader.described(page)}) that is not supported here; {tiff_reader.PACKAGES}.")


def _check_extent(data: bytes, page: TiffPage) -> None:
    """Readers fill what a short file lacks with zeros, so the ends of strips and tiles are compared with the file.

    Raises: Unreadable.
    """
    if page.ends and max(page.ends) > len(data):
        raise Unreadable(f"is damaged: it ends at byte {len(data)}, its pixels at byte {max(page.ends)}.")
    if len(page.ends) < page.chunks or page.has_empty_chunks:
        raise Unreadable(f"is damaged: {page.chunks} strips or tiles belong to it, and some are missing.")


def _check_shape(samples: NDArray[Any], page: TiffPage) -> None:
    """Raises: Unreadable where a reader gave something else than the directory says."""
    kind = np.uint8 if page.depth <= 8 else np.uint16
    if samples.shape != (*page.size_hw, page.samples) or samples.dtype != kind:
        found = f"{samples.shape[2]} channels of {samples.shape[1]}×{samples.shape[0]} px as {samples.dtype}"
        raise Unreadable(f"says it is {tiff_reader.described(page)}, but {found} came out of it.")


def _interpreted(samples: NDArray[Any], page: TiffPage, icc: bytes) -> Decoded:
    """RGB of (H, W, samples) in the values of the file."""
    count, kind = page.colours, page.photometric
    stored = samples[..., :count]
    notes: list[str] = []
    if kind == tiff_page.PALETTE:
        pixels, note = colours.from_palette(stored[..., 0], page.colour_map)
        notes.append(note)
    elif kind == tiff_page.CMYK:
        pixels, note = colours.from_cmyk(colours.full_range(stored, page.depth), icc)
        notes.append(note)
    elif kind in (tiff_page.WHITE_IS_ZERO, tiff_page.BLACK_IS_ZERO):
        grey = colours.full_range(stored, page.depth, is_inverted=kind == tiff_page.WHITE_IS_ZERO)
        pixels = np.repeat(grey, 3, axis=2)
    else:  # RGB, and YCbCr that came as RGB
        pixels = colours.full_range(stored, page.depth)
    alpha = _alpha(samples, page, pixels.dtype)
    if alpha is not None and page.extra[0] == tiff_page.ASSOCIATED_ALPHA:
        pixels = colours.straight(pixels, alpha)
    is_grey = kind in (tiff_page.WHITE_IS_ZERO, tiff_page.BLACK_IS_ZERO)
    notes += [_depth_note(page), _extra_note(page)]
    return Decoded(pixels, alpha, is_grey, tuple(filter(None, notes)), keeps_icc=kind != tiff_page.CMYK)


def _alpha(samples: NDArray[Any], page: TiffPage, kind: np.dtype[Any]) -> NDArray[Any] | None:
    """(H, W) of that type, where the first sample beyond the colours is one."""
    if page.extra[:1] not in ((tiff_page.ASSOCIATED_ALPHA,), (tiff_page.STRAIGHT_ALPHA,)):
        return None
    alpha = np.ascontiguousarray(colours.full_range(samples[..., page.colours], page.depth))
    return to_sixteen_bits(alpha) if kind == np.uint16 else alpha


def _depth_note(page: TiffPage) -> str:
    if page.depth in (8, 16) or page.photometric == tiff_page.PALETTE:
        return ""
    words = "1 bit per pixel was" if page.depth == 1 else f"{page.depth} bits per channel were"
    return f"{words} widened to {8 if page.depth <= 8 else 16}-bit {'grey' if page.colours == 1 else 'colour'}."


def _extra_note(page: TiffPage) -> str:
    alphas = (tiff_page.ASSOCIATED_ALPHA, tiff_page.STRAIGHT_ALPHA)
    left_out = len(page.extra) - (page.extra[:1] != () and page.extra[0] in alphas)
    return f"{left_out} extra channel{'s' * (left_out > 1)} of no stated meaning left out." if left_out else ""


def _of_pillow(image: Image.Image, page: TiffPage, icc: bytes, name: str) -> Decoded:
    """The page through Pillow, for what `tiff_reader.pillow_reads`."""
    image.load()
    if image.mode == "RGBX":
        image = image.convert("RGB")
    found = decoded_of(image, icc, name)
    notes = tuple(filter(None, (*found.notes, _depth_note(page), _extra_note(page))))
    return Decoded(found.pixels, found.alpha, found.is_grey, tuple(dict.fromkeys(notes)), found.keeps_icc)
