"""EXIF, ICC, XMP and IPTC of one page of a TIFF, from its directory. Pillow need not be able to decode the page."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from lib_facerestore.engine.data import Metadata
from lib_facerestore.engine.pixels.carried.metadata import DAMAGED_EXIF, dots_per_inch, exif_of, with_upright_xmp
from lib_facerestore.engine.pixels.formats import iptc
from lib_facerestore.engine.pixels.formats.tiff_directory import Layout, block, directory_at, layout_of, numbers
from lib_facerestore.engine.pixels.formats.tiff_page import TiffPage

_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 274, 282, 283, 296
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_CENTIMETRE = 3
_CENTIMETRES_PER_INCH = 2.54


def metadata_of_page(data: bytes, page: TiffPage) -> tuple[Metadata, int]:
    """What the page carries, its orientation already taken out, and that orientation (1 to 8).

    Raises: ValueError where the directory does not lie within the file.
    """
    layout = layout_of(data)
    assert layout is not None, "the page was read from a TIFF"
    found = directory_at(data, page.offset, layout)
    exif = _read_exif(data, page, layout)
    orientation = next(iter(numbers(data, found.entries.get(_ORIENTATION), layout)), 1)
    metadata = Metadata(
        format="TIFF",
        exif=exif_of(exif, is_tiff=True),
        icc=block(data, found.entries.get(_ICC)),
        xmp=with_upright_xmp(block(data, found.entries.get(_XMP))),
        iptc=iptc.of_tiff(block(data, found.entries.get(_IPTC)), block(data, found.entries.get(_PHOTOSHOP))),
        dots_per_inch=_dots_per_inch(exif),
    )
    return metadata, orientation if 1 <= orientation <= 8 else 1


def _read_exif(data: bytes, page: TiffPage, layout: Layout) -> Any:
    """The page's directory as Pillow's Exif; an empty one where it cannot be read."""
    exif = Image.Exif()
    exif.endian, exif.bigtiff = layout.order, layout.is_big  # an Exif of its own file knows neither
    try:
        exif.load_from_fp(io.BytesIO(data), page.offset)
    except DAMAGED_EXIF:
        return Image.Exif()
    return exif


def _dots_per_inch(exif: Any) -> tuple[float, float] | None:
    per = _CENTIMETRES_PER_INCH if exif.get(_RESOLUTION_UNIT, 2) == _CENTIMETRE else 1.0
    found = dots_per_inch((exif.get(_X_RESOLUTION), exif.get(_Y_RESOLUTION)))
    return None if found is None or exif.get(_RESOLUTION_UNIT, 2) == 1 else (found[0] * per, found[1] * per)
