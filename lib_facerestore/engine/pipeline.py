"""The recipe: detect → select → align, then restore → mask → paste on the enlarged picture. Only this room knows it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lib_facerestore.engine import align, background, paste, sizes
from lib_facerestore.engine.background import Background
from lib_facerestore.engine.batches import on_cpu_at_last
from lib_facerestore.engine.data import (
    Crop,
    Face,
    FaceChoice,
    FaceReport,
    ModelUsed,
    Outcome,
    Picture,
    Prepared,
    Report,
    Result,
)
from lib_facerestore.engine.large_faces import FittedFace, fit
from lib_facerestore.engine.passes import FaceWork, Pass, face_tones, mask_kind, restore_faces
from lib_facerestore.engine.ports import NoProgress, Progress, Tools
from lib_facerestore.engine.selection import select
from lib_facerestore.engine.tone import Tone, toned_places
from lib_facerestore.settings import RestoreSettings

NO_RESTORER = "no restorer chosen"


def run(picture: Picture, tools: Tools, settings: RestoreSettings, progress: Progress | None = None) -> Result:
    """Everything, in the order that the settings name.

    Raises: SizeTooLarge before any network runs; what `finish` raises.
    """
    wanted = background.wanted_size(settings, tools.upscaler)
    if wanted is not None:
        sizes.target_size(picture.size_hw, wanted)
    if settings.order == "one pass" or wanted is None:
        prepared = prepare(picture, tools, settings)
        return finish(prepared, choose_all(prepared, settings), tools, settings, progress)
    at_own_size = replace(settings.at_own_size(), order="one pass")
    no_faces = replace(tools, detector=None, restorer=None, second_restorer=None, parser=None)
    # What cleans runs at the picture's own size too, and would run twice.
    only_faces = replace(tools, upscaler=None, second_upscaler=None) if background.cleans(tools.upscaler) else tools
    steps = [(no_faces, settings), (only_faces, at_own_size)]
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
    warnings: list[str] = []
    faces = _find_faces(picture, tools, settings, warnings)
    detected = time.perf_counter()
    chosen, reasons = select(faces, picture.size_hw, settings)
    crops: list[Crop] = []
    kernel = tools.restorer.crop_kernel if tools.restorer else "linear"
    reports = [_report(face, "skipped", reasons[face.index]) for face in faces if face.index in reasons]
    for face in chosen:
        cut = align.take_whole if settings.aligned_input else align.align
        crop = cut(picture.pixels, face, kernel=kernel)
        if crop is None:
            reports.append(_report(face, "failed", "its landmarks lie on one point"))
        else:
            crops.append(crop)
    aligned = time.perf_counter()
    seconds = (("detect", detected - started), ("align", aligned - detected))
    return Prepared(picture, faces, tuple(crops), tuple(reports), seconds, tuple(warnings))


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
    tools = background.without_idle(tools, settings, prepared.picture.size_hw)
    by_face = {choice.face_index: choice for choice in choices}
    crops = [crop for crop in prepared.crops if crop.face.index in by_face]
    reports = list(prepared.reports)
    reports += [_report(c.face, "skipped", "not chosen") for c in prepared.crops if c.face.index not in by_face]
    warnings = [*prepared.picture.notes, *tools.warnings, *prepared.warnings]

    started = time.perf_counter()
    tones = face_tones(prepared.picture, crops, settings.keep_tone) if tools.restorer is not None else {}
    passes = restore_faces(crops, by_face, FaceWork(tools, settings, tones, progress))
    reports += _face_reports(crops, passes)
    restored_at = time.perf_counter()
    enlarged = background.enlarge(prepared.picture, tools, settings, progress)
    # A plain resize tints nothing.
    places = toned_places(prepared.picture, settings.keep_tone) if enlarged.tiles else None
    if places is not None:
        places.paint(enlarged.pixels, enlarged.scale_xy)
    upscaled_at = time.perf_counter()
    fitted = _paste_passes(passes, enlarged, tools, settings, tones, progress)
    pasted_at = time.perf_counter()

    seconds = [("restore", restored_at - started), ("upscale", upscaled_at - restored_at)]
    seconds.append(("paste", pasted_at - upscaled_at))
    tiles = enlarged.tiles + sum(face.tiles for face in fitted)
    for more in (*(p.warnings for p in passes), _second_failures(passes), enlarged.warnings):
        warnings += more
    warnings += [sentence for face in fitted for sentence in face.warnings]
    keeps_grey = settings.keep_tone != "off" or not (fitted or enlarged.tiles)
    picture = _cut(prepared.picture, enlarged, keeps_grey)
    on_faces = (tools.upscaler.used,) if tools.upscaler and any(face.tiles for face in fitted) else ()
    report = Report(
        faces=tuple(sorted(reports, key=lambda report: report.index)),
        models=_models_used(tools, (*enlarged.ran, *on_faces)),
        restorer=tools.restorer.used.name if tools.restorer else "",
        fidelity=settings.fidelity if tools.restorer and tools.restorer.has_fidelity else None,
        visibility=settings.visibility,
        mask=mask_kind(tools, settings),
        looked_for_faces=tools.detector is not None or (settings.aligned_input and tools.restorer is not None),
        second_restorer=tools.second_restorer.used.name if tools.second_restorer else "",
        upscaler=_upscaler_named(tools, enlarged),
        size_hw=picture.size_hw,
        scale=round(enlarged.scale_xy[0], 4),
        tiles=tiles,
        toned_faces=len({f.face.crop.face.index for f in fitted} & tones.keys()),
        toned_part=0.0 if places is None else round(places.part, 4),
        device=tools.device,
        seconds=(*prepared.seconds, *seconds),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    shown = {face.crop.face.index: face for restored in passes for face in restored.faces}
    return Result(picture, report, tuple(shown.values()))


def _find_faces(picture: Picture, tools: Tools, settings: RestoreSettings, warnings: list[str]) -> tuple[Face, ...]:
    if settings.aligned_input and tools.restorer is not None:
        height, width = picture.size_hw
        side = min(height, width)
        landmarks = (align.FFHQ_TEMPLATE_512 + 0.5) * (side / align.CROP_SIDE_PX) - 0.5
        landmarks = landmarks + ((width - side) / 2, (height - side) / 2)
        return (Face(0, (0, 0, width, height), landmarks.astype(np.float32), 1.0),)
    detector = tools.detector
    if detector is None:
        return ()
    threshold = settings.detection_threshold or detector.default_threshold
    found = on_cpu_at_last(
        detector, lambda: detector.detect([picture.pixels], threshold, settings.detection_size)[0], warnings
    )
    return tuple(found)


def _face_reports(crops: Sequence[Crop], passes: Sequence[Pass]) -> list[FaceReport]:
    """The outcome of every crop. A face is restored when its first pass was: the second one adds to it."""
    if not passes:
        return [_report(crop.face, "skipped", NO_RESTORER) for crop in crops]
    failures = passes[0].failures
    return [
        _report(crop.face, "failed", failures[crop.face.index])
        if crop.face.index in failures
        else _report(crop.face, "restored")
        for crop in crops
    ]


def _second_failures(passes: Sequence[Pass]) -> list[str]:
    return [
        f"Face {index + 1} shows the first pass only. {reason}"
        for later in passes[1:]
        for index, reason in later.failures.items()
    ]


def _paste_passes(
    passes: Sequence[Pass],
    enlarged: Background,
    tools: Tools,
    settings: RestoreSettings,
    tones: Mapping[int, Tone],
    progress: Progress,
) -> list[FittedFace]:
    """Place every face that can be seen on the background, in place, pass after pass."""
    fitted: list[FittedFace] = []
    for restored in passes:
        for face in restored.faces:
            index = face.crop.face.index
            visibility = restored.visibility[index]
            progress.check()
            if visibility == 0:
                continue  # enlarging what nobody sees would take as long as enlarging a picture
            place = fit(face, max(enlarged.scale_xy), tools.upscaler, settings.large_faces, progress)
            shown = place.face
            if index in tones and place.tiles:
                shown = replace(shown, pixels=tones[index].apply(shown.pixels))
            paste.paste_face(enlarged.pixels, shown, visibility, enlarged.scale_xy, place.keep_detail)
            fitted.append(place)
    return fitted


def _cut(picture: Picture, enlarged: Background, keeps_grey: bool) -> Picture:
    """The finished picture: the background, cut to its crop. A grey one that got colours is grey no more."""
    left, top, right, bottom = enlarged.crop or (0, 0, enlarged.pixels.shape[1], enlarged.pixels.shape[0])
    pixels = enlarged.pixels[top:bottom, left:right]
    alpha = None if enlarged.alpha is None else enlarged.alpha[top:bottom, left:right]
    return replace(picture, pixels=pixels, alpha=alpha, is_grey=picture.is_grey and keeps_grey)


def _upscaler_named(tools: Tools, enlarged: Background) -> str:
    """What brought the picture to its size: the first upscaler where it ran, else the plain resize; "" without one."""
    if tools.upscaler is not None and tools.upscaler.used in enlarged.ran:
        return tools.upscaler.used.name
    return "Lanczos" if enlarged.ran or enlarged.scale_xy != (1.0, 1.0) else ""


def _models_used(tools: Tools, upscalers: Sequence[ModelUsed]) -> tuple[ModelUsed, ...]:
    """Every network that took part. upscalers: those that ran."""
    every = (tools.detector, tools.restorer, tools.second_restorer, tools.parser)
    return tuple(dict.fromkeys((*(tool.used for tool in every if tool is not None), *upscalers)))


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
        toned_part=size.report.toned_part,
        seconds=tuple(pair for result in results for pair in result.report.seconds),
        warnings=tuple(dict.fromkeys(w for result in results for w in result.report.warnings)),
    )
    return Result(results[-1].picture, report, faces.restored)


def _report(face: Face, outcome: Outcome, reason: str = "") -> FaceReport:
    return FaceReport(face.index, face.box, face.score, outcome, reason)
