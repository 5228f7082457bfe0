"""`facerestore restore`: files in, files out, one sentence a picture. A picture that fails never stops the others."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys

from lib_facerestore.cli.console import complain
from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.cli.restoring.one_file import FileJob, places_of, restore_file, write_files
from lib_facerestore.cli.restoring.pictures import Source, expand
from lib_facerestore.cli.restoring.places import Kept, check_writable, make_folder
from lib_facerestore.cli.restoring.progress import Bar
from lib_facerestore.cli.restoring.report_file import ReportWriter, open_report
from lib_facerestore.cli.restoring.report_target import find_target, refuse_places
from lib_facerestore.cli.stopping import Stop
from lib_facerestore.engine import pixels
from lib_facerestore.engine.upscaling import background
from lib_facerestore.errors import PictureError
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.whole_file import drop_unfinished


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
        made = restore_file(source, job, bar, record)
        with stop.held():
            lines = write_files(made, job, record) if made is not None else []
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
    session_job = Session(runtime).job()
    job = FileJob(
        session_job=session_job,
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
        refuse_places(report, kept, (places_of(path, job) for path in paths), options.output)
    background.check_size(settings, session_job.tools(settings).upscaler)
    return job
