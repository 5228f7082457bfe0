"""Where the files of one picture go. None of them replaces an input, or what the same run wrote for another picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lib_facerestore.engine.pixels.files import already_there
from lib_facerestore.errors import PictureError, SettingsError

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for every name of a file."""
_CROP_NAME = re.compile(r"\d+-(before|after)\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """The files of one picture. compare, faces (a folder): None where they were not asked for."""

    target: Path
    compare: Path | None = None
    faces: Path | None = None


def crop_path(folder: Path, face_index: int, what: str) -> Path:
    """The file of one face's crop; what: "before" or "after"."""
    return folder / f"{face_index + 1:02d}-{what}.png"


class Kept:
    """What a run must not replace: its inputs, what it wrote, and without `overwrite` whatever was there.

    Inputs are known by device and inode, so that another name, a link or the case of a letter makes no difference.
    """

    def __init__(self, sources: Iterable[Path], overwrite: bool) -> None:
        self._inputs = {identity for source in sources if (identity := _identity(source)) is not None}
        self._written: set[Identity | Path] = set()
        self._overwrite = overwrite

    def wrote(self, path: Path) -> None:
        """The file or folder is the run's own now."""
        self._written |= {path, _identity(path) or path}

    def check(self, source: Path, places: Places) -> None:
        """Raises: PictureError where one of the places is taken; asked before any work is done for the picture."""
        files = [places.target] if places.compare is None else [places.target, places.compare]
        if places.faces is not None:
            self._refuse(source, places.faces)
            files += _crops_in(places.faces)
        for path in files:
            self._refuse(source, path)
            if os.path.exists(path) and not self._overwrite:
                raise already_there(path)

    def check_report(self, path: Path | None) -> None:
        """Raises: SettingsError where the report would replace an input."""
        if path is not None and _identity(path) in self._inputs:
            raise SettingsError("report", str(path), "another file than the pictures")

    def _refuse(self, source: Path, path: Path) -> None:
        """Raises: PictureError."""
        identity = _identity(path)
        if path in self._written or identity in self._written:
            raise PictureError(source, f"would replace {path}, which this run wrote for another picture.")
        if identity is None or identity not in self._inputs:
            return
        if identity == _identity(source):
            raise PictureError(source, "would be replaced by its own result; choose another folder.")
        raise PictureError(source, f"would replace {path}, which is another input; choose another folder or name.")


def _identity(path: Path) -> Identity | None:
    """None for what is not there or cannot be asked."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return None
    return found.st_dev, found.st_ino


def _crops_in(folder: Path) -> list[Path]:
    """Crops that lie there from an earlier run.

    Raises: PictureError where no folder can be.
    """
    if not os.path.exists(folder):
        return []
    try:
        return [path for path in sorted(folder.iterdir()) if _CROP_NAME.fullmatch(path.name)]
    except OSError as error:
        raise PictureError(folder, f"cannot be used as a folder: {error.strerror}.") from error
