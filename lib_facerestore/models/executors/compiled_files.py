"""Compiled graphs kept in the cache folder: whole, checked when they are read, named by what they were made of."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.whole_file import whole_file

logger = logging.getLogger(__name__)

_SUFFIX = ".compiled"
# The first line is a JSON object of a few hundred bytes.
_MOST_HEADER_BYTES = 4096


@dataclass(frozen=True)
class CompiledFiles:
    """The compiled graphs in a folder. A file begins with a line that says what it is and the SHA-256 of the rest."""

    folder: Path

    @classmethod
    def in_cache(cls, cache_folder: Path) -> CompiledFiles:
        """The compiled graphs of a cache folder."""
        return cls(cache_folder / "compiled")

    def path(self, key: str) -> Path:
        """Where the graph of that key is kept. key: names weights, way, shapes, versions and machine."""
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{_SUFFIX}"

    def read(self, key: str) -> bytes | None:
        """The bytes that were kept under the key; None where there are none, or where they were damaged since.

        A damaged file is removed and logged.
        """
        path = self.path(key)
        try:
            with path.open("rb") as file:
                header, data = _header(file.readline(_MOST_HEADER_BYTES)), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s cannot be read (%s); the network runs without it.", path, error.strerror)
            return None
        if header.get("key") == key and header.get("sha256") == hashlib.sha256(data).hexdigest():
            return data
        logger.warning("%s is damaged and was removed; it is made again when it is needed.", path)
        path.unlink(missing_ok=True)
        return None

    def write(self, key: str, data: bytes) -> str:
        """Keep bytes under a key; gives the reason, as a sentence, where they could not be kept, else ""."""
        header = json.dumps({"key": key, "sha256": hashlib.sha256(data).hexdigest()}).encode()
        path = self.path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as temporary, temporary.open("wb") as file:
                file.write(header + b"\n")
                file.write(data)
        except OSError as error:
            return f"The compiled network was not kept in {self.folder} ({error.strerror}); it is compiled again."
        return ""

    def has(self, key: str) -> bool:
        """Whether there is a file for the key; whether it is whole is seen when it is read."""
        return self.path(key).is_file()

    def count(self) -> tuple[int, int]:
        """The number of kept graphs, and their bytes in all."""
        sizes = [path.stat().st_size for path in self._paths()]
        return len(sizes), sum(sizes)

    def clear(self) -> int:
        """Remove all kept graphs, and give their number. Raises: OSError."""
        paths = self._paths()
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []


def _header(line: bytes) -> dict[str, object]:
    """What the first line says; {} where it is none."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}
