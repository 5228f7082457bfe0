"""`facerestore restore`: files in, files out, one sentence a picture. A picture that fails never stops the others."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from pathlib import Path

import numpy as np

from lib_facerestore.cli.console import complain
from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.cli.pictures import Source, expand
from lib_facerestore.cli.places import Kept, Places, check_writable, crop_path, make_folder
from lib_facerestore.cli.progress import Bar
from lib_facerestore.cli.report_file import ReportWriter, open_report
from lib_facerestore.cli.report_target import ReportTarget, find_target, refuse_places
from lib_facerestore.cli.stopping import Stop
from lib_facerestore.engine import pixels, sizes
from lib_facerestore.engine.data import FloatPixels, Picture, Pixels, Result
from lib_facerestore.engine.levels import to_levels
from lib_facerestore.engine.pixels import already_there, losses
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.engine.upscaling import background, resize_exact
from lib_facerestore.errors import FaceRestoreError, Interrupted, PictureError
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.whole_file import drop_unfinished

_LOGGER = logging.getLogger(__name__)
_LONGEST_PROBLEM = 300


@dataclasses.dataclass(frozen=True)
class FileJob:
    """How the files of one command are read, restored and written."""

    session: Session
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


def restore_files(options: argparse.Namespace, settings: RestoreSettings, runtime: Runtime) -> int:
    """Restore every picture named; exit status 1 when any of them failed, or a face in one.

    Raises: SettingsError, WeightsError, PictureError: nothing can be done for any picture. Stopped.
    """
    stop: Stop = options.stop
    sources = expand(options.pictures)
    job = _job(options, sources, settings, runtime)
    stop.clean_up = drop_unfinished
    stop.check()
    with stop.held():
        make_folder(job.folder)
        check_writable(job.folder)
        report = open_report(job.report)
    try:
        with Bar(len(sources), stop) as bar:
            status = _restore_all(sources, job, report, stop, bar)
    finally:
        is_reported = _closed(report)
    return status if is_reported else EXIT_SOME_FAILED


def _restore_all(sources: list[Source], job: FileJob, report: ReportWriter, stop: Stop, bar: Bar) -> int:
    """Raises: Stopped, Interrupted."""
    status = EXIT_DONE
    for done, source in enumerate(sources):
        stop.so_far = _so_far(done, len(sources))
        stop.check()
        record: dict[str, object] = {"input": str(source.path), "output": None, "outcome": "failed", "faces": []}
        made = _made(source, job, bar, record)
        with stop.held():
            lines = _written(made, job, record) if made is not None else []
            made = None  # else the picture would lie in memory beside the next one
            record["settings"] = dataclasses.asdict(job.settings)
            report.add(record)
            stop.so_far = _so_far(done + 1, len(sources))
        _say(source, record, lines, job, bar)
        if record["outcome"] in ("failed", "some faces failed"):
            status = EXIT_SOME_FAILED
        bar.picture_done()
    return status


def _so_far(done: int, total: int) -> str:
    return f"{done} of {total} pictures are done; what was finished is kept."


def _made(source: Source, job: FileJob, bar: Bar, record: dict[str, object]) -> Made | None:
    """The picture restored and encoded, nothing written yet; None where the record says why there is nothing.

    Raises: Stopped, Interrupted.
    """
    try:
        if source.problem:
            raise PictureError(source.path, source.problem)
        places = _places(source.path, job)
        job.kept.check_own(source.path, places)
        if job.skip_existing and os.path.isfile(places.target):
            record |= {"output": str(places.target), "outcome": f"skipped: {places.target} is there already."}
            return None
        job.kept.check_free(places)
        before = pixels.read(source.path, job.limits)
        (result,) = job.session.restore([before], job.settings, bar)
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


def _written(made: Made, job: FileJob, record: dict[str, object]) -> list[str]:
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
    except Exception as error:  # as in `_made`
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


def _say(source: Source, record: dict[str, object], lines: list[str], job: FileJob, bar: Bar) -> None:
    """Tell a person what became of the picture; on stderr where stdout is the report's."""
    if "error" in record:
        return bar.say(record["error"], stream=sys.stderr)
    stream = sys.stderr if job.report is not None and job.report.is_stdout else sys.stdout
    said = lines or [str(record["outcome"])]
    bar.say(f"{source.path.name}: {said[0]}", *said[1:], stream=stream)


def _closed(report: ReportWriter) -> bool:
    """Whether the report is complete; says so where it is not."""
    try:
        report.close()
    except PictureError as error:
        complain(error)
        return False
    return True


def _job(options: argparse.Namespace, sources: list[Source], settings: RestoreSettings, runtime: Runtime) -> FileJob:
    """What is wrong with the options, or a missing model, is said here: once, and before any picture is read.

    Raises: SettingsError, WeightsError, PictureError.
    """
    limits = pixels.ReadLimits(megapixels=options.max_megapixels)
    writing = pixels.WriteOptions(options.format, options.quality, options.chroma, options.name)
    if os.path.exists(options.output) and not os.path.isdir(options.output):
        raise PictureError(options.output, "is there already and is no folder; choose another --output.")
    report = None if options.report is None else find_target(options.report, options.output, options.overwrite)
    paths = [source.path for source in sources]
    kept = Kept(paths, options.overwrite, None if report is None else report.file)
    session = Session(runtime)
    job = FileJob(
        session=session,
        settings=settings,
        folder=options.output,
        limits=limits,
        writing=writing,
        kept=kept,
        report=report,
        overwrite=options.overwrite,
        skip_existing=options.skip_existing,
        compare=options.compare,
        faces=options.faces,
    )
    if report is not None:
        refuse_places(report, kept, (_places(path, job) for path in paths), options.output)
    background.check_size(settings, session.tools(settings).upscaler)
    return job


def _places(source: Path, job: FileJob) -> Places:
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
