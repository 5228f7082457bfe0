"""Restore a job's pictures after the host has finished it, save them, and put them into gallery, texts and grid."""

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
from lib_facerestore.webui.jobs.restore_each import Finished, merged, restore_each, with_text
from lib_facerestore.webui.jobs.restore_image import preview

MOST_GRID_MEGAPIXELS = 80
"""Largest grid that is made anew. Pillow warns above 89 megapixels and refuses to open above 178, and gradio 4 opens
every picture of a gallery. The host's option for the size of its plots can lower this limit."""


def finish(p: Any, processed: Any, job: Job) -> None:
    """Restore and upscale the pictures of the job, save the results, and put them into `processed`.

    p: the host's job. processed: the host's result of it, changed in place only after all pictures are done. A picture
    that fails stays as generated, and the user is told why.
    """
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
        # A script takes the first picture of each job as the result, which must be the restored one.
        handling = "replace in the gallery"
    progress = JobProgress(base.state(), len(bases))
    _show_bases(bases, progress)

    def save(finished: Finished) -> None:
        _save(p, processed, finished, handling, job)

    done = restore_each(bases, job.request.settings, job.context, progress, lambda item: item.image, save)
    with guarded("showing the restored pictures", job.context.say):
        if done:
            put_back(processed, _gallery(p, items, done, handling, job))


def _save(p: Any, processed: Any, finished: Finished, handling: str, job: Job) -> None:
    """Write a finished picture beside its base picture's file, or over it where the user chose that.

    Where the base picture has no file, nothing is written unless the host saves the job's pictures. ReActor switches
    the host's saving off and saves the pictures itself: so a base file that is there counts, whatever that switch says.
    handling: the option "result" of the Settings. Raises: OSError where the file cannot be written.
    """
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
    """Return the gallery's entries with the finished pictures.

    Where both pictures are shown, the finished one stands behind its base picture and grids stay as they are.
    Otherwise it replaces the base picture, and each grid is made anew from the present pictures.
    """
    entries = merged(items, done, handling == "show both")
    if handling == "show both":
        return entries
    for place, item in enumerate(entries):
        if item.index is None:
            with guarded("making the grid anew", job.context.say):
                entries[place] = _grid(p, item, _images_in(item, entries), handling, job)
    return entries


def _images_in(grid: Item, entries: Sequence[Item]) -> list[Any]:
    """Return the pictures of a grid: of the host's grid the generated ones, of an extension's also the added ones."""
    return [item.image for item in entries if item.is_base and (grid.is_added or not item.is_added)]


def _grid(p: Any, old: Item, images: list[Any], handling: str, job: Job) -> Item:
    """Return a new grid of the images in place of an old one; save it beside or over the old one's file, if it has one.

    Raises: OSError where the file cannot be written.
    """
    written = files.saved_path(old.image, job.started)
    grid = with_text(files.grid_of(_cells(old, images, p.batch_size, job), p.batch_size), old.text)
    if written is not None:
        if handling == "overwrite the file":
            files.overwrite(grid, written, old.text)
        else:
            files.save_grid_beside(grid, written, old.text, p)
    return Item(grid, old.text, None, False, old.is_added)


def _cells(old: Item, images: Sequence[Any], batch_size: int, job: Job) -> list[Any]:
    """Return the pictures of a new grid in RGB, reduced by one factor where the grid would be too large.

    The limit is MOST_GRID_MEGAPIXELS, the host's option, or the size of the old grid if that is larger. The user is
    told of the factor.
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
    """Show the generated pictures, as a grid if there are several, in the live preview until the first is restored."""
    small = [preview(item.image) for item in bases]
    if small:
        progress.show(small[0] if len(small) == 1 else preview(files.grid_of(small, len(small))))


def _at(values: Any, index: int) -> Any:
    """Return the value of that index; None where the host's list is missing or too short."""
    return values[index] if values and index < len(values) else None
