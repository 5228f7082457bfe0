"""Bytes from and to disk, with errors that name the file. What is no ordinary file is never replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lib_facerestore.errors import PictureError
from lib_facerestore.whole_file import sync, whole_file


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """The whole file.

    Raises: PictureError when it is missing, a folder, empty, unreadable or larger than `most_bytes`.
    """
    try:
        if path.is_dir():
            raise PictureError(path, "is a folder; name the pictures in it.")
        if path.exists() and not path.is_file():
            raise PictureError(path, "is no ordinary file.")
        size = path.stat().st_size
        if size > most_bytes:
            raise PictureError(path, f"has {size / 1e6:.0f} MB, more than the limit of {most_bytes / 1e6:.0f} MB.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(path, "does not exist.") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise PictureError(path, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if not data:
        raise PictureError(path, "is empty.")
    return data


def write_atomically(path: Path, data: bytes | memoryview, overwrite: bool = True) -> None:
    """Write a picture's or report's bytes as `whole_file` does; nothing is replaced without `overwrite`.

    Only an ordinary file is ever replaced: no device, pipe or folder, and no link, whatever it leads to.
    Raises: PictureError; whatever stood at the path still stands there.
    """
    if problem := why_not_replaced(path):
        raise PictureError(path, problem)
    try:
        with whole_file(path, overwrite) as temporary:
            with open(temporary, "xb") as file:
                file.write(data)
            sync(temporary)
    except FileExistsError as error:
        raise already_there(path) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise PictureError(path, f"cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def why_not_replaced(path: Path) -> str:
    """Why what stands at the path is never replaced, the second half of a sentence; "" for an ordinary file or none."""
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):  # nothing is there, or writing will say what is wrong
        return ""
    if stat.S_ISREG(mode):
        return ""
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return f"is {kinds.get(stat.S_IFMT(mode), 'a device')}; only an ordinary file is replaced."


def already_there(path: Path) -> PictureError:
    """The error for a result that would replace a file."""
    return PictureError(path, "is there already; choose another folder or --overwrite.")
