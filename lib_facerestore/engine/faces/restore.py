"""Crops to restored crops with their masks, by one restorer after the other. Knows nothing of canvases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import Crop, FaceChoice, FloatPixels, Mask, Picture, Pixels, Ran, RestoredCrop
from lib_facerestore.engine.faces import align, mask
from lib_facerestore.engine.faces.batches import on_cpu_at_last, restore_in_batches
from lib_facerestore.engine.ports import Progress, Restorer, Tools
from lib_facerestore.engine.ran import Notes
from lib_facerestore.engine.tone import GREY, Tone, tone_of_square
from lib_facerestore.errors import ModelError
from lib_facerestore.settings import RestoreSettings

# A face's tone is looked for at the face's own size in the picture, at most at this one. What so small a square is too
# noisy to tell, the square of three times its side may.
_LARGEST_LOOK_PX, _LEAST_LOOK_PX, _SMALL_PX, _AROUND = 512, 8, 72, 3


@dataclass(frozen=True)
class Restoration:
    """What one restorer made of the faces of a picture."""

    faces: tuple[RestoredCrop, ...]
    visibility: dict[int, float]
    """Of each face that was asked for, by its index."""
    failures: dict[int, str]
    """Why a face has nothing, by its index."""
    ran: Ran


@dataclass(frozen=True)
class FaceWork:
    """What all restorers of one picture share."""

    tools: Tools
    settings: RestoreSettings
    tones: Mapping[int, Tone]
    """The tone of each face that has one, by its index."""
    progress: Progress


def restore_faces(crops: Sequence[Crop], by_face: dict[int, FaceChoice], work: FaceWork) -> list[Restoration]:
    """What the first restorer makes, then the second one on top of it, in the order in which they are pasted.

    None without a restorer; the second one only where the tools have it and its visibility is above 0.

    Raises: Interrupted.
    """
    tools, settings = work.tools, work.settings
    if tools.restorer is None:
        return []
    visibility = {index: choice.visibility for index, choice in by_face.items()}
    fidelity = {index: choice.fidelity for index, choice in by_face.items()}
    first = _restore_once(crops, tools.restorer, fidelity, visibility, work)
    if tools.second_restorer is None or settings.second_visibility == 0:
        return [first]
    seen = [_seen_after(face, visibility[face.crop.face.index]) for face in first.faces]
    second = _restore_once(
        seen,
        tools.second_restorer,
        dict.fromkeys(by_face, settings.second_fidelity),
        dict.fromkeys(by_face, settings.second_visibility),
        work,
    )
    # The second restorer saw the first one's face; the crop that goes on is the one cut from the picture.
    cut_out = {face.crop.face.index: face.crop for face in first.faces}
    return [first, replace(second, faces=tuple(replace(f, crop=cut_out[f.crop.face.index]) for f in second.faces))]


def face_tones(picture: Picture, crops: Sequence[Crop], keep: str) -> dict[int, Tone]:
    """The tone of each face that has one, by the face's index: that of the square which its network sees.

    keep: as in `tone.tone_of`. What the rest of the picture shows does not count.
    """
    if keep == "off":
        return {}
    tones = {c.face.index: GREY if picture.is_grey else _tone_of_face(picture.pixels, c, keep) for c in crops}
    return {index: tone for index, tone in tones.items() if tone is not None}


def mask_kind(tools: Tools, settings: RestoreSettings) -> str:
    """The kind of mask that is to be made; "auto" parses where there is a parser."""
    if settings.mask != "auto":
        return settings.mask
    return "parsing" if tools.parser is not None else "landmarks"


def _tone_of_face(pixels: Pixels, crop: Crop, keep: str) -> Tone | None:
    side = max(_LEAST_LOOK_PX, min(_LARGEST_LOOK_PX, round(crop.native_side_px)))
    tone = tone_of_square(_square(pixels, crop, side, 1), keep)
    if tone is None and side < _SMALL_PX:
        tone = tone_of_square(_square(pixels, crop, side, _AROUND), keep)
    return tone


def _square(pixels: Pixels, crop: Crop, side: int, times: int) -> FloatPixels:
    """The crop's square with a side of so many px, and (times − 1) / 2 sides of its surroundings on each side."""
    ratio = side / crop.side_px
    affine = crop.affine * ratio
    # u′ = (u + ½)·ratio − ½, and the surroundings before it.
    affine[:, 2] += (ratio - 1) / 2 + side * (times - 1) / 2
    return align.warp(pixels, affine, side * times)


