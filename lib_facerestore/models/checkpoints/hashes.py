"""SHA-256 of files of weights, remembered as long as a file's size and time stay. Knows no row of the catalogue."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.errors import WeightsDamaged, WeightsMissing
from lib_facerestore.whole_file import whole_file

_CHUNK_BYTES = 1 << 20


def plain_bytes(count: int) -> str:
    """A number of bytes as a person reads it: 376,637,898 bytes."""
    return f"{count:,} bytes"


@dataclass(frozen=True)
class HashCache:
    """Remembers hashes in a JSON file, by the absolute path, size and time of the hashed file.

    Where the JSON file is damaged or cannot be written, files are hashed again. Of two processes that write at once the
    last one wins.
    """

    file: Path
    """The JSON file: absolute path → [size in bytes, mtime in ns, sha256]."""

    @classmethod
    def in_folder(cls, folder: Path) -> HashCache:
        """The hashes that are remembered in a cache folder."""
        return cls(folder / "hashes.json")

    def get(self, path: Path) -> str | None:
        """The remembered hash of a file; None where the file is new or has changed since."""
        row = self._rows().get(_key(path))
        status = path.stat()
        if not isinstance(row, list) or len(row) != 3 or row[:2] != [status.st_size, status.st_mtime_ns]:
            return None
        return row[2] if isinstance(row[2], str) and len(row[2]) == 64 else None

    def put(self, path: Path, status: os.stat_result, sha256: str) -> None:
        """Remember the hash of a file. status: the file's size and time while it was hashed."""
        write_table(self.file, self._rows() | {_key(path): [status.st_size, status.st_mtime_ns, sha256]})

    def _rows(self) -> dict[str, object]:
        return read_table(self.file)


def read_table(file: Path) -> dict[str, object]:
    """Read a JSON object from a file; {} where the file is missing or damaged."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return rows if isinstance(rows, dict) else {}


def write_table(file: Path, rows: dict[str, object]) -> None:
    """Write a JSON object to a file, whole or not at all; nothing happens where the file cannot be written."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as temporary:
            temporary.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _key(path: Path) -> str:
    return os.path.abspath(path)


def sha256_of(path: Path, cache: HashCache | None = None, check: Callable[[], None] = lambda: None) -> str:
    """The file's SHA-256, 64 lower-case hexadecimal digits; the file is read where the cache does not have its hash.

    check: called once for each megabyte; what it raises ends the reading.
    Raises: OSError; what check raises.
    """
    known = cache.get(path) if cache is not None else None
    if known is not None:
        return known
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        while chunk := stream.read(_CHUNK_BYTES):
            check()
            digest.update(chunk)
        after = os.fstat(stream.fileno())
    is_unchanged = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if cache is not None and is_unchanged:
        cache.put(path, after, digest.hexdigest())
    return digest.hexdigest()


def difference(
    path: Path,
    size_bytes: int,
    sha256: str,
    check: Callable[[], None] = lambda: None,
) -> tuple[str, str] | None:
    """Compare a file with the expected size and hash: what was found and what was expected; None where both agree.

    size_bytes: 0 where any size is right. check: see `sha256_of`.
    Raises: OSError; what check raises.
    """
    if path.is_dir():
        return "it is a folder", "a file"
    size = path.stat().st_size
    if size_bytes and size != size_bytes:
        return f"it has {plain_bytes(size)}", plain_bytes(size_bytes)
    found = sha256_of(path, check=check)
    if found != sha256.lower():
        return f"its sha256 begins {found[:8]}", sha256[:8]
    return None


def verify_file(path: Path, size_bytes: int, sha256: str) -> None:
    """Refuse a file that has not the expected size and hash; a size of 0 is not compared.

    Raises: WeightsMissing, WeightsDamaged.
    """
    try:
        wrong = difference(path, size_bytes, sha256)
    except FileNotFoundError as error:
        raise WeightsMissing(path.name, "Fetch the file, or put it there.", (path.parent,)) from error
    except OSError as error:
        raise WeightsDamaged(path, f"it cannot be read ({error.strerror})", "a readable file") from error
    if wrong is not None:
        raise WeightsDamaged(path, *wrong)


def move_aside(path: Path) -> Path:
    """Rename a damaged file to NAME.damaged, or NAME.damaged.2 … where that is taken; the result is the new path.

    Raises: OSError.
    """
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged.{number}")
    path.rename(aside)
    return aside
