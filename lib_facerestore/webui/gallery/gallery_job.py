"""Pictures that the gallery shows, restored without generating them again: which ones, and what the page shows then."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lib_facerestore.hosts import base, file_names, files
from lib_facerestore.hosts.progress import JobProgress
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext, options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.gallery import gallery_entries
from lib_facerestore.webui.jobs import request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.job_pictures import Item, items_of
from lib_facerestore.webui.jobs.many_pictures import Finished, merged, restore_each
from lib_facerestore.webui.page import compat
from lib_facerestore.webui.page.controls import ORDER_ON_PAGE

ALL = "all"
ONE_LABEL, ALL_LABEL = "Restore faces", "Restore faces in all"
NOTHING_SHOWN = "The gallery shows no generated picture to restore."
# Not saved by the host, or a copy in gradio's cache: Forge's list of served files can lose one of a batch's.
NO_FILE = "The picture's file is not known here, so that the restored one is in the gallery only and was not saved."


@dataclass(frozen=True)
class Gallery:
    """What the page holds. said: the host's notes of the job, its texts among them; items: with the page's entries."""

    said: dict[str, Any]
    items: list[Item]


def run(task: str, choice: str, entries: Any, generation_info: str, *values: Any) -> tuple[Any, Any, Any, str]:
    """Restore what was chosen. Never raises; what cannot be restored stays and is said.

    task: for the host's progress bar. choice: ALL or the number of the selected entry, "-1" for none.
    values: of the tab's controls, in their order. Returns gallery, generation_info, text and status, as the hosts do.
    """
    unchanged = gr.update()
    context = RestoreContext(keeps_alpha=False)
    results: tuple[Any, Any, Any] = (unchanged, unchanged, unchanged)
    with guarded("restoring from the gallery", context.say):
        settings, notices = request.checked_settings(dict(zip(ORDER_ON_PAGE, values)))
        context.notices.extend(notices)
        results = _restored(choice, _read(entries, generation_info), settings, context) or results
    with guarded("putting the models away", context.say):
        warm_session.after_job()
    with guarded("showing the status", lambda sentence: logger.warning("%s", sentence)):
        for sentence in context.notices:
            logger.info("%s", sentence)
            compat.notify(f"Face restore: {sentence}")
    return (*results, _as_html(context.status(), "comments"))


def _read(entries: Any, generation_info: str) -> Gallery:
    """The gallery as the host made it; without pictures where the page has none or their texts cannot be read."""
    try:
        said = json.loads(generation_info or "{}")
    except ValueError:
        said = {}
    texts = said.get("infotexts") if isinstance(said, dict) else None
    if not entries or not isinstance(texts, list) or not texts:
        return Gallery({}, [])
    entries = [gallery_entries.served(entry) for entry in entries]
    first = said.get("index_of_first_image")
    first = first if isinstance(first, int) and 0 <= first < len(texts) else 0
    end = len(texts) if _has_strangers(entries, first, len(texts)) else len(entries)
    items = items_of(entries[:end], [str(text) for text in texts], first, ())
    items += [Item(entry, "", len(texts) - first - 1, False) for entry in entries[end:]]
    return Gallery(said, items)


def _has_strangers(entries: Sequence[Any], first: int, count: int) -> bool:
    """Whether what other scripts show, ControlNet's maps for one, stands behind the pictures, not masks between them.

    count: of the texts, one for each entry but these. Masks come in equal numbers for each picture.
    """
    if len(entries) <= count:
        return False
    if (len(entries) - first) % (count - first):
        return True
    are_saved = [gallery_entries.saved_file(entry) is not None for entry in entries]
    return count - first > 1 and all(are_saved[first:count]) and not any(are_saved[count:])


def _restored(
    choice: str, gallery: Gallery, settings: RestoreSettings, context: RestoreContext
) -> tuple[Any, Any, Any] | None:
    """The page's new gallery, notes and text; None where nothing changes."""
    chosen = _all(gallery.items, context) if choice == ALL else _selected(gallery.items, choice, context)
    if not chosen:
        return None
    if len(chosen) == 1:
        base.state().job_count = 1  # so that the bar shows its steps
    progress = JobProgress(base.state(), len(chosen))
    handling = options.value("result")
    done = restore_each(
        chosen,
        settings,
        context,
        progress,
        lambda item: _picture(item, context),
        lambda finished: _save(finished, handling, context),
    )
    if not done:
        return None
    entries = merged(gallery.items, done, handling == "show both")
    fresh = {id(finished.image) for finished in done}
    pictures = [item.image if id(item.image) in fresh else gallery_entries.again(item.image) for item in entries]
    gallery.said["infotexts"] = [item.text for item in entries]
    return pictures, json.dumps(gallery.said), _as_html(done[0].text)