def _restore_once(
    crops: Sequence[Crop],
    restorer: Restorer,
    fidelity: dict[int, float],
    visibility: dict[int, float],
    work: FaceWork,
) -> Restoration:
    notes = Notes()
    done = restore_in_batches(
        crops, restorer, lambda crop: fidelity[crop.face.index], work.tools.face_batch, work.progress, notes
    )
    faces: list[RestoredCrop] = []
    failures: dict[int, str] = {}
    for crop, outcome in done:
        index = crop.face.index
        if isinstance(outcome, str):
            failures[index] = outcome
            continue
        work.progress.check()  # a parser may take seconds for each face
        face_mask = _mask(crop, outcome, work, notes)
        pixels = work.tones[index].apply(outcome) if index in work.tones else outcome
        shown_as = fidelity[index] if restorer.has_fidelity else None
        faces.append(RestoredCrop(crop, pixels, face_mask, restorer.used.name, shown_as))
    return Restoration(tuple(faces), visibility, failures, notes.ran())


def _seen_after(face: RestoredCrop, visibility: float) -> Crop:
    """The crop as the second restorer sees it: the restored one over the original, at the first one's visibility."""
    side = face.crop.side_px
    pixels = face.pixels
    if pixels.shape[0] != side:
        # Averaging whole blocks is for reducing; enlarged like that, a face would show blocks.
        kernel = cv2.INTER_AREA if pixels.shape[0] > side else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (side, side), interpolation=kernel), np.float32)
    seen = face.crop.pixels + (pixels - face.crop.pixels) * np.float32(visibility)
    return replace(face.crop, pixels=seen, is_restored=True)


def _mask(crop: Crop, pixels: FloatPixels, work: FaceWork, notes: Notes) -> Mask:
    """The mask of one restored crop, on the restored crop's grid; the oval where the parser fails, and a warning."""
    feather = work.settings.mask_feather / 100
    side = pixels.shape[0]
    kind = mask_kind(work.tools, work.settings)
    if kind == "parsing":
        labels = _parsed(pixels, work, notes)
        if labels is not None:
            notes.mask(kind)
            return mask.parsing_mask(*labels, side, feather)
        kind = "landmarks"
    notes.mask(kind)
    if kind == "landmarks":
        return mask.landmark_mask(_on_grid_of(crop, pixels), feather)
    return mask.feather_mask(side, feather)


def _parsed(pixels: FloatPixels, work: FaceWork, notes: Notes) -> tuple[NDArray[np.uint8], tuple[str, ...]] | None:
    """The parser's labels and its classes; None where it fails, and a warning."""
    parser = work.tools.parser
    assert parser is not None, "session loads a parser where the mask needs one"
    try:
        return on_cpu_at_last(parser, lambda: parser.parse([pixels])[0], notes), parser.classes
    except ModelError as error:
        notes.warn(f"{error} An oval mask was used instead.")
        return None


def _on_grid_of(crop: Crop, pixels: FloatPixels) -> Crop:
    """The crop on the grid of its restored pixels, k times larger: u′ = (u + ½)·k − ½."""
    k = pixels.shape[0] / crop.side_px
    affine = k * crop.affine
    affine[:, 2] += (k - 1) / 2
    return Crop(crop.face, pixels, affine)
