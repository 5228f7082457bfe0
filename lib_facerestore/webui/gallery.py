"""The pictures and texts that a job hands to gallery and API: which are ours to restore, and putting results back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Item:
    """One entry of the gallery. index: of the generated picture in the job; None for a grid. is_base: not its mask."""

    image: Any
    text: str
    index: int | None
    is_base: bool


def items_of(processed: Any, seen: Sequence[Any]) -> list[Item]:
    """The entries with the text and the generated picture that each belongs to.

    processed: the host's; its texts are the grid's, then one for each generated picture, and none for masks, which
    stand behind their picture. seen: the pictures as they passed our hook; a script that came later may have replaced
    one, and then the masks' regular places tell.
    """
    images, texts = list(processed.images), list(processed.infotexts)
    first = min(int(processed.index_of_first_image or 0), len(images))
    items = [Item(image, texts[i] if i < len(texts) else "", None, False) for i, image in enumerate(images[:first])]
    bases = _base_places(images[first:], len(texts) - first, seen)
    index = -1
    for place, image in enumerate(images[first:]):
        index += place in bases
        text = texts[first + index] if 0 <= index < len(texts) - first else ""
        items.append(Item(image, text, index, place in bases))
    return items


def put_back(processed: Any, items: Sequence[Item]) -> None:
    """Write the entries into the host's lists, picture and text in pairs, also for masks."""
    processed.images[:] = [item.image for item in items]
    processed.infotexts[:] = [item.text for item in items]


def _base_places(images: Sequence[Any], generated: int, seen: Sequence[Any]) -> frozenset[int]:
    """Places of the generated pictures among these."""
    known = {id(image) for image in seen}
    found = frozenset(place for place, image in enumerate(images) if id(image) in known)
    if len(found) == generated:
        return found
    if generated <= 0 or len(images) % generated:
        return frozenset(range(len(images))) if len(images) <= generated else found
    return frozenset(range(0, len(images), len(images) // generated))
