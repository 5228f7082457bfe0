"""Restore several pictures one after the other, save each, and show it in the host's live preview.

Used after a whole job and by the buttons below the gallery; they say how a picture is read and saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lib_facerestore.errors import Interrupted
from lib_facerestore.hosts import base
from lib_facerestore.hosts.progress import HostProgress, JobProgress, text_put_back
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext
from lib_facerestore.webui.border import guarded
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.job_pictures import Item
from lib_facerestore.webui.jobs.restore_image import preview, restore_image


@dataclass(frozen=True)
class Finished:
    """A restored picture, not yet in the gallery."""

    base: Item
    """The entry of the gallery that was restored."""
    image: Any
    """The restored picture, a PIL image."""
    text: str
    """Its infotext, with the record of the restoration."""


def restore_each(
    items: Sequence[Item],
    settings: RestoreSettings,
    context: RestoreContext,
    progress: JobProgress,
    read: Callable[[Item], Any],
    save: Callable[[Finished], None],
) -> list[Finished]:
    """Restore the pictures in order and return those that changed.

    A picture that cannot be read or restored is left out, and the user is told why; so is one that the user skips. A
    picture that cannot be saved is returned, and the user is told. After a press of Interrupt no further picture is
    begun. read: returns the PIL image of an item; called when its turn comes. save: writes a finished picture to disk.
    """
    done: list[Finished] = []
    with text_put_back(base.state()):
        for number, item in enumerate(items, 1):
            if progress.is_to_end:
                break
            with guarded(f"restoring picture {number}", context.say):
                finished = _restore(item, read(item), settings, context, progress.picture(number), number)
                if finished is not None:
                    progress.show(preview(finished.image))
                    with guarded("saving a restored picture", context.say):
                        save(finished)
                    done.append(finished)
            progress.finished_one()
    if progress.is_to_end and len(context.reports) < len(items):
        context.say(f"Stopped after {len(context.reports)} of {len(items)} pictures; the others are as generated.")
    return done


def merged(items: Sequence[Item], done: Sequence[Finished], shows_both: bool) -> list[Item]:
    """Return the gallery's entries with each finished picture in the place of its base picture.

    shows_both: keep the base picture and put the finished one behind it.
    """
    by_base = {id(finished.base): finished for finished in done}
    entries: list[Item] = []
    for item in items:
        finished = by_base.get(id(item))
        if finished is None or shows_both:
            entries.append(item)
        if finished is not None:
            entries.append(Item(finished.image, finished.text, item.index, True, item.is_added))
    return entries


def with_text(image: Any, text: str) -> Any:
    """Write the infotext into `image.info`, where the host's API and its temporary files read it; return the image."""
    if text:
        image.info["parameters"] = text
    return image


def _restore(
    item: Item, image: Any, settings: RestoreSettings, context: RestoreContext, progress: HostProgress, number: int
) -> Finished | None:
    """Restore one picture; return None where nothing changed, or where the user skipped it or stopped the job.

    number: of the picture, from 1, for the sentence about a skipped one.
    Raises: FaceRestoreError where the picture cannot be restored.
    """
    try:
        outcome = restore_image(image, settings, context, progress)
    except Interrupted:
        if progress.take_skip():
            context.say(f"Picture {number} was skipped and is as generated.")
        return None
    if not outcome.is_changed:
        return None
    text = infotext.appended(infotext.without_record(item.text), outcome.record)
    return Finished(item, with_text(outcome.image(), text), text)
