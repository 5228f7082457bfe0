"""Bytes from and to disk. A file appears whole or not at all, and the old one stays until the new one is complete."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lib_facerestore.errors import PictureError


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
    """Write under a temporary name beside the target, then give it the target's name in one step.

    Without `overwrite` the name is given by a hard link, which fails when another process was faster.
    Raises: PictureError; whatever stood at the path still stands there.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".facerestore-", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        _give_name(temporary, path, overwrite)
    except FileExistsError as error:
        raise already_there(path) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise PictureError(path, f"cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def already_there(path: Path) -> PictureError:
    """The error for a result that would replace a file."""
    return PictureError(path, "is there already; choose another folder or --overwrite.")


def _give_name(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # FAT and some network drives know no hard links; the check is then only as good as exists()
        if path.exists():
            raise FileExistsError(path) from None
        os.replace(temporary, path)


def _umask() -> int:
    """mkstemp makes files only their owner can read; a result should be as readable as any other new file."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
