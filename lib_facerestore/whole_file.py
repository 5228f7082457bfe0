"""A file that appears whole or not at all: written beside its target, then given the target's name in one step."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Temporary names in use. A process that a second signal ends has no other way to know them.
_UNFINISHED: set[Path] = set()


@contextmanager
def whole_file(path: Path, replaces: bool = True) -> Iterator[Path]:
    """A new temporary path beside the target; what the body wrote there becomes the target when the body ends.

    Where the body raises, the temporary file is removed and whatever stood at the path still stands there.
    replaces: False gives the name by a hard link, which fails when another process was faster.
    Raises: FileExistsError where something is there and is not to be replaced; OSError.
    """
    temporary = path.with_name(f".facerestore-{secrets.token_hex(8)}.tmp")
    _UNFINISHED.add(temporary)
    try:
        yield temporary
        _give_name(temporary, path, replaces)
    finally:
        drop_unfinished(temporary)


def sync(path: Path) -> None:
    """Have the disk hold all that was written to the file, so that a power cut cannot leave a name without its bytes.

    Raises: OSError.
    """
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def drop_unfinished(*temporaries: Path) -> None:
    """Remove these temporary files, all that this process writes just now where none is named; for its sudden end."""
    for temporary in temporaries or tuple(_UNFINISHED):
        with contextlib.suppress(OSError, ValueError):  # it was never made, or has its final name
            os.unlink(temporary)
        _UNFINISHED.discard(temporary)


def _give_name(temporary: Path, path: Path, replaces: bool) -> None:
    if replaces:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # FAT and some network drives know no hard links; the check is then only as good as exists()
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(temporary, path)
