"""Every picture of a TIFF, and which of them is the one to restore. Decodes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lib_facerestore.engine.pixels.formats.tiff_directory import Bytes, Entry, Layout, directory_at, layout_of, numbers
from lib_facerestore.engine.pixels.formats.tiff_page import TiffPage, page_of

# A directory of a picture takes a few hundred bytes, so that a file of some MB can claim tens of thousands of pages.
_MOST_PAGES = 1000
_SUB_DIRECTORIES = 330


@dataclass(frozen=True)
class TiffPages:
    """Every picture of a file, and the one to restore."""

    pages: tuple[TiffPage, ...]
    chosen: TiffPage

    @property
    def note(self) -> str:
        """What was left out, for the report; "" where the file holds one picture."""
        main = [page for page in self.pages if page.is_main]
        if len(main) < 2:
            return ""
        which = main.index(self.chosen)
        words = "the first" if which == 0 else f"number {which + 1}, the largest,"
        return f"Only {words} of {len(main)} frames was taken."


def pages_of(data: Bytes) -> TiffPages | None:
    """The pages of a TIFF; None for other files. The largest picture at full resolution is chosen, else the largest.

    Raises: ValueError for a damaged first directory.
    """
    layout = layout_of(data)
    if layout is None:
        return None
    pages = tuple(_walk(data, layout))
    if not pages:
        raise ValueError("it has no directory that describes a picture")
    candidates = [page for page in pages if page.is_main] or list(pages)
    return TiffPages(pages, max(candidates, key=lambda page: math.prod(page.size_hw)))


def _walk(data: Bytes, layout: Layout) -> Iterator[TiffPage]:
    """Main pages with their sub-directories, each once, up to the limit; later damaged ones end the walk."""
    (offset,) = numbers(data, Entry(0, 16 if layout.is_big else 4, 1, layout.first, 0), layout)
    seen: set[int] = set()
    for number in range(_MOST_PAGES):
        if not offset or offset in seen:
            return
        seen.add(offset)
        try:
            found = directory_at(data, offset, layout)
            below = numbers(data, found.entries.get(_SUB_DIRECTORIES), layout)[:_MOST_PAGES]
        except ValueError:
            if number == 0:
                raise
            return
        if (page := page_of(data, found, layout, offset, number)) is not None:
            yield page
        for place in below:
            if place in seen:
                continue
            seen.add(place)
            if (sub := _sub_page(data, layout, place)) is not None:
                yield sub
        offset = found.next


def _sub_page(data: Bytes, layout: Layout, offset: int) -> TiffPage | None:
    try:
        return page_of(data, directory_at(data, offset, layout), layout, offset, None)
    except ValueError:  # a damaged thumbnail does not make the picture unreadable
        return None
