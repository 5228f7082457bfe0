"""A file that the catalogue knows: where it is to be had and how to recognise it."""

from __future__ import annotations

from dataclasses import dataclass


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
        size = f"{f'{self.size_bytes:,} bytes'}, " if self.size_bytes else ""
        return f"{size}sha256 begins {self.sha256[:8]}"
