"""Faces whose place is larger than the restored crop: how they get the detail that restoring at 512 px cannot give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from lib_facerestore.engine.data import Ran, RestoredCrop
from lib_facerestore.engine.levels import to_levels, to_unit_float
from lib_facerestore.engine.ports import Progress, Upscaler
from lib_facerestore.engine.ran import Notes
from lib_facerestore.errors import ModelError
from lib_facerestore.settings import LargeFaces

# A place this much larger than the restored crop is worth more than plain enlarging.
_LARGE = 1.05


@dataclass(frozen=True)
class FittedFace:
    """A face as it is pasted. keep_detail: the canvas' own finer detail goes over it. ran: the upscaler, if it did."""

    face: RestoredCrop
    keep_detail: bool = False
    ran: Ran = Ran()


def fit(
    face: RestoredCrop, canvas_scale: float, upscaler: Upscaler | None, how: LargeFaces, progress: Progress
) -> FittedFace:
    """The face for a place of its size: enlarged by the upscaler, or to be pasted under the picture's own detail.

    canvas_scale: canvas px per picture px. Where the upscaler fails, pasting enlarges the face plainly, and a warning
    says so: one face's trouble is not the picture's.
    Raises: Interrupted.
    """
    place_px = face.crop.native_side_px * canvas_scale
    if place_px <= _LARGE * face.pixels.shape[0] or how == "off":
        return FittedFace(face)
    if how == "detail" or upscaler is None or upscaler.scale <= 1:
        return FittedFace(face, keep_detail=True)
    try:
        return _enlarged(face, upscaler, progress)
    except ModelError as error:
        sentence = f"Face {face.crop.face.index + 1} was enlarged without an upscaler. {error}"
        return FittedFace(face, ran=Ran(warnings=(sentence,)))


def _enlarged(face: RestoredCrop, upscaler: Upscaler, progress: Progress) -> FittedFace:
    """The face after one run of the upscaler, in 16 bits on the way.

    Raises: OutOfMemory; InferenceFailed; Interrupted.
    """
    notes = Notes()
    done = upscaler.upscale(to_levels(face.pixels, np.uint16), progress)
    notes.enlarged(upscaler.used, done.tiles, done.device, done.warnings)
    side = done.pixels.shape[0]
    face_mask = np.asarray(cv2.resize(face.mask, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    larger = replace(face, pixels=to_unit_float(done.pixels), mask=face_mask)
    return FittedFace(larger, False, notes.ran())
