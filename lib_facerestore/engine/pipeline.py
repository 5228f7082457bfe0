"""The recipe: detect → select → align, then restore → mask → paste on the enlarged picture. Only this room knows it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from lib_facerestore.engine import align, background, batches, mask, paste
from lib_facerestore.engine.background import Background
from lib_facerestore.engine.data import (
    Crop,
    Face,
    FaceChoice,
    FaceReport,
    FloatPixels,
    Mask,
    ModelUsed,
    Outcome,
    Picture,
    Prepared,
    Report,
    RestoredCrop,
    Result,
)
from lib_facerestore.engine.ports import NoProgress, Progress, Restorer, Tools
from lib_facerestore.engine.selection import select
from lib_facerestore.engine.tone import Tone, tone_of
from lib_facerestore.settings import RestoreSettings

NO_RESTORER = "no restorer chosen"
# A place this much larger than the restored crop is worth more than plain enlarging.
_LARGE = 1.05


def run(picture: Picture, tools: Tools, settings: RestoreSettings, progress: Progress | None = None) -> Result:
    """Everything, in the order that the settings name."""
    if settings.order == "one pass" or background.wanted_size(settings) is None:
        prepared = prepare(picture, tools, settings)
        return finish(prepared, choose_all(prepared, settings), tools, settings, progress)
    at_own_size = replace(settings, scale=1.0, width=0, height=0, longest_side=0, order="one pass")
    no_faces = replace(tools, detector=None, restorer=None, second_restorer=None, parser=None)
    steps = [(no_faces, settings), (tools, at_own_size)]
    if settings.order == "restore first":
        steps.reverse()
    results: list[Result] = []
    for step_tools, step_settings in steps:
        results.append(run(picture, step_tools, replace(step_settings, order="one pass"), progress))
        picture = results[-1].picture
    return _joined(results, settings)


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
    """Restore the chosen crops and place them on the enlarged picture.

    A face whose restoration fails keeps its original pixels and says so in its report.
    Raises: Interrupted, and every error that is not one face's own.
    """
    progress = progress or NoProgress()
    by_face = {choice.face_index: choice for choice in choices}
    crops = [crop for crop in prepared.crops if crop.face.index in by_face]
    reports = list(prepared.reports)
    reports += [_report(c.face, "skipped", "not chosen") for c in prepared.crops if c.face.index not in by_face]
    warnings = [*prepared.picture.notes, *tools.warnings]

    started = time.perf_counter()
    tone = tone_of(prepared.picture, settings.keep_tone) if crops and tools.restorer else None
    passes = _restore_passes(crops, by_face, tools, settings, tone, progress, warnings, reports)
    restored_at = time.perf_counter()
    enlarged = background.enlarge(prepared.picture, tools, settings, progress)
    warnings += enlarged.warnings
    upscaled_at = time.perf_counter()
    shown: dict[int, RestoredCrop] = {}
    face_tiles = 0
    for visibility_of, faces in passes:
        for face in faces:
            shown[face.crop.face.index] = face
            visibility = visibility_of[face.crop.face.index]
            if visibility == 0:
                continue  # enlarging what nobody sees would take as long as enlarging a picture
            place, keep_detail, more_tiles, more = _fitted(face, enlarged, tools, settings, progress)
            paste.paste_face(enlarged.pixels, place, visibility, enlarged.scale_xy, keep_detail)
            face_tiles += more_tiles
            warnings += more
    pasted_at = time.perf_counter()

    seconds = [("restore", restored_at - started), ("upscale", upscaled_at - restored_at)]
    seconds.append(("paste", pasted_at - upscaled_at))
    picture = _cut(prepared.picture, enlarged)
    has_size = background.wanted_size(settings) is not None
    upscaler = tools.upscaler.used.name if tools.upscaler and has_size else "Lanczos"
    report = Report(
        faces=tuple(sorted(reports, key=lambda report: report.index)),
        models=_models_used(tools, has_size),
        restorer=tools.restorer.used.name if tools.restorer else "",
        fidelity=settings.fidelity if tools.restorer and tools.restorer.has_fidelity else None,
        visibility=settings.visibility,
        mask=_mask_kind(tools, settings),
        looked_for_faces=tools.detector is not None or (settings.aligned_input and tools.restorer is not None),
        second_restorer=tools.second_restorer.used.name if tools.second_restorer else "",
        upscaler=upscaler if has_size else "",
        size_hw=picture.size_hw,
        scale=round(enlarged.scale_xy[0], 4),
        tiles=enlarged.tiles + face_tiles,
        device=tools.device,
        seconds=(*prepared.seconds, *seconds),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return Result(picture, report, tuple(shown.values()))


def _find_faces(picture: Picture, tools: Tools, settings: RestoreSettings) -> tuple[Face, ...]:
    if settings.aligned_input and tools.restorer is not None:
        height, width = picture.size_hw
        side = min(height, width)
        landmarks = (align.FFHQ_TEMPLATE_512 + 0.5) * (side / align.CROP_SIDE_PX) - 0.5
        landmarks = landmarks + ((width - side) / 2, (height - side) / 2)
        return (Face(0, (0, 0, width, height), landmarks.astype(np.float32), 1.0),)
    if tools.detector is None:
        return ()
    threshold = settings.detection_threshold or tools.detector.default_threshold
    return tuple(tools.detector.detect([picture.pixels], threshold, settings.detection_size)[0])


def _restore_passes(
    crops: Sequence[Crop],
    by_face: dict[int, FaceChoice],
    tools: Tools,
    settings: RestoreSettings,
    tone: Tone | None,
    progress: Progress,
    warnings: list[str],
    reports: list[FaceReport],
) -> list[tuple[dict[int, float], list[RestoredCrop]]]:
    """For each pass the visibility of each face and the restored crops; `reports` grows by every face's outcome."""
    if tools.restorer is None:
        reports += [_report(crop.face, "skipped", NO_RESTORER) for crop in crops]
        return []

    def one_pass(
        crops: Sequence[Crop], restorer: Restorer, fidelity: dict[int, float], is_first: bool
    ) -> list[RestoredCrop]:
        done = batches.restore_in_batches(
            crops, restorer, lambda crop: fidelity[crop.face.index], tools.face_batch, progress, warnings
        )
        restored: list[RestoredCrop] = []
        for crop, outcome in done:
            if isinstance(outcome, str):
                if is_first:
                    reports.append(_report(crop.face, "failed", outcome))
                else:
                    warnings.append(f"Face {crop.face.index + 1} shows the first pass only. {outcome}")
                continue
            shown_as = fidelity[crop.face.index] if restorer.has_fidelity else None
            face_mask = _mask(crop, outcome, tools, settings)
            pixels = outcome if tone is None else tone.apply(outcome)
            restored.append(RestoredCrop(crop, pixels, face_mask, restorer.used.name, shown_as))
        return restored

    first = one_pass(crops, tools.restorer, {index: choice.fidelity for index, choice in by_face.items()}, True)
    passes = [({index: choice.visibility for index, choice in by_face.items()}, first)]
    if tools.second_restorer is not None and settings.second_visibility > 0:
        again = [_seen_after(face, by_face[face.crop.face.index].visibility) for face in first]
        second = one_pass(again, tools.second_restorer, dict.fromkeys(by_face, settings.second_fidelity), False)
        cut_out = {face.crop.face.index: face.crop for face in first}
        second = [replace(face, crop=cut_out[face.crop.face.index]) for face in second]
        passes.append((dict.fromkeys(by_face, settings.second_visibility), second))
    failed = {report.index for report in reports}
    reports += [_report(face.crop.face, "restored") for face in first if face.crop.face.index not in failed]
    return passes


