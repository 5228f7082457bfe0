"""PNM and PAM pictures of more than 8 bits, which are plain rows of numbers; Pillow reads the others.

Source: netpbm's descriptions of pgm, ppm and pam.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.pixels.formats.quiet import Unreadable

_CHANNELS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
# A comment may stand between any two words of the header.
_GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
_HEADER = re.compile(rb"(P[2356])" + _GAP + rb"(\d+)" + _GAP + rb"(\d+)" + _GAP + rb"(\d+)(?:#[^\n\r]*[\n\r]|\s)")
_PAM_HEADER = re.compile(rb"P7\s.{0,1000}?\nENDHDR\n", re.DOTALL)
_TUPLE_CHANNELS = {b"GRAYSCALE": 1, b"GRAYSCALE_ALPHA": 2, b"RGB": 3, b"RGB_ALPHA": 4}
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class PnmHeader:
    """start: first byte of the samples. highest: the sample that stands for white. is_plain: samples in words."""

    size_hw: tuple[int, int]
    channels: int
    highest: int
    start: int
    is_plain: bool


def header_of(data: bytes) -> PnmHeader | None:
    """The header of a PNM or PAM with more than 8 bits, and of every PAM; None for all other files.

    Raises: Unreadable for a PAM whose channels are not stated in a way that is known.
    """
    if data.startswith(b"P7"):
        return _pam_header(data)
    found = _HEADER.match(data[:_HEAD_BYTES])
    if found is None or int(found[4]) <= 255:
        return None
    if int(found[4]) > 65535:
        raise Unreadable(f"says that {int(found[4])} is white; 65535 is the most that the format allows.")
    size_hw = int(found[3]), int(found[2])
    return PnmHeader(size_hw, _CHANNELS[found[1]], int(found[4]), found.end(), found[1] in (b"P2", b"P3"))


def samples_of(data: bytes, header: PnmHeader) -> NDArray[Any]:
    """(H, W, channels) uint8 or uint16 in the whole range of the type.

    Raises: Unreadable where samples are missing or above the highest.
    """
    height, width = header.size_hw
    count = height * width * header.channels
    kind = np.uint8 if header.highest <= 255 else np.uint16
    if header.is_plain:
        words = data[header.start :].split(maxsplit=count)[:count]
        samples = np.array([int(word) for word in words if word.isdigit()], np.int64)
    else:
        step = np.dtype(kind).itemsize
        there = min(count, (len(data) - header.start) // step)
        samples = np.frombuffer(data, np.dtype(kind).newbyteorder(">"), there, header.start)
    if samples.size < count:
        raise Unreadable(f"is damaged: it holds {samples.size} of {count} samples.")
    if samples.max(initial=0) > header.highest:
        raise Unreadable(f"is damaged: a sample is {samples.max()}, and {header.highest} is white.")
    samples = samples.reshape(height, width, header.channels)
    largest = np.iinfo(kind).max
    if header.highest == largest:
        return np.asarray(samples, kind)
    table = np.rint(np.arange(header.highest + 1) * (largest / header.highest)).astype(kind)
    return np.asarray(table[samples])


def _pam_header(data: bytes) -> PnmHeader:
    found = _PAM_HEADER.match(data[:_HEAD_BYTES])
    if found is None:
        raise Unreadable("is damaged: its header has no end.")
    fields: dict[bytes, bytes] = {}
    for line in found[0].splitlines():
        words = line.split(maxsplit=1)
        if len(words) == 2 and not line.startswith(b"#"):
            fields[words[0]] = words[1].strip()
    try:
        height, width, depth, highest = (int(fields[key]) for key in (b"HEIGHT", b"WIDTH", b"DEPTH", b"MAXVAL"))
    except (KeyError, ValueError) as error:
        raise Unreadable("is damaged: its header does not tell size, depth and white.") from error
    kind = fields.get(b"TUPLTYPE", b"")
    if _TUPLE_CHANNELS.get(kind) != depth or not 1 <= highest <= 65535 or height < 1 or width < 1:
        said = f"{depth} channels of type {kind.decode('ascii', 'replace') or 'unknown'}, white {highest}"
        raise Unreadable(f"is a PAM picture with {said}, which is not supported; save it as PNG.")
    return PnmHeader((height, width), depth, highest, found.end(), is_plain=False)
