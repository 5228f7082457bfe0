"""The names of our files beside the host's, such that the host writes to them and to no other."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

from lib_facerestore.errors import PictureError

SUFFIX = "-restored"
# A name that `free_name` gave, and the extensions that hosts save pictures with.
_OURS = re.compile(rf"(.+?){SUFFIX}(?:-\d+)?$")
_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".avif")


def base_of(restored: Path) -> Path | None:
    """The file that a file of ours lies beside; None where it is none of ours or the base file is gone."""
    match = _OURS.match(restored.stem)
    if match is None:
        return None
    same_extension_first = (restored.suffix, *_EXTENSIONS)
    found = (restored.with_name(match[1] + extension) for extension in same_extension_first)
    return next((path for path in found if path.is_file()), None)


def free_name(base: Path, extension: str) -> str:
    """A stem that no file has: with a taken one, hosts write to a numbered name and may note the other one.

    Raises: PictureError.
    """
    number = 1
    while True:
        ending = SUFFIX + (f"-{number}" if number > 1 else "")
        name = f"{base.stem[: _room(base, ending, extension)]}{ending}"
        if not base.with_name(f"{name}.{extension}").exists():
            return name
        number += 1


def _room(base: Path, ending: str, extension: str) -> int:
    """How many letters of the base file's stem may stand before the ending, in a name that the host leaves whole.

    A1111 and its kin cut the whole path, folder and all, to the longest name of the file system; "NAME-restored" would
    become "NAME" again, over which they write. Raises: PictureError.
    """
    from modules import images

    if not hasattr(os, "statvfs") or not has_short_names(images):
        return len(base.stem)
    longest = os.statvfs(base.parent).f_namemax - max(4, len(extension) + 1)
    room = longest - len(os.path.join(str(base.parent), ending))
    if room < 1:
        folder = f"the path of its folder is longer than {longest - len(ending) - 2} letters"
        raise PictureError(base.name, f"has no room for a file beside it: {folder}. Choose another output folder.")
    return room


def has_short_names(images: Any) -> bool:
    """Whether save_image is that of A1111 and its kin; SD.Next's takes fewer words and reads some of them otherwise."""
    return "short_filename" in inspect.signature(images.save_image).parameters
