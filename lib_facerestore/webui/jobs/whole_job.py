"""After a whole job: its pictures one after the other, beside their files, into gallery, texts and grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from lib_facerestore.hosts import base, files
from lib_facerestore.hosts.files import Placed
from lib_facerestore.hosts.progress import JobProgress
from lib_facerestore.webui import options
from lib_facerestore.webui.border import guarded
from lib_facerestore.webui.jobs.job import Job
from lib_facerestore.webui.jobs.job_pictures import Item, items_of, put_back, saved_text
from lib_facerestore.webui.jobs.many_pictures import Finished, merged, restore_each, with_text
from lib_facerestore.webui.jobs.one_picture import preview

# Pillow warns of pictures of more than 89 megapixels and refuses to open those of more than 178; gradio 4 opens all
# that a gallery shows. The host's option for the size of its plot's grids lowers it.
MOST_GRID_MEGAPIXELS = 80


def finish(p: Any, processed: Any, job: Job) -> None:
    """Restore and upscale every picture of the job, save them and show them. Base pictures survive whatever happens."""
    items = items_of(
        processed.images,
        processed.infotexts,
        int(processed.index_of_first_image or 0),
        job.seen,
        lambda image: saved_text(image, job.started, p),
    )
    bases = [item for item in items if item.is_base]
    handling = options.value("result")
    if job.has_script and handling == "show both":
        handling = "replace in the gallery"  # a script takes the first picture of each job for its result
    progress = JobProgress(base.state(), len(bases))
    _show_bases(bases, progress)

    def save(finished: Finished) -> None:
        _save(p, processed, finished, handling, job)

    done = restore_each(bases, job.request.settings, job.context, progress, lambda item: item.image, save)
    with guarded("showing the restored pictures", job.context.say):
        if done:
            put_back(processed, _gallery(p, items, done, handling, job))


def _save(p: Any, processed: Any, finished: Finished, handling: str, job: Job) -> None:
    """Write the picture where its base picture was written: ReActor has the host save nothing, and saves its own."""
    index = finished.base.index or 0
    written = files.saved_path(finished.base.image, job.started)
    if written is None and not files.saves_samples(p):
        return
    if handling == "overwrite the file" and written is not None:
        files.overwrite(finished.image, written, finished.text)
        return
    placed = Placed(p, index, _at(processed.all_seeds, index), _at(processed.all_prompts, index))
    files.save_beside(finished.image, written, finished.text, placed)


def _gallery(p: Any, items: Sequence[Item], done: Sequence[Finished], handling: str, job: Job) -> list[Item]:
    """The entries with the finished pictures in or beside their places, and the grid made anew."""
    shown = merged(items, done, handling == "show both")
    if handling == "show both":
        return shown
    for place, item in enumerate(shown):
        if item.index is None:
            with guarded("making the grid anew", job.context.say):
                shown[place] = _grid(p, item, _images_in(item, shown), handling, job)
    return shown


def _images_in(grid: Item, shown: Sequence[Item]) -> list[Any]:
    """The pictures that a grid shows: the host's own the generated ones, another extension's also those it added."""
    return [item.image for item in shown if item.is_base and (grid.is_added or not item.is_added)]


def _grid(p: Any, old: Item, images: list[Any], handling: str, job: Job) -> Item:
    written = files.saved_path(old.image, job.started)
    grid = with_text(files.grid_of(_cells(old, images, p.batch_size, job), p.batch_size), old.text)
    if written is not None:
        if handling == "overwrite the file":
            files.overwrite(grid, written, old.text)
        else:
            files.save_grid_beside(grid, written, old.text, p)
    return Item(grid, old.text, None, False, old.is_added)


def _cells(old: Item, images: Sequence[Any], batch_size: int, job: Job) -> list[Any]:
    """The pictures in RGB, all made smaller by one factor where their grid would be too large, which is said.

    The host's own grid is the measure where that is larger still.
    """
    most = min(MOST_GRID_MEGAPIXELS, float(base.option("img_max_size_mp", MOST_GRID_MEGAPIXELS)))
    limit = max(most * 1e6, old.image.width * old.image.height)
    across, down = files.grid_of([Image.new("RGB", (1, 1)) for _ in images], batch_size).size
    width, height = (max(sides) for sides in zip(*(image.size for image in images)))
    factor = (limit / (across * width * down * height)) ** 0.5
    if factor >= 1:
        return [image.convert("RGB") for image in images]
    job.context.say(
        f"The grid has at most {limit / 1e6:g} megapixels: pictures stand in it at {factor:.0%} of their size."
    )
    sizes = [(max(1, int(image.width * factor)), max(1, int(image.height * factor))) for image in images]
    return [
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
        for image, size in zip(images, sizes)
    ]


def _show_bases(bases: Sequence[Item], progress: JobProgress) -> None:
    """Show the generated pictures in the live preview while they are worked on."""
    small = [preview(item.image) for item in bases]
    if small:
        progress.show(small[0] if len(small) == 1 else preview(files.grid_of(small, len(small))))


def _at(values: Any, index: int) -> Any:
    return values[index] if values and index < len(values) else None
