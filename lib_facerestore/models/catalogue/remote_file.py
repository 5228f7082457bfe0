"""A file that can be downloaded: its addresses, and how to recognise it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded."""

    name: str
    """Its name in a folder."""
    urls: tuple[str, ...]
    """Its addresses; the first is tried first."""
    size_bytes: int
    """Its size; 0 where that is not known."""
    sha256: str
    """The SHA-256 of its content, 64 lower-case hexadecimal digits."""
    other_sha256s: tuple[str, ...] = ()
    """The SHA-256 of other files that were published of the same network; they cannot be downloaded here."""

    @property
    def identity(self) -> str:
        """Size, where it is known, and hash, as a part of a sentence."""
        size = f"{self.size_bytes:,} bytes, " if self.size_bytes else ""
        return f"{size}SHA-256 {self.sha256}"

    def by_hand(self, folder: Path) -> str:
        """How a person gets the file into that folder, as the end of a sentence: address, size, hash and folder."""
        start = f"download it from {self.urls[0]} and put" if self.urls else "put"
        return f"{start} {self.name} ({self.identity}) into {folder}."
