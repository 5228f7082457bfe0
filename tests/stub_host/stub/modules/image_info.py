"""Infotext in files: PNG text, EXIF user comment, and Forge's hidden text in the alpha channel."""

from __future__ import annotations

import gzip

import numpy as np
from PIL import Image

from modules import host_kind

USER_COMMENT = 0x9286
EXIF_FOLDER = 0x8769
_UNICODE = b"UNICODE\0"
_SIGNATURE = b"stealth_pngcomp"
IGNORED = (
    "jfif jfif_version jfif_unit jfif_density dpi exif loop background timestamp duration progressive progression "
    "icc_profile chromaticity photoshop"
).split()


def exif_with(text: str) -> bytes:
    """EXIF bytes with a text as user comment."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_FOLDER)[USER_COMMENT] = _UNICODE + text.encode("utf-16-be")
    # Pillow 9.5 writes a folder only if its pointer is set.
    exif[EXIF_FOLDER] = {USER_COMMENT: _UNICODE + text.encode("utf-16-be")}
    return exif.tobytes()


def _user_comment(data: bytes) -> str:
    exif = Image.Exif()
    try:
        exif.load(data)
        comment = exif.get_ifd(EXIF_FOLDER).get(USER_COMMENT, b"")
    except (OSError, SyntaxError, ValueError):
        return ""
    if isinstance(comment, str):
        return comment
    if comment.startswith(_UNICODE):
        return comment[len(_UNICODE) :].decode("utf-16-be", errors="ignore")
    return comment.decode("utf8", errors="ignore")


def read_info_from_image(image: Image.Image) -> tuple[str | None, dict]:
    """The infotext, or None, and the other texts of a picture."""
    items = dict(image.info or {})
    geninfo = items.pop("parameters", None)
    if "exif" in items:
        geninfo = _user_comment(items["exif"]) or geninfo
    elif "comment" in items:
        comment = items["comment"]
        geninfo = comment.decode("utf8", errors="ignore") if isinstance(comment, bytes) else comment
    for key in IGNORED:
        items.pop(key, None)
    if geninfo is None and host_kind.hides_text():
        geninfo = read_hidden(image)
    return geninfo, items


def hide(image: Image.Image, text: str) -> None:
    """Give the picture itself an alpha channel of 254 and 255 whose last bits say the text, column by column."""
    packed = gzip.compress(text.encode("utf8"))
    message = _SIGNATURE + (len(packed) * 8).to_bytes(4, "big") + packed
    bits = np.unpackbits(np.frombuffer(message, np.uint8))
    alpha = np.full(image.width * image.height, 255, np.uint8)
    if len(bits) <= len(alpha):
        alpha[: len(bits)] = 254 | bits
    image.putalpha(Image.fromarray(alpha.reshape(image.width, image.height).T.copy()))


def read_hidden(image: Image.Image) -> str | None:
    """The text that `hide` left, if any."""
    if image.mode != "RGBA":
        return None
    bits = np.asarray(image.getchannel("A")).T.reshape(-1) & 1
    head = len(_SIGNATURE) * 8
    if bytes(np.packbits(bits[:head])) != _SIGNATURE:
        return None
    length = int.from_bytes(bytes(np.packbits(bits[head : head + 32])), "big")
    return gzip.decompress(bytes(np.packbits(bits[head + 32 : head + 32 + length]))).decode("utf8")
