"""The pictures and texts that a job hands to gallery and API: which are ours to restore, and putting results back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lib_facerestore.hosts import files


@dataclass
class Item:
    """One entry of the gallery. index: of the generated picture in the job; None for a grid. is_base: not its mask.

    is_added: put there by another extension: a picture beside the generated one, or a grid that shows such pictures.
    """

    image: Any
    text: str
    index: int | None
    is_base: bool
    is_added: bool = False


@dataclass(frozen=True)
class _Shown:
    """What is known of a gallery. first: the place behind the host's grid; own: the texts of the generated pictures.

    known: place → index of the pictures that passed our hook; text_of: as for `items_of`.
    """

    images: Sequence[Any]
    first: int
    own: Sequence[str]
    known: Mapping[int, int]
    text_of: Callable[[Any], str | None]

    @property
    def is_whole(self) -> bool:
        """Whether all generated pictures are known."""
        return len(self.known) == len(self.own)


def items_of(
    images: Sequence[Any],
    texts: Sequence[str],
    first: int,
    seen: Sequence[Any],
    text_of: Callable[[Any], str | None] = lambda image: None,
) -> list[Item]:
    """The entries with the text and the generated picture that each belongs to.

    processed: the host's; its texts are the grid's, then one for each generated picture, and none for masks, which
    stand behind their picture, or for what other extensions added. seen: the pictures as they passed our hook.
    text_of: the text in the file of a picture that was saved among this job's samples; None where there is none.
    """
    images, first = list(images), min(first, len(images))
    images[first:], own = _with_masks_behind(images[first:], texts[first:], len(seen))
    found = {id(image): number for number, image in enumerate(seen)}
    known = {place: found[id(image)] for place, image in enumerate(images) if id(image) in found}
    shown = _Shown(images, first, own, known, text_of)
    tried = (arrangement(shown) for arrangement in _ARRANGEMENTS)
    indices = next((places for places in tried if places is not None), known)
    return _items(shown, indices, texts[0] if texts else "")


def _items(shown: _Shown, indices: Mapping[int, int], grid_text: str) -> list[Item]:
    """The entries, grids before the first picture and masks behind theirs. indices: place → index of the pictures."""
    front = min(indices, default=len(shown.images))
    items = [
        Item(image, grid_text, None, False, is_added=not (shown.is_whole and front - shown.first <= place))
        for place, image in enumerate(shown.images[:front])
    ]
    taken: set[int] = set()
    index = 0
    for place in range(front, len(shown.images)):
        index = indices.get(place, index)
        text = shown.own[index] if index < len(shown.own) else ""
        is_base = place in indices
        items.append(Item(shown.images[place], text, index, is_base, is_base and index in taken))
        taken.add(index)
    return items


def _with_masks_behind(
    images: Sequence[Any], texts: Sequence[str], generated: int
) -> tuple[Sequence[Any], Sequence[str]]:
    """Pictures and texts in the other hosts' order where SD.Next's masks stand before their pictures, texts and all."""
    step = len(images) // generated if generated else 0
    of_masks = [text for place, text in enumerate(texts) if step and place % step != step - 1]
    is_regular = len(images) == len(texts) == step * generated
    if not is_regular or not of_masks or not all(text.startswith("Mask") for text in of_masks):
        return images, texts
    groups = [images[start : start + step] for start in range(0, len(images), step)]
    return [image for group in groups for image in (group[-1], *group[:-1])], texts[step - 1 :: step]


def saved_text(image: Any, since: float, p: Any) -> str | None:
    """The text in the file of a picture that was saved among this job's samples since then; None where it was not."""
    path = files.path_among_samples(image, since, p)
    if path is None:
        return None
    from modules import images

    with Image.open(path) as file:
        text, _ = images.read_info_from_image(file)
    return str(text or "")


def put_back(processed: Any, items: Sequence[Item]) -> None:
    """Write the entries into the host's lists, picture and text in pairs, also for masks."""
    processed.images[:] = [item.image for item in items]
    processed.infotexts[:] = [item.text for item in items]
    processed.index_of_first_image = sum(item.index is None for item in items)


def _with_saved_ones(shown: _Shown) -> dict[int, int] | None:
    """Pictures that others saved among the job's samples, in the place of generated ones or added, and those we saw."""
    # Where none is known, another extension may have put its own in the place of all, the grid too: ReActor does.
    start = shown.first if shown.known else 0
    # Where all are, only those behind them can be such.
    start = max(shown.known, default=-1) + 1 if shown.is_whole else start
    places = [place for place in range(start, len(shown.images)) if place not in shown.known]
    read = {place: shown.text_of(shown.images[place]) for place in places}
    saved = {place: text for place, text in read.items() if text is not None}
    return _placed(shown.known, saved, shown.own) if saved else None


def _as_seen(shown: _Shown) -> Mapping[int, int] | None:
    """All generated pictures as they passed our hook."""
    return shown.known if shown.is_whole else None


def _each_with_masks(shown: _Shown) -> dict[int, int] | None:
    """Pictures that a later script replaced and nobody saved, each with equally many masks behind it, or with none."""
    behind, generated = len(shown.images) - shown.first, len(shown.own)
    if not generated or not behind or behind % generated:
        return None
    return {shown.first + index * (behind // generated): index for index in range(generated)}


def _fewer_than_texts(shown: _Shown) -> dict[int, int] | None:
    """The same without masks, where a script left some out."""
    behind = len(shown.images) - shown.first
    return {shown.first + index: index for index in range(behind)} if behind <= len(shown.own) else None


def _placed(known: Mapping[int, int], saved: Mapping[int, str], own: Sequence[str]) -> dict[int, int]:
    """Place → index, also for saved pictures: that of the generated picture with the same text.

    Where several have it, the first that has no picture yet; where none has, the next one.
    """
    indices = dict(known)
    for place, text in sorted(saved.items()):
        taken = set(indices.values())
        alike = [index for index, one in enumerate(own) if one == text]
        free = [index for index in alike or range(len(own)) if index not in taken]
        indices[place] = (free or alike or [max(len(own) - 1, 0)])[0]
    return indices


# The first that fits says which places hold pictures, by index; where none does, only those we saw are pictures.
_ARRANGEMENTS = (_with_saved_ones, _as_seen, _each_with_masks, _fewer_than_texts)