def _all(items: Sequence[Item], context: RestoreContext) -> list[Item]:
    """The generated pictures that were not restored yet; neither grids nor masks."""
    pictures = [item for item in items if item.is_base]
    chosen: list[Item] = []
    last = ""  # the text of the last restored picture: what repeats it is that picture's mask
    for item, following in zip(pictures, [*pictures[1:], None]):
        if infotext.has_record(item.text):
            last = infotext.without_record(item.text)
        elif item.text != last and not _stands_before(following, item):
            chosen.append(item)
    if not pictures:
        context.say(NOTHING_SHOWN)
    elif not chosen:
        context.say(
            f"All pictures here were restored already. To restore one again, select it and press “{ONE_LABEL}”."
        )
    return chosen


def _stands_before(following: Item | None, item: Item) -> bool:
    """Whether the next entry is the item's restored version."""
    return (
        following is not None
        and infotext.has_record(following.text)
        and infotext.without_record(following.text) == item.text
    )


def _selected(items: Sequence[Item], choice: str, context: RestoreContext) -> list[Item]:
    """The selected picture; without a selection the only one."""
    pictures = [item for item in items if item.is_base]
    if not pictures:
        context.say(NOTHING_SHOWN)
        return []
    number = int(choice) if choice.isascii() and choice.isdigit() else -1
    if number < 0 and len(pictures) == 1:
        return pictures
    if not 0 <= number < len(items):
        context.say(f"No picture is selected. Select one, or press “{ALL_LABEL}”.")
        return []
    if not items[number].is_base:
        kind = "grid" if items[number].index is None else "mask"
        context.say(f"A {kind} is selected, which stays as it is. Select a picture, or press “{ALL_LABEL}”.")
        return []
    return [items[number]]


def _picture(item: Item, context: RestoreContext) -> Any:
    """The item's picture; of one that was restored already, the picture before, where its file is still there."""
    if not infotext.has_record(item.text):
        return gallery_entries.read(item.image)
    saved = gallery_entries.saved_file(item.image)
    before = file_names.base_of(saved) if saved else None
    if before is None:
        context.say(
            "The picture was restored before and its base file is not there, so that this restoration came on top."
        )
        return gallery_entries.read(item.image)
    context.say(f"The picture was restored before; it was restored anew from {before.name}.")
    return gallery_entries.open_file(before)


def _save(finished: Finished, handling: str, context: RestoreContext) -> None:
    """Write the picture beside its base file, or over the file; only where the host saved that and still saves."""
    if not files.saves_samples(None):
        return
    entry = finished.base.image
    saved = gallery_entries.saved_file(entry)
    if saved is None:
        context.say(NO_FILE)
        return
    if handling == "overwrite the file":
        files.overwrite(finished.image, saved, finished.text)
        if not gallery_entries.is_dated(entry):
            del finished.image.already_saved_as  # the page would show what it has loaded from that address
        return
    files.save_next_to(finished.image, file_names.base_of(saved) or saved, finished.text)


def _as_html(text: str, classes: str = "") -> str:
    lines = "<br>\n".join(html.escape(line) for line in text.split("\n"))
    return f"<p class='{classes}'>{lines}</p>"
