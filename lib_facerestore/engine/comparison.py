"""The faces of one picture, each restored in several ways: found and cut once, nothing pasted. A part of the recipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Crop, FloatPixels, Picture, Prepared, Ran, read_only
from lib_facerestore.engine.faces import FaceWork, align, face_tones, restore_in_batches
from lib_facerestore.engine.ports import CropKernel, Progress, Restorer, Tools
from lib_facerestore.engine.ran import Notes, joined
from lib_facerestore.engine.tone import Tone
from lib_facerestore.engine.upscaling import resize_float
from lib_facerestore.settings import RestoreSettings


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to restore faces. fidelity: None for a model that has none.

    faces: for each crop (S, S, 3) float32 in [0, 1] of the crop's size, or the sentence that says why there is nothing.
    """

    restorer: str
    fidelity: float | None
    faces: tuple[FloatPixels | str, ...]


@dataclass(frozen=True, eq=False)
class FaceComparison:
    """The crops of one picture and their variants.

    prepared: also holds the faces that were not chosen, and why. device: as in `Report`.
    """

    prepared: Prepared
    variants: tuple[Variant, ...]
    warnings: tuple[str, ...]
    seconds: float
    device: str


def compare_restorers(
    picture: Picture,
    tools: Tools,
    settings: RestoreSettings,
    restorers: Callable[[], Iterable[tuple[str, Restorer | str]]],
    fidelities: Sequence[float],
    progress: Progress,
) -> FaceComparison:
    """Every chosen face by every restorer, at full visibility; by those that have a fidelity weight, at each of them.

    restorers: gives name and restorer, or the reason why there is none, one after the other; not called where there is
    no face. Two names of one restorer make one variant.
    Raises: Interrupted.
    """
    started = time.perf_counter()
    prepared = pipeline.prepare(picture, tools, settings)
    tones = face_tones(picture, prepared.crops, settings.keep_tone)
    work = FaceWork(tools, settings, tones, progress)
    # By kernel and side; the first is what prepare cuts for no restorer in particular.
    cut: dict[tuple[CropKernel, int], Sequence[Crop]] = {("linear", align.CROP_SIDE_PX): prepared.crops}
    variants: dict[tuple[str, float | None], Variant] = {}
    notes = Notes()
    for name, restorer in restorers() if prepared.crops else ():
        progress.check()
        if isinstance(restorer, str):
            variants.setdefault((name, None), Variant(name, None, (restorer,) * len(prepared.crops)))
            continue
        wanted = restorer.crop_kernel, restorer.crop_side_px
        if wanted not in cut:
            cut[wanted] = _cut_again(prepared, *wanted)
        for fidelity in fidelities if restorer.has_fidelity else (None,):
            key = (restorer.used.name, fidelity)
            if key not in variants:
                variants[key] = Variant(*key, _restored(cut[wanted], restorer, fidelity, work, notes))
    seconds = time.perf_counter() - started
    ran = joined((Ran(warnings=(*picture.notes, *tools.warnings)), prepared.ran, notes.ran()))
    return FaceComparison(prepared, tuple(variants.values()), ran.warnings, seconds, ", ".join(ran.devices))


def _cut_again(prepared: Prepared, kernel: CropKernel, side_px: int) -> list[Crop]:
    """The same squares of the picture as another kind of restorer wants to see them."""
    pixels = prepared.picture.pixels
    return [
        align.crop_with(pixels, crop.face, align.at_side(crop.affine, crop.side_px, side_px), side_px, kernel)
        for crop in prepared.crops
    ]


def _restored(
    crops: Sequence[Crop], restorer: Restorer, fidelity: float | None, work: FaceWork, notes: Notes
) -> tuple[FloatPixels | str, ...]:
    """Each crop after the restorer, in the face's tone, or the reason why there is nothing."""
    weight = 0.0 if fidelity is None else fidelity
    done = restore_in_batches(crops, restorer, lambda crop: weight, work.tools.face_batch, work.progress, notes)
    tones = [work.tones.get(crop.face.index) for crop, _ in done]
    return tuple(f if isinstance(f, str) else _shown(f, tone) for (_, f), tone in zip(done, tones))


def _shown(pixels: FloatPixels, tone: Tone | None) -> FloatPixels:
    """The face at the side at which all variants are compared, in its tone."""
    small = resize_float(pixels, (align.CROP_SIDE_PX, align.CROP_SIDE_PX))
    return read_only(small if tone is None else tone.apply(small))