def _seen_after(face: RestoredCrop, visibility: float) -> Crop:
    """The crop as the next pass sees it: the restored one over the original, at the pass's visibility."""
    side = face.crop.side_px
    pixels = face.pixels
    if pixels.shape[0] != side:
        pixels = np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    return replace(face.crop, pixels=face.crop.pixels + (pixels - face.crop.pixels) * np.float32(visibility))


def _fitted(
    face: RestoredCrop, enlarged: Background, tools: Tools, settings: RestoreSettings, progress: Progress
) -> tuple[RestoredCrop, bool, int, tuple[str, ...]]:
    """The face as it is pasted, whether the background's finer detail goes over it, and the upscaler's tiles, warnings.

    Restoring ends at 512 px. A larger place would show that as softness, so the crop is enlarged by the upscaler, or
    the finer detail of the picture itself is kept.
    """
    place_px = face.crop.native_side_px * max(enlarged.scale_xy)
    if place_px <= _LARGE * face.pixels.shape[0] or settings.large_faces == "off":
        return face, False, 0, ()
    can_upsample = tools.upscaler is not None and tools.upscaler.scale > 1
    if settings.large_faces == "detail" or not can_upsample:
        return face, True, 0, ()
    assert tools.upscaler is not None
    levels = np.rint(face.pixels * np.float32(65535)).astype(np.uint16)
    done = tools.upscaler.upscale(levels, progress)
    side = done.pixels.shape[0]
    face_mask = cv2.resize(face.mask, (side, side), interpolation=cv2.INTER_LINEAR)
    larger = replace(face, pixels=align.to_unit_float(done.pixels), mask=np.asarray(face_mask, np.float32))
    return larger, False, done.tiles, done.warnings


