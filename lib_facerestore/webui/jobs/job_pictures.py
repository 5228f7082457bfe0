"""Tell which entries of a gallery are generated pictures, masks or grids, and write changed entries back.

The host gives pictures and infotexts as two lists that do not say which picture belongs to which text: extensions add,
replace and remove pictures. Nothing is restored here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lib_facerestore.hosts import files


@dataclass
class Item:
    """One entry of the gallery: a generated picture, a mask or other by-product of one, or a grid."""

    image: Any
    """A PIL image after a generation; what the page sent, where a button below the gallery was pressed."""
    text: str
    """The infotext; of a by-product that of its picture."""
    index: int | None
    """Number of the generated picture in the job, from 0, to which the entry belongs; None for a grid."""
    is_base: bool
    """Whether it is a picture that can be restored; False for grids and by-products."""
    is_added: bool = False
    """Whether another extension added it: a picture beside the generated one, or a grid that shows such pictures."""


@dataclass(frozen=True)
class _GalleryFacts:
    """What is known of a gallery before it is decided which of its places hold generated pictures."""

    images: Sequence[Any]
    """All entries; masks stand behind their picture."""
    first: int
    """The first place behind the host's grid; 0 without a grid."""
    own: Sequence[str]
    """The infotexts of the generated pictures, by index."""
    known: Mapping[int, int]
    """Place in the gallery → index of the generated picture, where this extension's hook got that very picture."""
    text_of: Callable[[Any], str | None]
    """See `items_of`."""

    @property
    def is_whole(self) -> bool:
        """Whether all generated pictures are in `known`."""
        return len(self.known) == len(self.own)


def items_of(
    images: Sequence[Any],
    texts: Sequence[str],
    first: int,
    seen: Sequence[Any],
    text_of: Callable[[Any], str | None] = lambda image: None,
) -> list[Item]:
    """Return the gallery's entries, each with its infotext and the generated picture to which it belongs.

    images: the entries as the host lists them. texts: the infotexts of the grid, if there is one, and of each generated
    picture; masks and pictures that other extensions added have none. first: the host's index of the first picture
    behind the grid. seen: the pictures as they left this extension's hook, in the order of their index; () where no
    hook ran. text_of: returns the infotext in the file of a picture that was saved among this job's samples; None for
    any other picture.
    """
    images, first = list(images), min(first, len(images))
    images[first:], own = _with_masks_behind(images[first:], texts[first:], len(seen))
    found = {id(image): number for number, image in enumerate(seen)}
    known = {place: found[id(image)] for place, image in enumerate(images) if id(image) in found}
    facts = _GalleryFacts(images, first, own, known, text_of)
    tried = (arrangement(facts) for arrangement in _ARRANGEMENTS)
    indices = next((places for places in tried if places is not None), known)
    return _items(facts, indices, texts[0] if texts else "")


def _items(facts: _GalleryFacts, indices: Mapping[int, int], grid_text: str) -> list[Item]:
    """Return the entries: what stands before the first picture as grids, what stands behind a picture as its masks.

    indices: place → index of the pictures. grid_text: the infotext of all grids.
    """
    front = min(indices, default=len(facts.images))
    items = [
        Item(image, grid_text, None, False, is_added=not (facts.is_whole and front - facts.first <= place))
        for place, image in enumerate(facts.images[:front])
    ]
    taken: set[int] = set()
    index = 0
    for place in range(front, len(facts.images)):
        index = indices.get(place, index)
        text = facts.own[index] if index < len(facts.own) else ""
        is_base = place in indices
        items.append(Item(facts.images[place], text, index, is_base, is_base and index in taken))
        taken.add(index)
    return items


