"""Entries of the host's gallery as the page sends them back: read their pictures, find their files, show them again.

gradio 4 gives an entry as `(PIL image, caption)` and has refused paths that the host does not serve. gradio 3 gives
what the page sent, unchecked: `{"name": "/path?date", "is_file": True}`, with a caption as `[dict, caption]`. Anybody
who reaches the page can send any path, and the host serves every file that a gallery shows: so each entry goes through
`served` before it is read or shown again.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from lib_facerestore.errors import PictureError
from lib_facerestore.hosts import base


@dataclass(frozen=True)
class Unserved:
    """Replaces an entry that names a file which the host does not serve to its page."""

    name: str
    """Name of the file, without its folder."""


def served(entry: Any) -> Any:
    """Return the entry if the host serves its file, or if it is no path; otherwise an Unserved in its place."""
    if not isinstance(_first(entry), dict):
        return entry
    address = _address(entry)
    if address and _is_served(address):
        return entry
    return Unserved(Path(address.rsplit("?", 1)[0]).name or "in the gallery")


def read(entry: Any) -> Any:
    """Return the entry's picture as a loaded PIL image.

    Raises: PictureError where the host does not serve the file, or it cannot be read.
    """
    if isinstance(entry, Unserved):
        problem = "is not served by this WebUI any more. Generate it again, or restore its file in Extras."
        raise PictureError(f"The picture {entry.name}", problem)
    try:
        from modules.infotext_utils import image_from_url_text
    except ImportError:
        from modules.generation_parameters_copypaste import image_from_url_text
    try:
        image = image_from_url_text(_first(entry))
        if image is None:
            raise ValueError("nothing is there")
        image.load()
    except (OSError, ValueError, AssertionError, TypeError, AttributeError) as error:
        path = path_of(entry)
        name = f"The picture {path.name}" if path else "The picture in the gallery"
        raise PictureError(
            name, f"cannot be read: {error}. Generate it again, or restore its file in Extras."
        ) from None
    return image


def open_file(path: Path) -> Image.Image:
    """Return the picture in a file as a loaded PIL image. Raises: PictureError where it cannot be read."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureError(path.name, f"cannot be read: {error}.") from None


def path_of(entry: Any) -> Path | None:
    """Return the path of the entry's file, which may have been deleted; None where the entry names no file."""
    address = _address(entry)
    return Path(address.rsplit("?", 1)[0]) if address else None


def saved_file(entry: Any) -> Path | None:
    """Return the entry's file if the host saved the picture there; None if it is a temporary file or not there."""
    path = path_of(entry)
    if path is None or not path.is_file():
        return None
    temporary = (
        base.option("temp_dir", ""), os.environ.get("GRADIO_TEMP_DIR", ""), str(Path(tempfile.gettempdir()) / "gradio"),
    )  # fmt: skip
    folders = [Path(folder).resolve() for folder in temporary if folder]
    return None if any(path.resolve().is_relative_to(folder) for folder in folders) else path


def is_dated(entry: Any) -> bool:
    """Return whether the entry's address holds the date of its file.

    Without the date a changed file keeps its address, and pages go on showing what they have loaded from it.
    """
    return "?" in _address(entry)


def to_show_again(entry: Any) -> Any:
    """Return the PIL image that makes a gallery show the entry's picture again.

    For a picture with a file it is one pixel that names the file, from which the host shows the picture; hosts do the
    same themselves. For an Unserved it is the pixel alone, so that the host does not begin to serve the file.
    Raises: PictureError where an entry without a file cannot be read.
    """
    path = path_of(entry)
    if path is None and not isinstance(entry, Unserved):
        return read(entry)
    image = Image.new("RGB", (1, 1))
    if path is not None:
        image.already_saved_as = str(path)  # type: ignore[attr-defined]  # the hosts' own mark
    return image


def _first(entry: Any) -> Any:
    """Return gradio 3's entry without its caption, and gradio 4's pair as it is: the host's reader expects these."""
    return entry[0] if isinstance(entry, list) and entry else entry


def _is_served(address: str) -> bool:
    """Return whether the host serves the file at this address to its page; False where the host has no such check."""
    from modules import shared

    for name in ("modules.ui_tempdir", "modules.gr_tempdir"):  # the second is SD.Next's
        check = getattr(base.imported(name), "check_tmp_file", None)
        if check is not None:
            return bool(check(shared.demo, address))
    return False


def _address(entry: Any) -> str:
    """Return the path of the entry's file as the page wrote it, with "?date" where it has one; "" for no file."""
    first = entry[0] if isinstance(entry, (list, tuple)) and entry else entry
    found = first.get("name") if isinstance(first, dict) else getattr(first, "filename", "")
    return found if isinstance(found, str) else ""
