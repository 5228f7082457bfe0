"""Restored pictures written with the host's own writer: beside the base file, into its folders, or over a file."""

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
    """What the host knows of one picture of a job, for the patterns of its file names."""

    job: Any
    """The host's processing object, `p`."""
    index: int
    """The picture's place in the whole job, from 0."""
    seed: Any
    """The picture's seed, as the host gives it."""
    prompt: Any
    """The picture's prompt, as the host gives it."""


def saves_samples(job: Any) -> bool:
    """Whether the host saves the pictures of this job; an option or an API caller may turn that off.

    job: the host's processing object, `p`.
    """
    save_samples = getattr(job, "save_samples", None)
    if save_samples is not None:
        return bool(save_samples())
    return bool(option("samples_save", True)) and not getattr(job, "do_not_save_samples", False)


def saves_grids(job: Any) -> bool:
    """Whether the host saves grids of this job. job: the host's processing object, `p`."""
    return bool(option("grid_save", True)) and not getattr(job, "do_not_save_grid", False)


def saved_path(image: Any, since: float) -> Path | None:
    """The file to which the host has saved a picture; None where it was not saved, or not since that time.

    image: PIL, on which the host notes the file's name. since: seconds as time.time() counts them.
    A file that is older belongs to another job: where the host adds a number to a taken name, A1111 notes the taken
    name.
    """
    noted = getattr(image, "already_saved_as", None)
    if not noted:
        return None
    path = Path(noted)
    # One second less, for file systems with coarse times.
    return path if path.is_file() and path.stat().st_mtime >= since - 1 else None


def path_among_samples(image: Any, since: float, job: Any) -> Path | None:
    """The file of a picture that was saved in this job's folder of samples since that time; None for masks and grids.

    Pictures that other extensions add to a job are saved there too. image, since: see `saved_path`. job: the host's
    processing object, `p`.
    """
    path = saved_path(image, since)
    folder = getattr(job, "outpath_samples", None)
    if path is None or not folder or _NO_PICTURE.search(path.stem):
        return None
    return path if path.resolve().is_relative_to(Path(folder).resolve()) else None


def save_beside(image: Any, base: Path | None, text: str, placed: Placed) -> None:
    """Save a restored picture beside its base file, as NAME-restored.EXTENSION.

    Without a base file it gets a name of the host's pattern that ends in "-restored". image: PIL; the host notes the
    file's name on it, and the gallery serves the picture from that file. text: the infotext.
    Raises: PictureError where there is no room for the name; what the host's writer raises.
    """
    from modules import images

    job = copy.copy(placed.job)  # the patterns of file names read batch_index and iteration
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
    """Save a restored picture beside its base file, as NAME-restored.EXTENSION, in the host's format for samples.

    seed, prompt, job: for the host's patterns and callbacks; None where the picture is known from its file alone.
    Raises: PictureError where there is no room for the name; what the host's writer raises.
    """
    from modules import images

    extension = _options().samples_format
    images.save_image(
        image, str(base.parent), "", seed, prompt, extension=extension, info=text, p=job,
        forced_filename=free_name(base, extension), save_to_dirs=_this_folder(images),
    )  # fmt: skip


def save_grid(grid: Any, name: str, text: str, placed: Placed) -> None:
    """Save a new grid in the host's folder of grids. name: the beginning of the file's name, before the number."""
    from modules import images

    options = _options()
    images.save_image(
        grid, placed.job.outpath_grids, name, placed.seed, placed.prompt, options.grid_format, info=text,
        short_filename=not getattr(options, "grid_extended_filename", False), grid=True, p=placed.job,
    )  # fmt: skip


def save_grid_beside(grid: Any, base: Path, text: str, job: Any) -> None:
    """Save a restored grid beside the base grid, as NAME-restored.EXTENSION, in the host's format for grids.

    Raises: PictureError where there is no room for the name; what the host's writer raises.
    """
    from modules import images

    extension = _options().grid_format
    name = free_name(base, extension)
    short = {"short_filename": True} if has_short_names(images) else {}
    images.save_image(
        grid, str(base.parent), "", extension=extension, info=text, grid=True, p=job,
        forced_filename=name, save_to_dirs=_this_folder(images), **short,
    )  # fmt: skip


def overwrite(image: Any, path: Path, text: str) -> None:
    """Write a picture over an existing file, whole or not at all; the host's writer puts the infotext in.

    image: PIL. Raises: what the host's writer raises; OSError.
    """
    from modules import images

    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        part = _write(images, image, part, text)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    image.already_saved_as = str(path)


def grid_of(pictures: list[Any], batch_size: int) -> Any:
    """The PIL images in one, as the host arranges its grids. batch_size: the host's, from which it takes the rows."""
    from modules import images

    return images.image_grid(pictures, batch_size)


def now() -> float:
    """Seconds since 1970, as files' times are counted; see `saved_path`."""
    return time.time()


def _write(images: Any, image: Any, path: Path, text: str) -> Path:
    """Write one file and return its path: the given one, or on SD.Next the one that its writer made of it."""
    if hasattr(images, "save_image_with_geninfo"):
        images.save_image_with_geninfo(image, text, str(path))
        return path
    written = images.save_image(
        image, str(path.parent), "", extension=path.suffix[1:], info=text,
        forced_filename=path.stem, save_to_dirs=_this_folder(images),
    )  # fmt: skip
    return Path(written[0])


def _this_folder(images: Any) -> bool | str:
    """The value of save_to_dirs that means "in the given folder itself": False, or "." where the host takes a name."""
    return False if has_short_names(images) else "."


def _options() -> Any:
    """The host's options."""
    from modules import shared

    return shared.opts
