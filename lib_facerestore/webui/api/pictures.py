"""Decode the pictures of a request and encode those of an answer; holds the limits of both."""

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

MOST_MEGAPIXELS = 200.0
"""Of a picture in a request; as many as the command line reads. Decoded it takes 3 or 6 bytes per pixel."""
MOST_RESULT_MEGAPIXELS = 256.0
"""Of a picture in an answer."""
MOST_PICTURES = 32
"""In one request."""
MOST_BODY_BYTES = 256 << 20
"""Of a request. Body, base64 and files are in memory together, so that several times as much is needed."""
MOST_ANSWER_BYTES = 512 << 20
"""Of all pictures of an answer together, in base64."""


def read(given: str | bytes, number: int) -> Picture:
    """Decode a picture of a request, with the file's metadata.

    given: the bytes of a file, or its base64, also as a data URI. number: of the picture in the request, from 1, for
    sentences about it. Raises: PictureTooLarge; PictureError where it is no picture that can be read.
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
    """Encode a picture for an answer; return the file in base64, and a sentence for each thing that its format lost.

    number: of the picture in the request, from 1. wanted: the format. quality: 1 … 100 for JPEG and WebP; 0 for the
    choice of `engine.pixels`. Raises: PictureError.
    """
    path = Path(f"Picture {number}.{wanted}")
    data = encode(picture, path, WriteOptions(format=wanted, quality=quality))
    return base64.b64encode(data).decode("ascii"), losses(picture, path)


def _decoded(text: str, name: str) -> bytes:
    """Return the bytes in base64 or in a data URI. name: of the picture, for the sentence. Raises: PictureError."""
    head, mark, _ = text[:200].partition(",")
    if head.lower().startswith("data:"):
        if not mark or not head.lower().endswith(";base64"):
            raise PictureError(name, "is a data URI without base64; begin it with data:image/png;base64, or the like.")
        text = text[len(head) + len(mark) :]
    try:
        # Many tools write a line break after each 76 characters.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: characters that are not ASCII
        raise PictureError(name, "is no file in base64; paths and addresses are not opened.") from error
