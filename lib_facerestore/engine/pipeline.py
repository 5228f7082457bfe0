"""The recipe: detect → select → align, then restore → mask → paste on the enlarged picture. Only this room knows it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lib_facerestore.engine.data import Crop, Face, FaceChoice, Picture, Prepared, Result
from lib_facerestore.engine.faces import (
    FaceWork,
    FittedFace,
    Restoration,
    align,
    face_tones,
    fit,
    on_cpu_at_last,
    paste,
    restore_faces,
    select,
)
from lib_facerestore.engine.fold import Stages, fold, join
from lib_facerestore.engine.ports import NoProgress, Progress, Tools
from lib_facerestore.engine.ran import Notes, once
from lib_facerestore.engine.sizes import SizePlan
from lib_facerestore.engine.tone import Tone, toned_places
from lib_facerestore.engine.upscaling import Background, background, is_scale_1, upscale_picture
from lib_facerestore.settings import RestoreSettings


def run(picture: Picture, tools: Tools, settings: RestoreSettings, progress: Progress | None = None) -> Result:
    """Everything, in the order that the settings name.

    Raises: SizeTooLarge before any network runs; what `finish` raises.
    """
    plan = background.size_plan(picture.size_hw, settings, tools.upscaler)
    return run_to(picture, tools, settings, plan, progress)


def run_to(
    picture: Picture, tools: Tools, settings: RestoreSettings, plan: SizePlan | None, progress: Progress | None = None
) -> Result:
    """`run` for a caller that decided the size already, to know which networks the picture needs.

    plan: from `background.size_plan`; None where the picture keeps its size and no network cleans it.
    Raises: what `finish` raises.
    """
    progress = progress or NoProgress()
    if settings.order == "one pass" or plan is None:
        return _in_one_pass(picture, tools, settings, plan, progress)
    no_faces = replace(tools, detector=None, restorer=None, second_restorer=None, parser=None)
    # A network of factor 1 runs at the picture's own size too, and would run twice.
    only_faces = replace(tools, upscaler=None, second_upscaler=None) if is_scale_1(tools.upscaler) else tools
    at_own_size = settings.at_own_size()
    if settings.order == "restore first":
        faces = _in_one_pass(picture, only_faces, at_own_size, None, progress)
        size = _in_one_pass(faces.picture, no_faces, settings, plan, progress)
        return _joined((faces, size), faces, size)
    size = _in_one_pass(picture, no_faces, settings, plan, progress)
    faces = _in_one_pass(size.picture, only_faces, at_own_size, None, progress)
    return _joined((size, faces), faces, size)


def prepare(picture: Picture, tools: Tools, settings: RestoreSettings) -> Prepared:
    """Find the faces, choose among them and cut the chosen ones out."""
    started = time.perf_counter()
    notes = Notes()
    faces = _find_faces(picture, tools, settings, notes)
    detected = time.perf_counter()
    chosen, reasons = select(faces, picture.size_hw, settings)
    crops: list[Crop] = []
    kernel = tools.restorer.crop_kernel if tools.restorer else "linear"
    side_px = _crop_side(tools)
    reports = [face.report("skipped", reasons[face.index]) for face in faces if face.index in reasons]
    for face in chosen:
        cut = align.take_whole if settings.aligned_input else align.align
        crop = cut(picture.pixels, face, side_px, kernel)
        if crop is None:
            reports.append(face.report("failed", "its landmarks lie on one point"))
        else:
            crops.append(crop)
    aligned = time.perf_counter()
    seconds = (("detect", detected - started), ("align", aligned - detected))
    has_looked = tools.detector is not None or _is_taken_whole(tools, settings)
    return Prepared(picture, faces, tuple(crops), tuple(reports), seconds, notes.ran(), has_looked)


def choose_all(prepared: Prepared, settings: RestoreSettings) -> tuple[FaceChoice, ...]:
    """The same choice, from the settings, for every crop."""
    return tuple(FaceChoice(crop.face.index, settings.fidelity, settings.visibility) for crop in prepared.crops)


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
    plan = background.size_plan(prepared.picture.size_hw, settings, tools.upscaler)
    return _finish(prepared, choices, tools, settings, plan, progress or NoProgress())


def _in_one_pass(
    picture: Picture, tools: Tools, settings: RestoreSettings, plan: SizePlan | None, progress: Progress
) -> Result:
    """Faces from the picture as it is, placed on the enlarged one."""
    prepared = prepare(picture, tools, settings)
    return _finish(prepared, choose_all(prepared, settings), tools, settings, plan, progress)


def _finish(
    prepared: Prepared,
    choices: Sequence[FaceChoice],
    tools: Tools,
    settings: RestoreSettings,
    plan: SizePlan | None,
    progress: Progress,
) -> Result:
    """See `finish`. plan: the size that was decided for this picture."""
    tools = background.without_idle(tools, plan, prepared.picture.size_hw)
    by_face = {choice.face_index: choice for choice in choices}
    crops = tuple(crop for crop in prepared.crops if crop.face.index in by_face)

    started = time.perf_counter()
    tones = face_tones(prepared.picture, crops, settings.keep_tone) if tools.restorer is not None else {}
    restorations = tuple(restore_faces(crops, by_face, FaceWork(tools, settings, tones, progress)))
    restored_at = time.perf_counter()
    enlarged = upscale_picture(prepared.picture, plan, tools, settings, progress)
    # A plain resize tints nothing.
    places = toned_places(prepared.picture, settings.keep_tone) if enlarged.ran.tiles else None
    if places is not None:
        places.paint(enlarged.pixels, enlarged.scale_xy)
    upscaled_at = time.perf_counter()
    pasted = tuple(_paste_restorations(restorations, enlarged, tools, settings, tones, progress))
    pasted_at = time.perf_counter()

    keeps_grey = settings.keep_tone != "off" or not (pasted or enlarged.ran.tiles)
    picture = _cut(prepared.picture, enlarged, keeps_grey)
    stages = Stages(
        prepared=prepared,
        chosen=crops,
        restorations=restorations,
        enlarged=enlarged,
        pasted=pasted,
        tones=tones,
        toned_part=0.0 if places is None else places.part,
        size_hw=picture.size_hw,
        seconds=(
            ("restore", restored_at - started),
            ("upscale", upscaled_at - restored_at),
            ("paste", pasted_at - upscaled_at),
        ),
        loading=tools.warnings,
        asked_restorer=tools.restorer.used.name if tools.restorer else "",
    )
    shown = {face.crop.face.index: face for restoration in restorations for face in restoration.faces}
    return Result(picture, fold(stages), tuple(shown.values()), plan)


def _crop_side(tools: Tools) -> int:
    """Side of the crops in px: the larger of what the two restorers take, because the second one sees the same crop."""
    return max(
        (restorer.crop_side_px for restorer in (tools.restorer, tools.second_restorer) if restorer),
        default=align.CROP_SIDE_PX,
    )


def _is_taken_whole(tools: Tools, settings: RestoreSettings) -> bool:
    """Whether the whole picture is one aligned face."""
    return settings.aligned_input and tools.restorer is not None


def _find_faces(picture: Picture, tools: Tools, settings: RestoreSettings, notes: Notes) -> tuple[Face, ...]:
    if _is_taken_whole(tools, settings):
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
        detector, lambda: detector.detect([picture.pixels], threshold, settings.detection_size)[0], notes
    )
    return tuple(found)


def _paste_restorations(
    restorations: Sequence[Restoration],
    enlarged: Background,
    tools: Tools,
    settings: RestoreSettings,
    tones: Mapping[int, Tone],
    progress: Progress,
) -> list[FittedFace]:
    """Place every face that can be seen on the background, in place, one restoration after the other."""
    fitted: list[FittedFace] = []
    for restoration in restorations:
        for face in restoration.faces:
            index = face.crop.face.index
            visibility = restoration.visibility[index]
            progress.check()
            if visibility == 0:
                continue  # enlarging what nobody sees would take as long as enlarging a picture
            place = fit(face, max(enlarged.scale_xy), tools.upscaler, settings.large_faces, progress)
            shown = place.face
            if index in tones and place.ran.tiles:
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


def _joined(results: Sequence[Result], faces: Result, size: Result) -> Result:
    """Two runs of one picture as one result. results: both in their order; the last one has the finished picture."""
    report = replace(
        join(faces.report, size.report, results[-1].picture.size_hw),
        seconds=tuple(pair for result in results for pair in result.report.seconds),
        warnings=once(sentence for result in results for sentence in result.report.warnings),
    )
    return Result(results[-1].picture, report, faces.restored, size.plan)
