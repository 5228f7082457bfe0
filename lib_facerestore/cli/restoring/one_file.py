"""One picture of a command: read, restored and encoded, then written with what else was asked for; or why it is not."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

import numpy as np

from lib_facerestore import session
from lib_facerestore.cli.restoring.pictures import Source
from lib_facerestore.cli.restoring.places import Kept, Places, crop_path, make_folder
from lib_facerestore.cli.restoring.progress import Bar
from lib_facerestore.cli.restoring.report_target import ReportTarget
from lib_facerestore.engine import pixels, sizes
from lib_facerestore.engine.data import FloatPixels, Picture, Pixels, Result
from lib_facerestore.engine.levels import to_levels
from lib_facerestore.engine.pixels import already_there, losses
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.engine.upscaling import resize_exact
from lib_facerestore.errors import FaceRestoreError, Interrupted, PictureError
from lib_facerestore.settings import RestoreSettings

_LOGGER = logging.getLogger(__name__)
_LONGEST_PROBLEM = 300


@dataclasses.dataclass(frozen=True)
class FileJob:
    """How the files of one command are read, restored and written."""

    session_job: session.Job
    settings: RestoreSettings
    folder: Path
    limits: pixels.ReadLimits
    writing: pixels.WriteOptions
    kept: Kept
    report: ReportTarget | None
    overwrite: bool
    skip_existing: bool
    compare: bool
    faces: bool


@dataclasses.dataclass(frozen=True)
class Made:
    """A picture that is restored and encoded. files: what is to be written where, the result itself first."""

    result: Result
    places: Places
    files: tuple[tuple[Path, bytes], ...]


def restore_file(source: Source, job: FileJob, bar: Bar, record: dict[str, object]) -> Made | None:
    """The picture restored and encoded, nothing written yet; None where the record says why there is nothing.

    Raises: Stopped, Interrupted.
    """
    try:
        if source.problem:
            raise PictureError(source.path, source.problem)
        places = places_of(source.path, job)
        job.kept.check_own(source.path, places)
        if job.skip_existing and os.path.isfile(places.target):
            record |= {"output": str(places.target), "outcome": f"skipped: {places.target} is there already."}
            return None
        job.kept.check_free(places)
        before = pixels.read(source.path, job.limits)
        result = job.session_job.restore(before, job.settings, bar)
        return Made(result, places, tuple(_encoded(before, result, places, job)))
    except Interrupted:
        raise
    except Exception as error:  # whatever it is, it is this picture's trouble and not the others'
        _fail(record, source.path, error)
        return None


def _encoded(before: Picture, result: Result, places: Places, job: FileJob) -> list[tuple[Path, bytes]]:
    """Each file's path and bytes. Made before the first one is written, so that a picture has all of them or none."""
    files = [(places.target, pixels.encode(result.picture, places.target, job.writing))]
    extra: list[tuple[Path, Picture]] = []
    if places.compare is not None:
        beside = np.hstack([_in_frame(before, result.plan), result.picture.pixels])
        extra.append((places.compare, Picture(beside, is_grey=result.picture.is_grey)))
    if places.faces is not None:
        for restored in result.restored:
            index = restored.crop.face.index
            extra.append((crop_path(places.faces, index, "before"), _as_picture(restored.crop.pixels)))
            extra.append((crop_path(places.faces, index, "after"), _as_picture(restored.pixels)))
    return files + [(path, pixels.encode(picture, path, pixels.WriteOptions())) for path, picture in extra]


def write_files(made: Made, job: FileJob, record: dict[str, object]) -> list[str]:
    """Write the files, and the record of what was done; gives the lines for a person."""
    target, report = made.places.target, made.result.report
    try:
        for path, data in made.files:
            if path.parent == made.places.faces:
                make_folder(path.parent)
                job.kept.wrote(path.parent)
            if not job.overwrite and os.path.exists(path):
                raise already_there(path)
            pixels.write_atomically(path, data, job.overwrite)
            job.kept.wrote(path)
            if path == target:
                record["output"] = str(path)
        if made.places.faces is not None:
            make_folder(made.places.faces)
            job.kept.wrote(made.places.faces)
        notes = [*report.warnings, *losses(made.result.picture, target)]
        record |= {**to_plain(report), "warnings": notes}
        record["outcome"] = "some faces failed" if report.count("failed") else "done"
        return [status_line(report), *notes]
    except Exception as error:  # as in `restore_file`
        _fail(record, target, error)
        return []


def _fail(record: dict[str, object], path: Path, error: Exception) -> None:
    """Why there is no whole result, in a sentence that names the file."""
    _LOGGER.debug("%s failed", path, exc_info=error)
    if isinstance(error, PictureError):
        record["error"] = str(error)
    elif isinstance(error, FaceRestoreError):
        record["error"] = f"{path}: {error}"
    elif isinstance(error, MemoryError):
        record["error"] = f"{path}: There is not enough memory for this picture."
    else:
        said = " ".join(str(error).split())[:_LONGEST_PROBLEM].rstrip(".")
        kind = type(error).__name__
        record["error"] = (
            f"{path}: It could not be done because of an unexpected error ({kind}: {said or 'no reason'})."
        )


def places_of(source: Path, job: FileJob) -> Places:
    """Where the result goes, and what else is asked for."""
    target = job.folder / (job.writing.target_stem(source.stem) + pixels.output_suffix(source, job.writing))
    compare = target.with_name(f"{target.stem}-compare.png") if job.compare else None
    return Places(target, compare, target.with_name(f"{target.stem}-faces") if job.faces else None)


def _in_frame(before: Picture, plan: sizes.SizePlan | None) -> Pixels:
    """The input's pixels at the size and in the crop that its result has."""
    if plan is None:
        return before.pixels
    left, top, right, bottom = plan.crop or (0, 0, plan.resized_hw[1], plan.resized_hw[0])
    return resize_exact(before.pixels, plan.resized_hw)[top:bottom, left:right]


def _as_picture(crop: FloatPixels) -> Picture:
    return Picture(to_levels(crop))
