"""An atheris target over the decoder: for any bytes a Picture or a PictureError, nothing else. Run: make fuzz.

Usage: fuzz_read.py [libFuzzer options] FOLDER…; `fuzz_read.py --seeds FOLDER` writes a small file of every format.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import time
import zlib
from pathlib import Path

import atheris

# Pillow's Python half decides on headers, tags and chunks; the C decoders below it are not instrumented.
with atheris.instrument_imports(include=["PIL", "lib_facerestore"]):
    from PIL import Image

    from lib_facerestore.engine.data import Picture
    from lib_facerestore.engine.pixels.decode import ReadLimits, decode
    from lib_facerestore.errors import PictureError

    Image.init()

# 4 megapixels of 16-bit RGBA and their copies take about 100 MB; -rss_limit_mb in the Makefile stands above that.
LIMITS = ReadLimits(megapixels=4.0, file_megabytes=1.0)
_SLOW_SECONDS = 10.0
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def one_input(data: bytes) -> None:
    """Decode; every exception but PictureError ends the run and leaves the input behind."""
    started = time.monotonic()
    try:
        picture = decode(data, "fuzz", LIMITS)
    except PictureError as error:
        said = str(error)
        assert re.fullmatch(r"fuzz \w[^\n]*\.", said), f"no sentence: {said!r}"
    else:
        assert isinstance(picture, Picture)
        assert picture.size_hw[0] * picture.size_hw[1] <= LIMITS.megapixels * 1e6
    assert time.monotonic() - started < _SLOW_SECONDS, "too slow"


def mutate(data: bytes, most_bytes: int, seed: int) -> bytes:
    """libFuzzer's mutation; nine of ten times a PNG's checksums are then put right, or no mutation would pass them."""
    mutated = atheris.Mutate(data, most_bytes)
    return with_checksums(mutated) if seed % 10 and mutated.startswith(_PNG_SIGNATURE) else mutated


def with_checksums(data: bytes) -> bytes:
    """The PNG with the right checksum behind each chunk that is whole."""
    fixed = bytearray(data)
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(fixed):
        (length,) = struct.unpack_from(">I", fixed, position)
        end = position + 8 + length
        if end + 4 > len(fixed):
            break
        struct.pack_into(">I", fixed, end, zlib.crc32(fixed[position + 4 : end]))
        position = end + 4
    return bytes(fixed)


def write_seeds(folder: Path) -> None:
    """One small file for every row of the format table."""
    from helpers.pixel_files import format_rows as formats

    folder.mkdir(parents=True, exist_ok=True)
    formats.HEIGHT, formats.WIDTH = 9, 14
    for number, (_, suffix, make) in enumerate(formats.ROWS):
        (folder / f"seed{number:02d}{suffix}").write_bytes(make())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(Path(sys.argv[2]))
        sys.exit()
    os.environ["OPENCV_LOG_LEVEL"] = "OFF"
    atheris.Setup(sys.argv, one_input, custom_mutator=mutate)
    atheris.Fuzz()
