"""Where the files of one picture go. None of them replaces an input, or what the same run wrote for another picture."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lib_facerestore.engine.pixels import already_there, why_not_replaced
from lib_facerestore.errors import PictureError

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for every name of a file."""
_CROP_NAME = re.compile(r"\d+-(before|after)\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """The files of one picture. compare, faces (a folder): None where they were not asked for."""

    target: Path
    compare: Path | None = None
    faces: Path | None = None

    def all(self) -> list[Path]:
        """Each place that was asked for."""
        return [path for path in (self.target, self.compare, self.faces) if path is not None]


def crop_path(folder: Path, face_index: int, what: str) -> Path:
    """The file of one face's crop; what: "before" or "after"."""
    return folder / f"{face_index + 1:02d}-{what}.png"


def make_folder(folder: Path) -> None:
    """Create the folder with its parents.

    Raises: PictureError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise PictureError(folder, "is there already and is no folder; choose another --output.") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        problem = getattr(error, "strerror", None) or error
        raise PictureError(folder, f"cannot be used as a folder: {problem}.") from error


def check_writable(folder: Path) -> None:
    """Raises: PictureError where no file can be made in the folder; asked before any work is done."""
    trial = folder / f".facerestore-{secrets.token_hex(8)}.tmp"
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise PictureError(folder, f"cannot be written to: {error.strerror}.") from error


class Kept:
    """What a run must not replace: its inputs, its report, what it wrote, and without `overwrite` whatever was there.

    Inputs are known by device and inode, so that another name, a link or the case of a letter makes no difference.
    """

    def __init__(self, sources: Iterable[Path], overwrite: bool, report: Path | None = None) -> None:
        self._inputs = {found for source in sources if (found := identity(source)) is not None}
        self._written: set[Identity | Path] = set()
        self._overwrite, self._report = overwrite, report

    def is_input(self, path: Path) -> bool:
        """Whether it is one of the inputs, under any name."""
        return identity(path) in self._inputs

    def wrote(self, path: Path) -> None:
        """The file or folder is the run's own now."""
        self._written |= {path, identity(path) or path}

    def check_own(self, source: Path, places: Places) -> None:
        """Raises: PictureError where a place is an input, the report, or what was written for another picture."""
        for path in (*places.all(), *_crops_in(places.faces)):
            self._refuse(source, path)

    def check_free(self, places: Places) -> None:
        """Raises: PictureError where a place is taken; asked before any work is done for the picture."""
        for path in (places.target, places.compare, *_crops_in(places.faces)):
            if path is None:
                continue
            if problem := why_not_replaced(path):
                raise PictureError(path, problem)
            if os.path.exists(path) and not self._overwrite:
                raise already_there(path)

    def _refuse(self, source: Path, path: Path) -> None:
        """Raises: PictureError."""
        found = identity(path)
        if path in self._written or found in self._written:
            raise PictureError(source, f"would replace {path}, which this run wrote for another picture.")
        if found is None:
            return
        if self._report is not None and found == identity(self._report):
            raise PictureError(source, f"would replace {path}, which is the report; choose another --report.")
        if found not in self._inputs:
            return
        if found == identity(source):
            raise PictureError(source, "would be replaced by its own result; choose another folder.")
        raise PictureError(source, f"would replace {path}, which is another input; choose another folder or name.")


def identity(path: Path) -> Identity | None:
    """None for what is not there or cannot be asked."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return None
    return found.st_dev, found.st_ino


def _crops_in(folder: Path | None) -> list[Path]:
    """Crops that lie there from an earlier run.

    Raises: PictureError where no folder can be.
    """
    if folder is None or not os.path.lexists(folder):
        return []
    try:
        return [path for path in sorted(folder.iterdir()) if _CROP_NAME.fullmatch(path.name)]
    except OSError as error:
        raise PictureError(folder, f"cannot be used as a folder: {error.strerror}.") from error
