"""`facerestore restore`: files in, files out, one sentence a picture. A picture that fails never stops the others."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from lib_facerestore.cli import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import FloatPixels, Picture, Result
from lib_facerestore.engine.pixels.encode import losses
from lib_facerestore.engine.pixels.files import already_there
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.engine.resize import resize_exact
from lib_facerestore.errors import FaceRestoreError, PictureError, SettingsError, WeightsError
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings


@dataclasses.dataclass(frozen=True)
class FileJob:
    """How the files of one command are read, restored and written."""

    session: Session
    settings: RestoreSettings
    folder: Path
    limits: pixels.ReadLimits
    writing: pixels.WriteOptions
    overwrite: bool
    compare: bool
    faces: bool


def restore_files(options: argparse.Namespace, settings: RestoreSettings, runtime: Runtime) -> int:
    """Restore every picture named; exit status 1 when any of them failed.

    Raises: SettingsError, WeightsError: nothing can be done for any picture.
    """
    job = _job(options, settings, runtime)
    job.session.tools(settings)  # a missing model is said once, before any picture is read
    make_folder(job.folder)
    records = []
    written: set[Path] = set()
    for source in _shown(options.pictures):
        record: dict[str, object] = {"input": str(source), "output": None, "faces": []}
        try:
            target = _target(source, job, written)
            result = _restore_one(source, target, job)
            written.add(target)
            notes = (*result.report.warnings, *losses(result.picture, target))
            record |= {"output": str(target), **to_plain(result.report), "warnings": notes}
            _say("\n  ".join([f"{source.name}: {status_line(result.report)}", *notes]))
        except (SettingsError, WeightsError):
            raise
        except FaceRestoreError as error:
            record["error"] = str(error)
            _say(str(error), sys.stderr)
        record["settings"] = dataclasses.asdict(settings)
        records.append(record)
    if options.report is not None:
        text = json.dumps(records, indent=2, ensure_ascii=False)
        pixels.write_atomically(options.report, text.encode(errors="surrogateescape"))
    return EXIT_SOME_FAILED if any("error" in record for record in records) else EXIT_DONE


def make_folder(folder: Path) -> None:
    """Create the folder with its parents.

    Raises: PictureError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(folder, f"cannot be used as a folder: {error.strerror}.") from error


def _job(options: argparse.Namespace, settings: RestoreSettings, runtime: Runtime) -> FileJob:
    """Raises: SettingsError."""
    return FileJob(
        session=Session(runtime),
        settings=settings,
        folder=options.output,
        limits=pixels.ReadLimits(megapixels=options.max_megapixels),
        writing=pixels.WriteOptions(options.format, options.quality, options.chroma, options.name),
        overwrite=options.overwrite,
        compare=options.compare,
        faces=options.faces,
    )


def _target(source: Path, job: FileJob, written: set[Path]) -> Path:
    """Where the result goes.

    Raises: PictureError before any work is done for a result that could not be kept.
    """
    target = job.folder / (job.writing.target_stem(source.stem) + pixels.output_suffix(source, job.writing))
    if target in written:
        raise PictureError(source, f"would replace {target}, which this run wrote for another picture.")
    if os.path.exists(source) and os.path.exists(target) and source.samefile(target):
        raise PictureError(source, "would be replaced by its own result; choose another folder.")
    if os.path.exists(target) and not job.overwrite:
        raise already_there(target)
    return target


def _restore_one(source: Path, target: Path, job: FileJob) -> Result:
    before = pixels.read(source, job.limits)
    (result,) = job.session.restore([before], job.settings)
    pixels.write(result.picture, target, job.overwrite, job.writing)
    if job.compare:
        same_size = resize_exact(before.pixels, result.picture.size_hw)
        compare = Picture(np.hstack([same_size, result.picture.pixels]), is_grey=before.is_grey)
        pixels.write(compare, target.with_name(f"{target.stem}-compare.png"), job.overwrite)
    if job.faces:
        _write_faces(result, target.with_name(f"{target.stem}-faces"), job.overwrite)
    return result


def _write_faces(result: Result, folder: Path, overwrite: bool) -> None:
    make_folder(folder)
    for restored in result.restored:
        number = f"{restored.crop.face.index + 1:02d}"
        pixels.write(_as_picture(restored.crop.pixels), folder / f"{number}-before.png", overwrite)
        pixels.write(_as_picture(restored.pixels), folder / f"{number}-after.png", overwrite)


def _as_picture(crop: FloatPixels) -> Picture:
    return Picture(pixels.from_unit_float(crop))


def _shown(sources: list[Path]) -> Iterator[Path]:
    """The sources, with a progress bar on a terminal."""
    from tqdm import tqdm

    yield from tqdm(sources, unit="picture", disable=not sys.stderr.isatty())


def _say(text: str, stream: TextIO | None = None) -> None:
    """A line that a progress bar does not tear apart; names that the terminal cannot show are escaped."""
    from tqdm import tqdm

    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    tqdm.write(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
