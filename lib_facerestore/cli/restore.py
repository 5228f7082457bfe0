"""`facerestore restore`: files in, files out, one sentence a picture. A picture that fails never stops the others."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from lib_facerestore.cli import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.cli.places import Kept, Places, crop_path
from lib_facerestore.engine import background, pixels, sizes
from lib_facerestore.engine.data import FloatPixels, Picture, Pixels, Result
from lib_facerestore.engine.pixels.encode import losses
from lib_facerestore.engine.report import status_line, to_plain
from lib_facerestore.engine.resize import resize_exact
from lib_facerestore.errors import FaceRestoreError, PictureError, SettingsError, SizeTooLarge, WeightsError
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings


@dataclasses.dataclass(frozen=True)
class FileJob:
    """How the files of one command are read, restored and written. size: what every result is brought to, or None."""

    session: Session
    settings: RestoreSettings
    size: sizes.TargetSize | None
    folder: Path
    limits: pixels.ReadLimits
    writing: pixels.WriteOptions
    kept: Kept
    overwrite: bool
    compare: bool
    faces: bool


def restore_files(options: argparse.Namespace, settings: RestoreSettings, runtime: Runtime) -> int:
    """Restore every picture named; exit status 1 when any of them failed.

    Raises: SettingsError, WeightsError: nothing can be done for any picture.
    """
    job = _job(options, settings, runtime)
    make_folder(job.folder)
    records = []
    for source in _shown(options.pictures):
        record: dict[str, object] = {"input": str(source), "output": None, "faces": []}
        try:
            places = _places(source, job)
            job.kept.check(source, places)
            result = _restore_one(source, places, job)
            notes = (*result.report.warnings, *losses(result.picture, places.target))
            record |= {"output": str(places.target), **to_plain(result.report), "warnings": notes}
            _say("\n  ".join([f"{source.name}: {status_line(result.report)}", *notes]))
        except FaceRestoreError as error:
            if isinstance(error, (SettingsError, WeightsError)) and not isinstance(error, SizeTooLarge):
                raise  # it would be the same for every picture
            record["error"] = str(error) if isinstance(error, PictureError) else f"{source}: {error}"
            _say(str(record["error"]), sys.stderr)
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
    """What is wrong with the options, or a missing model, is said here: once, and before any picture is read.

    Raises: SettingsError, WeightsError.
    """
    limits = pixels.ReadLimits(megapixels=options.max_megapixels)
    writing = pixels.WriteOptions(options.format, options.quality, options.chroma, options.name)
    kept = Kept(options.pictures, options.overwrite)
    kept.check_report(options.report)
    session = Session(runtime)
    size = background.wanted_size(settings, session.tools(settings).upscaler)
    if size is not None:
        sizes.check(size)
    return FileJob(
        session=session,
        settings=settings,
        size=size,
        folder=options.output,
        limits=limits,
        writing=writing,
        kept=kept,
        overwrite=options.overwrite,
        compare=options.compare,
        faces=options.faces,
    )


def _places(source: Path, job: FileJob) -> Places:
    """Where the result goes, and what else is asked for."""
    target = job.folder / (job.writing.target_stem(source.stem) + pixels.output_suffix(source, job.writing))
    compare = target.with_name(f"{target.stem}-compare.png") if job.compare else None
    return Places(target, compare, target.with_name(f"{target.stem}-faces") if job.faces else None)


def _restore_one(source: Path, places: Places, job: FileJob) -> Result:
    before = pixels.read(source, job.limits)
    (result,) = job.session.restore([before], job.settings)
    pixels.write(result.picture, places.target, job.overwrite, job.writing)
    job.kept.wrote(places.target)
    if places.compare is not None:
        beside = np.hstack([_in_frame(before, job.size), result.picture.pixels])
        pixels.write(Picture(beside, is_grey=result.picture.is_grey), places.compare, job.overwrite)
        job.kept.wrote(places.compare)
    if places.faces is not None:
        make_folder(places.faces)
        job.kept.wrote(places.faces)
        _write_faces(result, places.faces, job.overwrite)
    return result


def _in_frame(before: Picture, size: sizes.TargetSize | None) -> Pixels:
    """The input's pixels at the size and in the crop that its result has."""
    if size is None:
        return before.pixels
    plan = sizes.target_size(before.size_hw, size)
    left, top, right, bottom = plan.crop or (0, 0, plan.resized_hw[1], plan.resized_hw[0])
    return resize_exact(before.pixels, plan.resized_hw)[top:bottom, left:right]


def _write_faces(result: Result, folder: Path, overwrite: bool) -> None:
    for restored in result.restored:
        index = restored.crop.face.index
        pixels.write(_as_picture(restored.crop.pixels), crop_path(folder, index, "before"), overwrite)
        pixels.write(_as_picture(restored.pixels), crop_path(folder, index, "after"), overwrite)


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
