"""Pictures of a request and of an answer: base64 and files' bytes to `Picture` and back, and where that stops."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Literal, get_args

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels import ReadLimits, WriteOptions, decode, encode, losses
from lib_facerestore.errors import PictureError, PictureTooLarge

AnswerFormat = Literal["png", "jpeg", "webp"]
FORMATS: tuple[AnswerFormat, ...] = get_args(AnswerFormat)

# A decoded picture takes 3 bytes a pixel, with 16 bits per channel 6: 200 megapixels are what the command line reads.
MOST_MEGAPIXELS = 200.0
MOST_RESULT_MEGAPIXELS = 256.0
MOST_PICTURES = 32
# The body, its base64 and the pictures' bytes are in memory together, several times this much at once.
MOST_BODY_BYTES = 256 << 20
MOST_ANSWER_BYTES = 512 << 20


def read(given: str | bytes, number: int) -> Picture:
    """The picture in base64, in a data URI, or in a file's bytes, with all that the file holds. number: from 1.

    Raises: PictureTooLarge, PictureError.
    """
    name = f"Picture {number}"
    data = given if isinstance(given, bytes) else _decoded(given, name)
    if not data:
        raise PictureError(name, "is empty.")
    try:
        return decode(data, name, ReadLimits(megapixels=MOST_MEGAPIXELS))
    except PictureTooLarge as error:
        raise PictureTooLarge(name, f"has more than the limit of {MOST_MEGAPIXELS:g} megapixels.") from error


def write(picture: Picture, number: int, wanted: AnswerFormat, quality: int) -> tuple[str, tuple[str, ...]]:
    """The picture's file in base64, and what its format could not hold, in sentences. quality: 0 for our own choice.

    Raises: PictureError.
    """
    path = Path(f"Picture {number}.{wanted}")
    data = encode(picture, path, WriteOptions(format=wanted, quality=quality))
    return base64.b64encode(data).decode("ascii"), losses(picture, path)


def _decoded(text: str, name: str) -> bytes:
    head, mark, _ = text[:200].partition(",")
    if head.lower().startswith("data:"):
        if not mark or not head.lower().endswith(";base64"):
            raise PictureError(name, "is a data URI without base64; begin it with data:image/png;base64, or the like.")
        text = text[len(head) + len(mark) :]
    try:
        # Line ends, as tools write them after each 76 letters, are no part of it.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: letters that are not ASCII
        raise PictureError(name, "is no file in base64; paths and addresses are not opened.") from error
