"""Names of restored files beside the host's base files, chosen so that the host writes exactly to these names."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

from lib_facerestore.errors import PictureError

SUFFIX = "-restored"
# Stems that `free_name` gives, and the extensions that hosts save pictures with.
_RESTORED = re.compile(rf"(.+?){SUFFIX}(?:-\d+)?$")
_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".avif")


def base_of(restored: Path) -> Path | None:
    """The base file of a restored file; None where the name is no restored file's, or the base file is gone."""
    match = _RESTORED.match(restored.stem)
    if match is None:
        return None
    same_extension_first = (restored.suffix, *_EXTENSIONS)
    found = (restored.with_name(match[1] + extension) for extension in same_extension_first)
    return next((path for path in found if path.is_file()), None)


def free_name(base: Path, extension: str) -> str:
    """A stem for the restored file beside the base file that no file has yet: "NAME-restored", "NAME-restored-2" …

    Where a name is taken, hosts write to a numbered name and may report the taken one as the written file.
    extension: without the dot.
    Raises: PictureError where the folder's path leaves no room for such a name.
    """
    number = 1
    while True:
        ending = SUFFIX + (f"-{number}" if number > 1 else "")
        name = f"{base.stem[: _room(base, ending, extension)]}{ending}"
        if not base.with_name(f"{name}.{extension}").exists():
            return name
        number += 1


def _room(base: Path, ending: str, extension: str) -> int:
    """How many letters of the base file's stem may stand before the ending without the host shortening the name.

    A1111 and its kin cut the whole path, folder included, to the length of the longest file name. "NAME-restored" would
    become "NAME" again, and they would write over the base file.
    Raises: PictureError where there is no room for one letter.
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
    """Whether the host's save_image is that of A1111 and its kin, which knows short_filename.

    SD.Next's has fewer arguments and gives some of them another meaning. images: the host's module of that name.
    """
    return "short_filename" in inspect.signature(images.save_image).parameters
