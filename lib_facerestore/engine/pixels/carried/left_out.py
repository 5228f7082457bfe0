"""What a file holds besides its picture that the result will not have, in sentences for the report."""

from __future__ import annotations

from lib_facerestore.engine.data import Metadata
from lib_facerestore.engine.pixels.carried import xmp
from lib_facerestore.engine.pixels.formats import boxes, jpeg

_GAIN_MAP = "Its gain map, which makes bright parts brighter on HDR screens, was left out."


def notes_of(data: bytes, metadata: Metadata, frames: int) -> tuple[str, ...]:
    """Sentences on pictures, videos and blocks that are left out.

    data: the whole file, b"" where there is none. frames: how many frames, pages or pictures it holds.
    """
    notes: list[str] = []
    is_jpeg = data.startswith(jpeg.SIGNATURE)
    has_index = is_jpeg and jpeg.has_multi_picture_index(data)
    has_gain_map = _has_gain_map(data, metadata, is_jpeg)
    has_motion = xmp.announces_motion(metadata.xmp)
    if has_gain_map:
        notes.append(_GAIN_MAP)
    if has_motion:
        notes.append("The video that belongs to it, a motion photo's, was left out.")
    if frames > 2 or (frames > 1 and not has_gain_map):
        notes.append(f"Only the first of {frames} frames was taken.")
    if is_jpeg and not (has_index or has_gain_map or has_motion) and (behind := jpeg.bytes_behind(data)):
        notes.append(f"{_size(behind)} behind the picture's end, which no standard describes, were left out.")
    if is_jpeg and jpeg.has_extended_xmp(data):
        notes.append("The part of its XMP that stands in blocks of its own was left out.")
    return tuple(notes)


def _has_gain_map(data: bytes, metadata: Metadata, is_jpeg: bool) -> bool:
    if xmp.announces_gain_map(metadata.xmp) or (is_jpeg and jpeg.has_gain_map_block(data)):
        return True
    avif = boxes.avif_of(data)
    return avif is not None and avif.has_gain_map


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count / 1e6:.2f} MB"
