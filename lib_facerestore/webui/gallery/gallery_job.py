"""What a press of a button below the gallery does: choose pictures of the gallery, restore them, and show the results.

The pictures are not generated again.
"""

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
from lib_facerestore.webui.gallery import gallery_choice, gallery_entries
from lib_facerestore.webui.jobs import request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.job_pictures import Item, items_of
from lib_facerestore.webui.jobs.restore_each import Finished, merged, restore_each
from lib_facerestore.webui.page import compat
from lib_facerestore.webui.page.controls import ORDER_ON_PAGE

# Shown where the host did not save the picture, or where the page names a copy in gradio's cache: Forge can lose one
# file of a batch from the list of those that it serves.
NO_FILE = "The picture's file is not known here, so that the restored one is in the gallery only and was not saved."


@dataclass(frozen=True)
class Gallery:
    """A gallery as the page holds it."""

    generation_info: dict[str, Any]
    """The host's notes of the job that filled the gallery, with its infotexts."""
    items: list[Item]
    """The entries; `Item.image` is what the page sent, checked by `gallery_entries.served`."""


def run(task: str, choice: str, entries: Any, generation_info: str, *values: Any) -> tuple[Any, Any, Any, str]:
    """Restore the chosen pictures of a gallery. Does not raise: what fails stays as it is, and the status says why.

    task: id of the press, which the host's queue and progress bar use; not used here. choice: see
    `gallery_choice.chosen`. entries: the gallery as the page sends it. generation_info: the host's notes of the job
    that filled it, as JSON. values: of the tab's controls, in their order on the page.
    Returns: the new gallery, generation_info, infotext and status, each as the host's Generate returns it.
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
            compat.notify(f"{base.TITLE}: {sentence}")
    return (*results, _as_html(context.status(), "comments"))


def _read(entries: Any, generation_info: str) -> Gallery:
    """Return the gallery that the page sent; without items where it is empty or its infotexts cannot be read."""
    try:
        info = json.loads(generation_info or "{}")
    except ValueError:
        info = {}
    texts = info.get("infotexts") if isinstance(info, dict) else None
    if not entries or not isinstance(texts, list) or not texts:
        return Gallery({}, [])
    entries = [gallery_entries.served(entry) for entry in entries]
    first = info.get("index_of_first_image")
    first = first if isinstance(first, int) and 0 <= first < len(texts) else 0
    end = len(texts) if _end_in_other_pictures(entries, first, len(texts)) else len(entries)
    items = items_of(entries[:end], [str(text) for text in texts], first, ())
    items += [Item(entry, "", len(texts) - first - 1, False) for entry in entries[end:]]
    return Gallery(info, items)


def _end_in_other_pictures(entries: Sequence[Any], first: int, count: int) -> bool:
    """Return whether the entries without a text stand behind all pictures, as ControlNet's maps do.

    If not, they are masks, which stand behind their pictures in equal numbers.
    first: the number of the first entry that is no grid. count: number of the infotexts.
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
    """Restore the chosen pictures; return the new gallery, generation_info and infotext, or None where none changed.

    The infotext is that of the first restored picture.
    """
    chosen = gallery_choice.chosen(gallery.items, choice, context)
    if not chosen:
        return None
    if len(chosen) == 1:
        base.state().job_count = 1  # JobProgress counts several pictures only; without a count the bar stays empty
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
    pictures = [
        item.image if id(item.image) in fresh else gallery_entries.to_show_again(item.image) for item in entries
    ]
    gallery.generation_info["infotexts"] = [item.text for item in entries]
    return pictures, json.dumps(gallery.generation_info), _as_html(done[0].text)


def _picture(item: Item, context: RestoreContext) -> Any:
    """Return the picture that is to be restored for the item, a PIL image.

    For a picture that was restored before it is its base file, as long as that is there, and the user is told which of
    the two was taken. Raises: PictureError where it cannot be read.
    """
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
    """Write a finished picture beside its base file, or over the entry's file where the user chose that.

    Nothing is written where the host does not save samples, or did not save the entry's picture; the user is told of
    the latter. Raises: OSError where the file cannot be written.
    """
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
            # Shown from a new temporary file: the page would show what it has loaded from the old address before.
            del finished.image.already_saved_as
        return
    files.save_next_to(finished.image, file_names.base_of(saved) or saved, finished.text)


def _as_html(text: str, classes: str = "") -> str:
    """Return the text as an HTML paragraph of those CSS classes, a line for each line, with nothing in it as markup."""
    lines = "<br>\n".join(html.escape(line) for line in text.split("\n"))
    return f"<p class='{classes}'>{lines}</p>"
