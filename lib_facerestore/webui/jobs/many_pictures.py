"""Pictures one after the other: restored, saved and shown in the live preview, whatever brought them together."""

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
from lib_facerestore.webui.jobs.one_picture import preview, restore_image


@dataclass(frozen=True)
class Finished:
    """A restored picture that takes its place beside, or in place of, an entry of the gallery."""

    base: Item
    image: Any
    text: str


def restore_each(
    items: Sequence[Item],
    settings: RestoreSettings,
    context: RestoreContext,
    progress: JobProgress,
    read: Callable[[Item], Any],
    save: Callable[[Finished], None],
) -> list[Finished]:
    """The finished pictures of those that changed; one that fails, in any step, is said and the next one begun.

    read: the PIL image of an item, asked for when its turn comes.
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
    """The entries with the finished pictures in their places, or behind them."""
    by_base = {id(finished.base): finished for finished in done}
    shown: list[Item] = []
    for item in items:
        finished = by_base.get(id(item))
        if finished is None or shows_both:
            shown.append(item)
        if finished is not None:
            shown.append(Item(finished.image, finished.text, item.index, True, item.is_added))
    return shown


def with_text(image: Any, text: str) -> Any:
    """The image with the text where API and temporary files take it from."""
    if text:
        image.info["parameters"] = text
    return image


def _restore(
    item: Item, image: Any, settings: RestoreSettings, context: RestoreContext, progress: HostProgress, number: int
) -> Finished | None:
    """The finished picture, or None where nothing had to be done or the user skipped it."""
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
