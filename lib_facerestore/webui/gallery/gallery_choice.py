"""Which pictures of a gallery a press of a button restores. Reads and restores nothing."""

from __future__ import annotations

from collections.abc import Sequence

from lib_facerestore.webui import infotext
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.job_pictures import Item

ONE_LABEL, ALL_LABEL = "Restore faces", "Restore faces in all"
ALL = "all"
"""What the button for all pictures sends in place of the number of the selected entry."""
NOTHING_SHOWN = "The gallery shows no generated picture to restore."


def chosen(items: Sequence[Item], choice: str, context: RestoreContext) -> list[Item]:
    """Return the entries to restore; where there is none, the user is told why.

    items: the gallery's entries. choice: ALL, or the number of the selected entry from 0, "-1" where none is selected.
    """
    return _all(items, context) if choice == ALL else _selected(items, choice, context)


def _all(items: Sequence[Item], context: RestoreContext) -> list[Item]:
    """Return the generated pictures that were not restored yet, without grids and masks.

    Left out is what has a record in its text, and what has a restored version in the gallery. Where there is nothing to
    restore, the user is told why.
    """
    pictures = [item for item in items if item.is_base]
    chosen: list[Item] = []
    last = ""  # text of the last restored picture without its record; an entry that repeats it is that picture's mask
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
    """Return whether the following entry is the restored version of the item: its text is the item's and a record."""
    return (
        following is not None
        and infotext.has_record(following.text)
        and infotext.without_record(following.text) == item.text
    )


def _selected(items: Sequence[Item], choice: str, context: RestoreContext) -> list[Item]:
    """Return the selected picture, in a list; where none is selected and there is only one picture, that one.

    The list is empty, and the user is told why, where there is no such picture or a grid or mask is selected.
    """
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
