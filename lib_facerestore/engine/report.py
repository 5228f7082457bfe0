"""A report in words and as plain data. Both say only what the report holds."""

from __future__ import annotations

import dataclasses

from lib_facerestore.engine.data import FaceReport, Outcome, Report


def status_line(report: Report) -> str:
    """One line for a person.

    `3 faces: 2 restored, 1 skipped (22 px, minimum 32) · CodeFormer, weight 0.5 · 0.41 s · cuda:0`
    """
    parts = [_faces(report)]
    if report.count("restored"):
        parts.append(_model(report))
    if report.upscaler or report.face_upscaler:
        parts.append(_upscaling(report))
    parts.append(f"{total_seconds(report):.2f} s")
    parts.append(report.device)
    return " · ".join(part for part in parts if part)


def total_seconds(report: Report) -> float:
    """Seconds of all stages together."""
    return sum(seconds for _, seconds in report.seconds)


def to_plain(report: Report) -> dict[str, object]:
    """The report as values that JSON can hold. Each stage has its seconds once: the sum, where it ran twice."""
    plain = dataclasses.asdict(report)
    stages = dict.fromkeys(stage for stage, _ in report.seconds)
    plain["seconds"] = {stage: round(_seconds_of(stage, report), 4) for stage in stages}
    plain["status"] = status_line(report)
    for face in plain["faces"]:
        face["box"] = [round(edge, 2) for edge in face["box"]]
        face["score"] = round(face["score"], 4)
    return plain


def _seconds_of(stage: str, report: Report) -> float:
    return sum(seconds for name, seconds in report.seconds if name == stage)


def _faces(report: Report) -> str:
    total = len(report.faces)
    if total == 0:
        return "no face found" if report.looked_for_faces else ""
    counts = [_restored(report)] if report.count("restored") else []
    unrestored: tuple[Outcome, ...] = ("skipped", "failed")
    for outcome in unrestored:
        reasons = _reasons([face for face in report.faces if face.outcome == outcome])
        if reasons:
            counts.append(f"{report.count(outcome)} {outcome} ({reasons})")
    return f"{total} {'face' if total == 1 else 'faces'}: {', '.join(counts)}"


def _restored(report: Report) -> str:
    """How many were restored, and how many of these nobody sees."""
    count = report.count("restored")
    unseen = [face for face in report.faces if face.outcome == "restored" and face.reason]
    if not unseen:
        return f"{count} restored"
    few = f"{len(unseen)} " if len(unseen) < count else ""
    return f"{count} restored ({few}{_reasons(unseen)})"


def _reasons(faces: list[FaceReport]) -> str:
    """Each reason once, in order; the first three stand for many."""
    reasons = list(dict.fromkeys(face.reason for face in faces))
    more = f"; {len(reasons) - 3} more reasons" if len(reasons) > 3 else ""
    return "; ".join(reasons[:3]) + more


def _upscaling(report: Report) -> str:
    words: list[str] = []
    if report.upscaler:
        mixed = f" mixed with {report.second_upscaler}" if report.second_upscaler else ""
        words.append(f"{report.upscaler}{mixed} ×{report.scale:g}")
    if report.face_upscaler not in ("", report.upscaler):
        words.append(f"{report.face_upscaler} for large faces")
    if report.tiles:
        words.append(f"{report.tiles} {'tile' if report.tiles == 1 else 'tiles'}")
    return ", ".join(words)


def _model(report: Report) -> str:
    words = [report.restorer if not report.second_restorer else f"{report.restorer}, then {report.second_restorer}"]
    if report.fidelity is not None:
        words.append(f"weight {report.fidelity:g}")
    if report.visibility != 1:
        words.append(f"visibility {report.visibility:g}")
    return ", ".join(words)
