"""The one list of suffixes is what reading takes and writing gives; Pillow makes a file of every kind that it can."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lib_facerestore.engine import pixels
from lib_facerestore.engine.pixels import SUFFIXES, FormatName, WriteOptions
from lib_facerestore.engine.pixels.suffixes import REFUSED, WRITTEN_AS
from lib_facerestore.errors import PictureError
from lib_facerestore.setting_info import choices

Image.init()
# What Pillow can make, by suffix; two old names of JPEG that it does not know; and what Windows saves under .dib.
MADE = {suffix: name for suffix, name in Image.registered_extensions().items() if name in Image.SAVE}
MADE |= {".jif": "JPEG", ".jfi": "JPEG", ".dib": "BMP"}


def made(folder, suffix, mode="RGB"):
    """A file of 40×24 px, of the kind that Pillow makes for the suffix; None where it makes none of that mode here."""
    picture = Image.fromarray(np.full((24, 40, 3), 90, np.uint8)).convert(mode)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, MADE[suffix])
    except (OSError, KeyError, ValueError, AttributeError):
        return None
    path = folder / f"{mode}{suffix}"
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - REFUSED))
def test_every_suffix_of_the_list_is_read(suffix, tmp_path):
    assert pixels.read(made(tmp_path, suffix)).size_hw == (24, 40)


def test_what_is_not_in_the_list_is_not_read(tmp_path):
    others = [made(tmp_path, suffix, mode) for suffix in sorted(MADE.keys() - SUFFIXES) for mode in ("RGB", "L", "1")]
    others = [path for path in others if path is not None]

    assert {".ico", ".pcx", ".tga"} <= {path.suffix for path in others}
    for path in others:
        with pytest.raises(PictureError, match="is not a picture that can be read here"):
            pixels.read(path)


def test_a_picture_of_floats_is_refused_with_its_name(tmp_path):
    path = made(tmp_path, ".pfm", "F")

    with pytest.raises(PictureError, match=r"F\.pfm"):
        pixels.read(path)


def test_every_format_that_can_be_asked_for_is_written_under_a_suffix_of_the_list():
    formats: Any = [name for name in choices(FormatName) if name != "same"]
    given = {pixels.output_suffix(Path("a"), WriteOptions(name)) for name in formats}

    assert {".png", ".jpg", ".tif"} <= given <= WRITTEN_AS.keys() <= SUFFIXES - REFUSED
