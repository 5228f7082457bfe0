"""Pictures into the host's files, with the host's own writer, beside what is there or over it."""

from __future__ import annotations

import copy
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_facerestore.hosts.base import option
from lib_facerestore.hosts.file_names import SUFFIX, free_name, has_short_names

# How hosts name a grid, and the masks of inpainting beside their pictures.
_NO_PICTURE = re.compile(r"^grid-|-mask(-composite)?(-\d+)?$")


@dataclass(frozen=True)
class Placed:
    """What the host knows of one picture of a job. index: in the whole job; job: the host's `p`."""

    job: Any
    index: int
    seed: Any
    prompt: Any


def saves_samples(job: Any) -> bool:
    """Whether the host saves the pictures of this job; API callers and options may have it not to. job: its `p`."""
    save_samples = getattr(job, "save_samples", None)
    if save_samples is not None:
        return bool(save_samples())
    return bool(option("samples_save", True)) and not getattr(job, "do_not_save_samples", False)


def saves_grids(job: Any) -> bool:
    """Whether the host saves grids of this job. job: its `p`."""
    return bool(option("grid_save", True)) and not getattr(job, "do_not_save_grid", False)


def saved_path(image: Any, since: float) -> Path | None:
    """The file that holds the picture, if it was written since then.

    An older one is none of this job's: where a number is added to a name that is taken, A1111 notes the name without.
    """
    noted = getattr(image, "already_saved_as", None)
    if not noted:
        return None
    path = Path(noted)
    # One second less, for file systems with coarse times.
    return path if path.is_file() and path.stat().st_mtime >= since - 1 else None


def path_among_samples(image: Any, since: float, job: Any) -> Path | None:
    """The picture's file, if it was saved among this job's samples since then; None for masks and grids.

    Other extensions that add pictures to a job save them there. job: the host's `p`.
    """
    path = saved_path(image, since)
    folder = getattr(job, "outpath_samples", None)
    if path is None or not folder or _NO_PICTURE.search(path.stem):
        return None
    return path if path.resolve().is_relative_to(Path(folder).resolve()) else None


def save_beside(image: Any, base: Path | None, text: str, placed: Placed) -> None:
    """Save under the base file's name with "-restored" before the extension, or under a name of the host's making.

    image: PIL; the host notes the file's name on it, from which the gallery serves it.
    """
    from modules import images

    job = copy.copy(placed.job)  # the file name's patterns read these two
    batch_size = max(int(getattr(job, "batch_size", 1)), 1)
    job.batch_index, job.iteration = placed.index % batch_size, placed.index // batch_size
    if base is None:
        images.save_image(
            image, placed.job.outpath_samples, "", placed.seed, placed.prompt, extension=_options().samples_format,
            info=text, p=job, suffix=SUFFIX,
        )  # fmt: skip
        return
    save_next_to(image, base, text, placed.seed, placed.prompt, job)


def save_next_to(image: Any, base: Path, text: str, seed: Any = None, prompt: Any = None, job: Any = None) -> None:
    """Save under the base file's name with "-restored" before the extension; known only to its file, without a job."""
    from modules import images

    extension = _options().samples_format
    images.save_image(
        image, str(base.parent), "", seed, prompt, extension=extension, info=text, p=job,
        forced_filename=free_name(base, extension), save_to_dirs=_this_folder(images),
    )  # fmt: skip


def save_grid(grid: Any, name: str, text: str, placed: Placed) -> None:
    """Save a new grid in the host's folder of grids. name: what its file's name begins with, before the number."""
    from modules import images

    options = _options()
    images.save_image(
        grid, placed.job.outpath_grids, name, placed.seed, placed.prompt, options.grid_format, info=text,
        short_filename=not getattr(options, "grid_extended_filename", False), grid=True, p=placed.job,
    )  # fmt: skip


def save_grid_beside(grid: Any, base: Path, text: str, job: Any) -> None:
    """Save a grid under the base grid's name with "-restored" before the extension."""
    from modules import images

    extension = _options().grid_format
    name = free_name(base, extension)
    short = {"short_filename": True} if has_short_names(images) else {}
    images.save_image(
        grid, str(base.parent), "", extension=extension, info=text, grid=True, p=job,
        forced_filename=name, save_to_dirs=_this_folder(images), **short,
    )  # fmt: skip


def overwrite(image: Any, path: Path, text: str) -> None:
    """Write over the file; whole or not at all."""
    from modules import images

    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        part = _write(images, image, part, text)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    image.already_saved_as = str(path)


def grid_of(pictures: list[Any], batch_size: int) -> Any:
    """The host's grid of PIL images."""
    from modules import images

    return images.image_grid(pictures, batch_size)


def now() -> float:
    """Seconds, on the clock that file systems use."""
    return time.time()


def _write(images: Any, image: Any, path: Path, text: str) -> Path:
    """Write one file; its path, which SD.Next makes up from the one that it is given."""
    if hasattr(images, "save_image_with_geninfo"):
        images.save_image_with_geninfo(image, text, str(path))
        return path
    written = images.save_image(
        image, str(path.parent), "", extension=path.suffix[1:], info=text,
        forced_filename=path.stem, save_to_dirs=_this_folder(images),
    )  # fmt: skip
    return Path(written[0])


def _this_folder(images: Any) -> bool | str:
    """The host's word for "no folder inside the given one": False, or its name where the host takes a name."""
    return False if has_short_names(images) else "."


def _options() -> Any:
    from modules import shared

    return shared.opts
