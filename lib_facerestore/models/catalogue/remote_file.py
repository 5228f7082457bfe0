"""A file that the catalogue knows: where it is to be had and how to recognise it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded and how to know it. urls: first is best. size_bytes 0: not known."""

    name: str
    urls: tuple[str, ...]
    size_bytes: int
    sha256: str

    @property
    def identity(self) -> str:
        """Size and hash as a sentence mentions them."""
        size = f"{self.size_bytes:,} bytes, " if self.size_bytes else ""
        return f"{size}SHA-256 {self.sha256}"

    def by_hand(self, folder: Path) -> str:
        """What a person does instead of us, as the end of a sentence: address, size, hash and place."""
        start = f"download it from {self.urls[0]} and put" if self.urls else "put"
        return f"{start} {self.name} ({self.identity}) into {folder}."
