"""After a whole job: its pictures one after the other, beside their files, into gallery, texts and grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib_facerestore.engine.report import status_line
from lib_facerestore.errors import Interrupted
from lib_facerestore.hosts import base, files
from lib_facerestore.hosts.files import Placed
from lib_facerestore.hosts.progress import JobProgress
from lib_facerestore.webui import infotext, options, pictures
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.gallery import Item, items_of, put_back
from lib_facerestore.webui.job import Job


@dataclass(frozen=True)
class Finished:
    """A restored picture that takes its place beside, or in place of, an entry of the gallery."""

    base: Item
    image: Any
    text: str


def finish(p: Any, processed: Any, job: Job) -> None:
    """Restore and upscale every picture of the job, save them and show them. Base pictures survive whatever happens."""
    items = items_of(processed, job.seen)
    bases = [item for item in items if item.is_base]
    handling = options.value("result")
    if job.has_script and handling == "show both":
        handling = "replace in the gallery"  # a script takes the first picture of each job for its result
    progress = JobProgress(base.state(), len(bases))
    _show_bases(bases, progress)
    done: list[Finished] = []
    for number, item in enumerate(bases, 1):
        if progress.is_to_end:
            break
        with guarded(f"restoring picture {number}", job.say):
            finished = _restore(item, job, progress, number)
            if finished is not None:
                progress.show(pictures.preview(finished.image))
                _save(p, processed, finished, handling, job)
                done.append(finished)
        progress.finished_one()
    if progress.is_to_end and len(job.reports) < len(bases):
        job.say(f"Stopped after {len(job.reports)} of {len(bases)} pictures; the others are as generated.")
    with guarded("showing the restored pictures", job.say):
        if done:
            put_back(processed, _gallery(p, items, done, handling, job))


def _restore(item: Item, job: Job, progress: JobProgress, number: int) -> Finished | None:
    """The finished picture, or None where nothing had to be done or the user skipped it."""
    try:
        image, report = pictures.restore(item.image, job.request.settings, progress.picture(number), keeps_alpha=False)
    except Interrupted:
        if progress.was_skipped:
            job.say(f"Picture {number} was skipped and is as generated.")
        return None
    job.reports.append(report)
    logger.info("%s", status_line(report))
    if not pictures.has_changed(report):
        return None
    text = infotext.appended(item.text, infotext.record(report, job.request.settings))
    return Finished(item, _with_text(image, text), text)


def _save(p: Any, processed: Any, finished: Finished, handling: str, job: Job) -> None:
    """Write the picture where the host writes its own; a failure is said, the picture is still shown."""
    if not files.saves_samples(p):
        return
    index = finished.base.index or 0
    written = files.saved_path(finished.base.image, job.started)
    with guarded("saving a restored picture", job.say):
        if handling == "overwrite the file" and written is not None:
            files.overwrite(finished.image, written, finished.text)
            return
        placed = Placed(p, index, _at(processed.all_seeds, index), _at(processed.all_prompts, index))
        files.save_beside(finished.image, written, finished.text, placed)


def _gallery(p: Any, items: Sequence[Item], done: Sequence[Finished], handling: str, job: Job) -> list[Item]:
    """The entries with the finished pictures in or beside their places, and the grid made anew."""
    by_base = {id(finished.base): finished for finished in done}
    shown: list[Item] = []
    for item in items:
        finished = by_base.get(id(item))
        if finished is None or handling == "show both":
            shown.append(item)
        if finished is not None:
            shown.append(Item(finished.image, finished.text, item.index, True))
    if handling != "show both" and items and items[0].index is None:
        with guarded("making the grid anew", job.say):
            shown[0] = _grid(p, items[0], [item.image for item in shown if item.is_base], handling, job)
    return shown


def _grid(p: Any, old: Item, images: list[Any], handling: str, job: Job) -> Item:
    written = files.saved_path(old.image, job.started)
    grid = _with_text(files.grid_of([image.convert("RGB") for image in images], p.batch_size), old.text)
    if written is not None:
        if handling == "overwrite the file":
            files.overwrite(grid, written, old.text)
        else:
            files.save_grid_beside(grid, written, old.text, p)
    return Item(grid, old.text, None, False)


def _show_bases(bases: Sequence[Item], progress: JobProgress) -> None:
    """Show the generated pictures in the live preview while they are worked on."""
    small = [pictures.preview(item.image) for item in bases]
    if small:
        progress.show(small[0] if len(small) == 1 else pictures.preview(files.grid_of(small, len(small))))


def _with_text(image: Any, text: str) -> Any:
    """The image with the text where API and temporary files take it from."""
    if text:
        image.info["parameters"] = text
    return image


def _at(values: Any, index: int) -> Any:
    return values[index] if values and index < len(values) else None
