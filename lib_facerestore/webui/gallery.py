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


def items_of(
    processed: Any, seen: Sequence[Any], text_of: Callable[[Any], str | None] = lambda image: None
) -> list[Item]:
    """The entries with the text and the generated picture that each belongs to.

    processed: the host's; its texts are the grid's, then one for each generated picture, and none for masks, which
    stand behind their picture, or for what other extensions added. seen: the pictures as they passed our hook.
    text_of: the text in the file of a picture that was saved among this job's samples; None where there is none.
    """
    images, texts = list(processed.images), list(processed.infotexts)
    first = min(int(processed.index_of_first_image or 0), len(images))
    images[first:], own = _with_masks_behind(images[first:], texts[first:], len(seen))
    found = {id(image): number for number, image in enumerate(seen)}
    indices = {place: found[id(image)] for place, image in enumerate(images) if id(image) in found}
    is_whole = len(indices) == len(own)
    saved = _saved(images, first, indices, is_whole, text_of)
    if saved:
        indices = _placed(indices, saved, own)
    elif not is_whole:
        indices = _regular(indices, len(images), first, len(own))
    front = min(indices, default=len(images))
    grid_text = texts[0] if texts else ""
    items = [
        Item(image, grid_text, None, False, is_added=not (is_whole and front - first <= place))
        for place, image in enumerate(images[:front])
    ]
    taken: set[int] = set()
    index = 0
    for place in range(front, len(images)):
        index = indices.get(place, index)
        text = own[index] if index < len(own) else ""
        is_base = place in indices
        items.append(Item(images[place], text, index, is_base, is_base and index in taken))
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


def _saved(
    images: Sequence[Any],
    first: int,
    known: Mapping[int, int],
    is_whole: bool,
    text_of: Callable[[Any], str | None],
) -> dict[int, str]:
    """Place → text of the pictures that are not those we saw: replaced after our hook, or added by others.

    is_whole: all generated ones are known, so that only those behind them can be such.
    """
    # Where none is known, another extension may have put its own in the place of all, the grid too: ReActor does.
    start = first if known else 0
    start = max(known, default=-1) + 1 if is_whole else start
    places = [place for place in range(start, len(images)) if place not in known]
    read = {place: text_of(images[place]) for place in places}
    return {place: text for place, text in read.items() if text is not None}


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


def _regular(known: Mapping[int, int], count: int, first: int, generated: int) -> dict[int, int]:
    """Place → index where a script that came later replaced pictures that were not saved: masks stand regularly."""
    behind = count - first
    if generated <= 0 or behind % generated:
        return {first + index: index for index in range(behind)} if behind <= generated else dict(known)
    return {first + index * (behind // generated): index for index in range(generated)}
