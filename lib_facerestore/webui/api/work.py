"""Restore the pictures of a request, or find their faces, and return what the answer holds of each.

Each picture waits for the host's queue on its own, so that jobs of others run between two pictures of a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lib_facerestore.engine.data import Picture, Prepared
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.errors import Interrupted, PictureTooLarge, WeightsMissing
from lib_facerestore.hosts import base, queue
from lib_facerestore.hosts.progress import HostProgress
from lib_facerestore.models import weights
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext, warm_session
from lib_facerestore.webui.api import pictures
from lib_facerestore.webui.api.faults import Fault, fault, without_paths
from lib_facerestore.webui.api.requests import PicturesRequest
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.restore_image import Outcome, restore_image
from lib_facerestore.webui.page.controls import MODEL_SETTINGS

Done = TypeVar("Done")
# Name of the job in the host's state.
_JOB = "facerestore"
# Kind of model → the words, in lower case, in place of a name for which no model is needed.
_NO_MODEL = {"restorer": ("none",), "upscaler": ("none", "lanczos")}


def restored(asked: PicturesRequest) -> Iterator[dict[str, Any] | Fault]:
    """Restore the pictures of a request in order; yield for each what `answers.Restored` describes, or its fault."""
    runtime = warm_session.runtime()
    sent_bytes = 0
    context = RestoreContext()

    def restore(picture: Picture, progress: HostProgress) -> Outcome:
        context.session_job().make_room()  # others had their turn since the picture before
        return restore_image(picture, asked.settings, context, progress)

    for number, outcome in enumerate(_each(asked, runtime, restore), 1):
        if isinstance(outcome, Fault):
            yield outcome
            continue
        try:
            answer = _answer(outcome, number, asked, runtime)
            sent_bytes += len(answer["picture"])
            if sent_bytes > pictures.MOST_ANSWER_BYTES:
                raise PictureTooLarge(f"Picture {number}", "does not fit into the answer; send fewer at once.")
            yield answer
        except Exception as error:
            yield fault(error, f"writing picture {number}", runtime)


def looked_at(asked: PicturesRequest) -> Iterator[dict[str, Any] | Fault]:
    """Find the faces of a request's pictures; yield for each what `answers.Looked` describes, or its fault."""
    context = RestoreContext()

    def find_faces(picture: Picture, progress: HostProgress) -> tuple[Prepared, float]:
        started = time.perf_counter()
        prepared = context.session_job().find_faces(picture, asked.settings)
        return prepared, time.perf_counter() - started

    for outcome in _each(asked, warm_session.runtime(), find_faces):
        yield outcome if isinstance(outcome, Fault) else _faces(outcome)


def check_models(settings: RestoreSettings, restores: bool) -> None:
    """Check the names of models in the settings, so that a request is refused before it waits in the host's queue.

    restores: whether the request restores pictures, which needs the restorers' weights. An upscaler's weights are not
    checked, because they are needed only for pictures whose size changes.
    Raises: SettingsError, with the nearest names, for an unknown one; WeightsMissing where weights are neither present
    nor may be fetched.
    """
    runtime = weights.listed(warm_session.runtime())
    for name, (kind, _) in MODEL_SETTINGS.items():
        wanted = getattr(settings, name)
        is_needed = restores and kind == "restorer" and settings.restorer != "none"
        if wanted.lower() in _NO_MODEL[kind] or (wanted == "auto" and not is_needed):
            continue
        if kind == "upscaler" and wanted in runtime.other_upscalers.names():
            continue
        spec = weights.choose(wanted, kind, runtime)
        if is_needed and not runtime.downloads_allowed and not weights.is_present(spec, runtime):
            raise WeightsMissing(spec.name, runtime.fetch_advice)


def _each(
    asked: PicturesRequest, runtime: Runtime, work: Callable[[Picture, HostProgress], Done]
) -> Iterator[Done | Fault]:
    """Do `work` for each picture of a request, in a turn of the host's queue; yield its result or the fault.

    After each turn the models are put away, because a job of the host may come next and need the memory. A press of the
    stop button ends the request: all further pictures get the fault of it.
    """
    is_stopped = False
    turn: object = None
    for number, given in enumerate(asked.pictures, 1):
        try:
            picture = pictures.read(given, number)
            # A press between two turns is looked for here, because the host forgets it when the next turn begins. It is
            # this request's only while no other job has begun since the last turn.
            if is_stopped or (base.state().interrupted and base.running_job() == turn):
                is_stopped = True
                raise Interrupted
            title = f"picture {number}/{len(asked.pictures)}, " if len(asked.pictures) > 1 else ""
            with queue.turn(_JOB) as state:
                turn = base.running_job()
                state.textinfo = f"{base.TITLE}: {title}".rstrip(", :")
                try:
                    outcome = work(picture, HostProgress(state, title))
                finally:
                    is_stopped = bool(state.interrupted or getattr(state, "stopping_generation", False))
                    warm_session.after_job()
            yield outcome
        except Exception as error:
            yield fault(error, f"working on picture {number}", runtime)


def _answer(outcome: Outcome, number: int, asked: PicturesRequest, runtime: Runtime) -> dict[str, Any]:
    """Return what `answers.Restored` describes of a restored picture. Raises: PictureError where it cannot be encoded.

    number: of the picture in the request, from 1. runtime: knows the folders that are taken out of sentences.
    """
    result = outcome.result
    height, width = result.picture.size_hw
    picture, lost = pictures.write(result.picture, number, asked.format, asked.quality)
    report = to_plain(result.report)
    report["warnings"] = [without_paths(warning, runtime) for warning in (*result.report.warnings, *lost)]
    record = infotext.appended("", outcome.record)
    return {
        "picture": picture, "format": asked.format, "width": width, "height": height,
        "status": status_line(result.report), "report": report, "infotext": record, "error": None,
    }  # fmt: skip


def _faces(found: tuple[Prepared, float]) -> dict[str, Any]:
    """Return what `answers.Looked` describes. found: a picture's faces, and the seconds that finding them took."""
    prepared, seconds = found
    height, width = prepared.picture.size_hw
    reasons = {report.index: report.reason for report in prepared.reports}
    faces = [
        {
            "index": face.index, "box": [round(edge, 2) for edge in face.box],
            "landmarks": [[round(float(value), 2) for value in point] for point in face.landmarks],
            "score": round(face.score, 4), "would_be_restored": face.index not in reasons,
            "reason": reasons.get(face.index, ""),
        }
        for face in prepared.faces
    ]  # fmt: skip
    return {"width": width, "height": height, "faces": faces, "seconds": round(seconds, 4), "error": None}