def _cut(picture: Picture, enlarged: Background) -> Picture:
    """The finished picture: the background, cut to its crop."""
    left, top, right, bottom = enlarged.crop or (0, 0, enlarged.pixels.shape[1], enlarged.pixels.shape[0])
    pixels = enlarged.pixels[top:bottom, left:right]
    alpha = None if enlarged.alpha is None else enlarged.alpha[top:bottom, left:right]
    return replace(picture, pixels=pixels, alpha=alpha)


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
        return mask.landmark_mask(_on_grid_of(crop, pixels), feather)
    return mask.feather_mask(side, feather)


def _on_grid_of(crop: Crop, pixels: FloatPixels) -> Crop:
    """The crop on the grid of its restored pixels, k times larger: u′ = (u + ½)·k − ½."""
    k = pixels.shape[0] / crop.side_px
    affine = k * crop.affine
    affine[:, 2] += (k - 1) / 2
    return Crop(crop.face, pixels, affine)


def _models_used(tools: Tools, has_size: bool) -> tuple[ModelUsed, ...]:
    upscalers = (tools.upscaler, tools.second_upscaler) if has_size else ()
    every = (tools.detector, tools.restorer, tools.second_restorer, tools.parser, *upscalers)
    return tuple(tool.used for tool in every if tool is not None)


def _joined(results: Sequence[Result], settings: RestoreSettings) -> Result:
    """Two runs, one after the other, as one result: faces of the one that looked for them, size of the other."""
    faces, size = results if settings.order == "restore first" else reversed(results)
    report = replace(
        faces.report,
        models=tuple(dict.fromkeys((*faces.report.models, *size.report.models))),
        upscaler=size.report.upscaler,
        size_hw=results[-1].report.size_hw,
        scale=size.report.scale,
        tiles=faces.report.tiles + size.report.tiles,
        seconds=tuple(pair for result in results for pair in result.report.seconds),
        warnings=tuple(dict.fromkeys(w for result in results for w in result.report.warnings)),
    )
    return Result(results[-1].picture, report, faces.restored)


def _report(face: Face, outcome: Outcome, reason: str = "") -> FaceReport:
    return FaceReport(face.index, face.box, face.score, outcome, reason)