def _with_masks_behind(
    images: Sequence[Any], texts: Sequence[str], generated: int
) -> tuple[Sequence[Any], Sequence[str]]:
    """Return pictures and texts with masks behind their pictures and without texts of masks, as A1111 lists them.

    SD.Next lists masks before their pictures, with a text for each that begins with "Mask". Other lists are returned as
    they are. generated: number of the generated pictures.
    """
    step = len(images) // generated if generated else 0
    of_masks = [text for place, text in enumerate(texts) if step and place % step != step - 1]
    is_regular = len(images) == len(texts) == step * generated
    if not is_regular or not of_masks or not all(text.startswith("Mask") for text in of_masks):
        return images, texts
    groups = [images[start : start + step] for start in range(0, len(images), step)]
    return [image for group in groups for image in (group[-1], *group[:-1])], texts[step - 1 :: step]


def saved_text(image: Any, since: float, p: Any) -> str | None:
    """Return the infotext in a picture's file, if the picture was saved among this job's samples; None otherwise.

    since: when the job began, in seconds on the clock of file times. p: the host's job.
    """
    path = files.path_among_samples(image, since, p)
    if path is None:
        return None
    from modules import images

    with Image.open(path) as file:
        text, _ = images.read_info_from_image(file)
    return str(text or "")


def put_back(processed: Any, items: Sequence[Item]) -> None:
    """Write the entries into the host's lists: one picture and one text for each entry, also for masks.

    processed: the host's result of the job, changed in place.
    """
    processed.images[:] = [item.image for item in items]
    processed.infotexts[:] = [item.text for item in items]
    processed.index_of_first_image = sum(item.index is None for item in items)


def _with_saved_ones(facts: _GalleryFacts) -> dict[int, int] | None:
    """Return the places of the known pictures and of those that another extension saved among the job's samples.

    The latter replace generated pictures or were added to them. None where nothing was saved so.
    """
    # Where none is known, another extension may have replaced all entries, the grid too: ReActor does.
    start = facts.first if facts.known else 0
    # Where all are known, other extensions' pictures stand behind them.
    start = max(facts.known, default=-1) + 1 if facts.is_whole else start
    places = [place for place in range(start, len(facts.images)) if place not in facts.known]
    read = {place: facts.text_of(facts.images[place]) for place in places}
    saved = {place: text for place, text in read.items() if text is not None}
    return _placed(facts.known, saved, facts.own) if saved else None


def _as_seen(facts: _GalleryFacts) -> Mapping[int, int] | None:
    """Return the places of the known pictures; None where not all generated pictures are known."""
    return facts.known if facts.is_whole else None


def _each_with_masks(facts: _GalleryFacts) -> dict[int, int] | None:
    """Return places at equal distances: each picture with equally many masks behind it, or with none.

    Right where a later script replaced the pictures without saving them. None where the numbers do not fit.
    """
    behind, generated = len(facts.images) - facts.first, len(facts.own)
    if not generated or not behind or behind % generated:
        return None
    return {facts.first + index * (behind // generated): index for index in range(generated)}


def _fewer_than_texts(facts: _GalleryFacts) -> dict[int, int] | None:
    """Return all places behind the grid: a script left some pictures out, there are no masks. None where too many."""
    behind = len(facts.images) - facts.first
    return {facts.first + index: index for index in range(behind)} if behind <= len(facts.own) else None


def _placed(known: Mapping[int, int], saved: Mapping[int, str], own: Sequence[str]) -> dict[int, int]:
    """Return place → index for the known pictures and for saved ones.

    known: place → index. saved: place → infotext of pictures that another extension saved. own: the infotexts of the
    generated pictures, by index. A saved picture gets the index of the first generated picture that has its text and
    no place yet, or the first that has its text; where none has it, the first index without a place.
    """
    indices = dict(known)
    for place, text in sorted(saved.items()):
        taken = set(indices.values())
        alike = [index for index, one in enumerate(own) if one == text]
        free = [index for index in alike or range(len(own)) if index not in taken]
        indices[place] = (free or alike or [max(len(own) - 1, 0)])[0]
    return indices


# Tried in this order: the first that returns a value tells the place → index of the pictures. Where all return None,
# only the known pictures are pictures.
_ARRANGEMENTS = (_with_saved_ones, _as_seen, _each_with_masks, _fewer_than_texts)
