"""The recipe: detect → select → align, then restore → mask → paste. Only this room knows the order of the stages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lib_facerestore.engine import align, mask, paste
from lib_facerestore.engine.data import (
    Crop,
    Face,
    FaceChoice,
    FaceReport,
    FloatPixels,
    Mask,
    Picture,
    Prepared,
    Report,
    RestoredCrop,
    Result,
    read_only,
)
from lib_facerestore.engine.ports import NoProgress, Progress, Restorer, Tools
from lib_facerestore.engine.selection import select
from lib_facerestore.engine.tone import Tone, tone_of
from lib_facerestore.errors import InferenceFailed, OutOfMemory
from lib_facerestore.settings import RestoreSettings

NO_RESTORER = "no restorer chosen"


def prepare(picture: Picture, tools: Tools, settings: RestoreSettings) -> Prepared:
    """Find the faces, choose among them and cut the chosen ones out."""
    started = time.perf_counter()
    faces = _find_faces(picture, tools, settings)
    detected = time.perf_counter()
    chosen, reasons = select(faces, picture.size_hw, settings)
    crops: list[Crop] = []
    reports = [_report(face, "skipped", reasons[face.index]) for face in faces if face.index in reasons]
    for face in chosen:
        cut = align.take_whole if settings.aligned_input else align.align
        crop = cut(picture.pixels, face)
        if crop is None:
            reports.append(_report(face, "failed", "its landmarks lie on one point"))
        else:
            crops.append(crop)
    aligned = time.perf_counter()
    seconds = (("detect", detected - started), ("align", aligned - detected))
    return Prepared(picture, faces, tuple(crops), tuple(reports), seconds)


def choose_all(prepared: Prepared, settings: RestoreSettings) -> tuple[FaceChoice, ...]:
    """The same choice, from the settings, for every crop."""
    return tuple(
        FaceChoice(crop.face.index, settings.restorer, settings.fidelity, settings.visibility)
        for crop in prepared.crops
    )


def finish(
    prepared: Prepared,
    choices: Sequence[FaceChoice],
    tools: Tools,
    settings: RestoreSettings,
    progress: Progress | None = None,
) -> Result:
    """Restore the chosen crops and paste them into a copy of the picture.

    A face whose restoration fails keeps its original pixels and says so in its report.
    Raises: Interrupted, and every error that is not one face's own.
    """
    progress = progress or NoProgress()
    by_face = {choice.face_index: choice for choice in choices}
    crops = [crop for crop in prepared.crops if crop.face.index in by_face]
    reports = list(prepared.reports)
    reports += [_report(c.face, "skipped", "not chosen") for c in prepared.crops if c.face.index not in by_face]
    warnings: list[str] = list(prepared.picture.notes)
    started = time.perf_counter()
    restored: list[RestoredCrop] = []
    if tools.restorer is None:
        reports += [_report(crop.face, "skipped", NO_RESTORER) for crop in crops]
    else:
        tone = tone_of(prepared.picture, settings.keep_tone) if crops else None
        restored, failures = _restore(crops, by_face, tools.restorer, tools, settings, tone, progress, warnings)
        reports += failures
    restored_at = time.perf_counter()
    canvas = prepared.picture.pixels.copy() if restored else prepared.picture.pixels
    for face in restored:
        paste.paste_face(canvas, face, by_face[face.crop.face.index].visibility)
        reports.append(_report(face.crop.face, "restored"))
    seconds = (*prepared.seconds, ("restore", restored_at - started), ("paste", time.perf_counter() - restored_at))
    picture = replace(prepared.picture, pixels=read_only(canvas))
    report = Report(
        faces=tuple(sorted(reports, key=lambda report: report.index)),
        models=tuple(tool.used for tool in (tools.detector, tools.restorer, tools.parser) if tool is not None),
        restorer=tools.restorer.used.name if tools.restorer else "",
        fidelity=settings.fidelity if tools.restorer and tools.restorer.has_fidelity else None,
        visibility=settings.visibility,
        mask=_mask_kind(tools, settings),
        device=tools.device,
        seconds=seconds,
        warnings=tuple(warnings),
    )
    return Result(picture, report, tuple(restored))


def _find_faces(picture: Picture, tools: Tools, settings: RestoreSettings) -> tuple[Face, ...]:
    if settings.aligned_input:
        height, width = picture.size_hw
        side = min(height, width)
        landmarks = (align.FFHQ_TEMPLATE_512 + 0.5) * (side / align.CROP_SIDE_PX) - 0.5
        landmarks = landmarks + ((width - side) / 2, (height - side) / 2)
        return (Face(0, (0, 0, width, height), landmarks.astype(np.float32), 1.0),)
    if tools.detector is None:
        return ()
    threshold = settings.detection_threshold or tools.detector.default_threshold
    return tuple(tools.detector.detect([picture.pixels], threshold, settings.detection_size)[0])


def _restore(
    crops: Sequence[Crop],
    by_face: dict[int, FaceChoice],
    restorer: Restorer,
    tools: Tools,
    settings: RestoreSettings,
    tone: Tone | None,
    progress: Progress,
    warnings: list[str],
) -> tuple[list[RestoredCrop], list[FaceReport]]:
    """Restored crops with their masks, and a report for each that failed. Batches hold faces of one picture only."""
    restored: list[RestoredCrop] = []
    failures: list[FaceReport] = []
    for batch in _batches(crops, by_face, tools.face_batch):
        progress.check()
        fidelity = by_face[batch[0].face.index].fidelity
        for crop, outcome in zip(batch, _restore_batch(batch, restorer, fidelity, warnings)):
            if isinstance(outcome, str):
                failures.append(_report(crop.face, "failed", outcome))
                continue
            face_mask = _mask(crop, outcome, tools, settings)
            outcome = outcome if tone is None else tone.apply(outcome)
            restored.append(
                RestoredCrop(crop, outcome, face_mask, restorer.used.name, fidelity if restorer.has_fidelity else None)
            )
        progress.step(len(restored) + len(failures), len(crops), "faces")
    return restored, failures


def _batches(crops: Sequence[Crop], by_face: dict[int, FaceChoice], most: int) -> list[list[Crop]]:
    """Crops of equal fidelity, at most so many together, in a fixed order."""
    groups: dict[float, list[Crop]] = {}
    for crop in crops:
        groups.setdefault(by_face[crop.face.index].fidelity, []).append(crop)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]


def _restore_batch(
    batch: list[Crop], restorer: Restorer, fidelity: float, warnings: list[str]
) -> list[FloatPixels | str]:
    """Restored pixels for each crop, or the reason it has none: the whole batch at once, else face by face."""
    try:
        return list(restorer.restore(batch, fidelity))
    except (InferenceFailed, OutOfMemory) as error:
        if len(batch) == 1:
            return [str(error)]
        warnings.append(f"A batch of {len(batch)} faces was repeated one by one. {error}")
    outcomes: list[FloatPixels | str] = []
    for crop in batch:
        try:
            outcomes += restorer.restore([crop], fidelity)
        except (InferenceFailed, OutOfMemory) as error:
            outcomes.append(str(error))
    return outcomes


def _mask_kind(tools: Tools, settings: RestoreSettings) -> str:
    if settings.mask != "auto":
        return settings.mask
    return "parsing" if tools.parser is not None else "landmarks"


def _mask(crop: Crop, pixels: FloatPixels, tools: Tools, settings: RestoreSettings) -> Mask:
    """The mask of one restored crop, on the restored crop's grid."""
    feather = settings.mask_feather / 100
    side = pixels.shape[0]
    kind = _mask_kind(tools, settings)
    if kind == "parsing":
        assert tools.parser is not None, "session loads a parser where the mask needs one"
        return mask.parsing_mask(tools.parser.parse([pixels])[0], tools.parser.classes, side, feather)
    if kind == "landmarks":
        return mask.landmark_mask(_enlarged(crop, pixels), feather)
    return mask.feather_mask(side, feather)


def _enlarged(crop: Crop, pixels: FloatPixels) -> Crop:
    """The crop on the grid of its restored pixels, k times larger: u′ = (u + ½)·k − ½."""
    k = pixels.shape[0] / crop.side_px
    affine = k * crop.affine
    affine[:, 2] += (k - 1) / 2
    return Crop(crop.face, pixels, affine)


def _report(face: Face, outcome: str, reason: str = "") -> FaceReport:
    return FaceReport(face.index, face.box, face.score, outcome, reason)  # type: ignore[arg-type]
