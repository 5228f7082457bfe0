"""What the stages of one picture gave, folded into its report. A part of the recipe; knows nothing of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lib_facerestore.engine.data import Crop, FaceReport, Prepared, Ran, Report
from lib_facerestore.engine.faces import FittedFace, Restoration
from lib_facerestore.engine.ran import joined, once
from lib_facerestore.engine.tone import Tone
from lib_facerestore.engine.upscaling import Background

NO_RESTORER = "no restorer chosen"
NOT_CHOSEN = "not chosen"
NOT_SEEN = "not seen at visibility 0"


@dataclass(frozen=True, eq=False)
class Stages:
    """What every stage gave for one picture."""

    prepared: Prepared
    chosen: tuple[Crop, ...]
    """The crops that were to be restored."""
    restorations: tuple[Restoration, ...]
    """What each restorer made, in the order in which they are pasted; none without a restorer."""
    enlarged: Background
    pasted: tuple[FittedFace, ...]
    """Each face that was put on the canvas, once for each restoration that is seen."""
    tones: Mapping[int, Tone]
    toned_part: float
    size_hw: tuple[int, int]
    seconds: tuple[tuple[str, float], ...]
    loading: tuple[str, ...]
    """What loading had to do otherwise than asked for."""
    asked_restorer: str


def fold(stages: Stages) -> Report:
    """The report of one picture, from what its stages gave and from nothing else."""
    prepared, restorations, enlarged = stages.prepared, stages.restorations, stages.enlarged
    faces = joined(face.ran for face in stages.pasted)
    before = Ran(warnings=(*prepared.picture.notes, *stages.loading))
    second = Ran(warnings=_second_failures(restorations))
    ran = joined(
        (before, prepared.ran, *(restoration.ran for restoration in restorations), second, enlarged.ran, faces)
    )
    shown = {face.face.crop.face.index for face in stages.pasted}
    report = Report(
        faces=_faces(stages, shown),
        models=ran.models,
        mask=", ".join(ran.masks),
        looked_for_faces=prepared.looked_for_faces,
        upscaler=enlarged.upscaler,
        second_upscaler=enlarged.second_upscaler,
        face_upscaler=faces.models[0].name if faces.models else "",
        size_hw=stages.size_hw,
        scale=round(enlarged.scale_xy[0], 4),
        tiles=ran.tiles,
        toned_faces=len(shown & stages.tones.keys()),
        toned_part=round(stages.toned_part, 4),
        device=", ".join(ran.devices),
        seconds=(*prepared.seconds, *stages.seconds),
        warnings=ran.warnings,
        asked_restorer=stages.asked_restorer,
    )
    return _with_restorers(report, restorations)


def join(faces: Report, size: Report, size_hw: tuple[int, int]) -> Report:
    """The reports of two runs of one picture as one: faces of the run that looked for them, size of the other.

    size_hw: (height, width) of the finished picture.
    """
    return replace(
        faces,
        models=once((*faces.models, *size.models)),
        upscaler=size.upscaler,
        second_upscaler=size.second_upscaler,
        size_hw=size_hw,
        scale=size.scale,
        tiles=faces.tiles + size.tiles,
        toned_part=size.toned_part,
        device=", ".join(once(name for r in (faces, size) for name in r.device.split(", ") if name)),
    )


def _with_restorers(report: Report, restorations: Sequence[Restoration]) -> Report:
    """The report with the restorers that restored a face."""
    if not restorations or not restorations[0].faces:
        return report
    face = restorations[0].faces[0]
    return replace(
        report,
        restorer=face.model,
        fidelity=face.fidelity,
        visibility=restorations[0].visibility[face.crop.face.index],
        second_restorer=next((later.faces[0].model for later in restorations[1:] if later.faces), ""),
    )


def _faces(stages: Stages, shown: set[int]) -> tuple[FaceReport, ...]:
    """The outcome of every face, by index. shown: indices of the faces that were put on the canvas."""
    reports = list(stages.prepared.reports)
    chosen = {crop.face.index for crop in stages.chosen}
    for crop in stages.prepared.crops:
        index = crop.face.index
        if index not in chosen:
            reports.append(crop.face.report("skipped", NOT_CHOSEN))
        elif not stages.restorations:
            reports.append(crop.face.report("skipped", NO_RESTORER))
        elif index in stages.restorations[0].failures:
            reports.append(crop.face.report("failed", stages.restorations[0].failures[index]))
        else:
            reports.append(crop.face.report("restored", "" if index in shown else NOT_SEEN))
    return tuple(sorted(reports, key=lambda report: report.index))


def _second_failures(restorations: Sequence[Restoration]) -> tuple[str, ...]:
    """A sentence for each face that a later restorer failed on: it adds to the first, whose face stays."""
    return tuple(
        f"Face {index + 1} shows {_left_with(restorations[0], index)}. {reason}"
        for later in restorations[1:]
        for index, reason in later.failures.items()
    )


def _left_with(first: Restoration, index: int) -> str:
    return "the first pass only" if first.visibility[index] > 0 else "no pass"
