"""Entries of the host's gallery as the page hands them back: their picture and file, and how to show them again.

gradio 3 gives `{"name": "/path?date", "is_file": True}`, in a list where it has a caption, and the host refuses paths
that it does not serve; gradio 4 gives `(PIL image, caption)`, after refusing them itself.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from lib_facerestore.errors import PictureError
from lib_facerestore.hosts import base


def read(entry: Any) -> Any:
    """The picture in full, a PIL image. Raises: PictureError, also for a path that the host did not give out."""
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
    """What shows the entry once more: an image of one pixel that names the file, as hosts do it themselves."""
    path = path_of(entry)
    if path is None:
        return read(entry)
    image = Image.new("RGB", (1, 1))
    image.already_saved_as = str(path)  # type: ignore[attr-defined]  # the hosts' own mark
    return image


def _first(entry: Any) -> Any:
    """Without the caption; gradio 4's pair stays, for which the host looks."""
    return entry[0] if isinstance(entry, list) and entry else entry


def _address(entry: Any) -> str:
    first = entry[0] if isinstance(entry, (list, tuple)) and entry else entry
    found = first.get("name") if isinstance(first, dict) else getattr(first, "filename", "")
    return found if isinstance(found, str) else ""
