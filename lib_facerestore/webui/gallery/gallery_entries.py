"""Entries of the host's gallery as the page hands them back: their picture and file, and how to show them again.

gradio 3 gives what the page sent, unchecked: `{"name": "/path?date", "is_file": True}`, in a list where it has a
caption; gradio 4 gives `(PIL image, caption)`, after refusing paths that the host does not serve. Whoever reaches the
page can send any path, and what is shown again is served from then on: so entries pass `served` first.
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
    """Stands for an entry that names a file which the host did not give out. name: of the file, without its folder."""

    name: str


def served(entry: Any) -> Any:
    """The entry, or an Unserved in its place; by the host's own look at what it serves."""
    if not isinstance(_first(entry), dict):
        return entry
    address = _address(entry)
    if address and _is_served(address):
        return entry
    return Unserved(Path(address.rsplit("?", 1)[0]).name or "in the gallery")


def read(entry: Any) -> Any:
    """The picture in full, a PIL image. Raises: PictureError."""
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
        where = path_of(entry)
        shown = f"The picture {where.name}" if where else "The picture in the gallery"
        raise PictureError(
            shown, f"cannot be read: {error}. Generate it again, or restore its file in Extras."
        ) from None
    return image


def open_file(path: Path) -> Image.Image:
    """A picture that the host saved. Raises: PictureError."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureError(path.name, f"cannot be read: {error}.") from None


def path_of(entry: Any) -> Path | None:
    """The file that the gallery serves for the entry, which need not be there any more."""
    address = _address(entry)
    return Path(address.rsplit("?", 1)[0]) if address else None


def saved_file(entry: Any) -> Path | None:
    """The entry's file where the host saved the picture; None where only a temporary one shows it."""
    path = path_of(entry)
    if path is None or not path.is_file():
        return None
    temporary = (
        base.option("temp_dir", ""), os.environ.get("GRADIO_TEMP_DIR", ""), str(Path(tempfile.gettempdir()) / "gradio"),
    )  # fmt: skip
    folders = [Path(folder).resolve() for folder in temporary if folder]
    return None if any(path.resolve().is_relative_to(folder) for folder in folders) else path


def is_dated(entry: Any) -> bool:
    """Whether a file that changes gets another address; where not, pages go on showing what they loaded first."""
    return "?" in _address(entry)


def again(entry: Any) -> Any:
    """What shows the entry once more: an image of one pixel that names the file, as hosts do it themselves.

    Of an Unserved the pixel alone.
    """
    path = path_of(entry)
    if path is None and not isinstance(entry, Unserved):
        return read(entry)
    image = Image.new("RGB", (1, 1))
    if path is not None:
        image.already_saved_as = str(path)  # type: ignore[attr-defined]  # the hosts' own mark
    return image


def _first(entry: Any) -> Any:
    """Without the caption; gradio 4's pair stays, for which the host looks."""
    return entry[0] if isinstance(entry, list) and entry else entry


def _is_served(address: str) -> bool:
    """Whether the host lets pages have what lies at this address; no where it cannot be asked."""
    from modules import shared

    for name in ("modules.ui_tempdir", "modules.gr_tempdir"):  # the second is SD.Next's
        check = getattr(base.imported(name), "check_tmp_file", None)
        if check is not None:
            return bool(check(shared.demo, address))
    return False


def _address(entry: Any) -> str:
    first = entry[0] if isinstance(entry, (list, tuple)) and entry else entry
    found = first.get("name") if isinstance(first, dict) else getattr(first, "filename", "")
    return found if isinstance(found, str) else ""
