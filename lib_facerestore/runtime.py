"""How this machine does the work: device, folders, memory. Never part of a picture's record."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Licence = Literal["any", "commercial"]
WantedPrecision = Literal["full", "half"]


class MemoryPort(Protocol):
    """What a host offers so that it and we do not fight for the device's memory."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Ask the host to free about that much on the device before a network runs."""

    def released(self) -> None:
        """Tell the host that our networks have left the device."""


class NoHostMemory:
    """The memory port of a process that we have to ourselves."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Nobody to ask."""

    def released(self) -> None:
        """Nobody to tell."""


class OtherUpscalers(Protocol):
    """Upscalers that a host loads and runs itself, to be chosen beside ours. Equal ports stand for the same host."""

    def names(self) -> tuple[str, ...]:
        """What can be chosen now, as the host names it; without what we gave the host."""

    def scale(self, name: str) -> int:
        """The factor that the host gives the upscaler, above 1."""

    def file(self, name: str) -> Path | None:
        """The file that the host takes it from, where that is there."""

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """The image larger by about that factor: hosts round sides to multiples of 8. image: PIL, RGB; the result too.

        Raises: what the host's upscaler raises.
        """


class NoOtherUpscalers:
    """The port of a process without a host."""

    def names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def scale(self, name: str) -> int:
        """Never asked."""
        raise KeyError(name)

    def file(self, name: str) -> Path | None:
        """Never asked."""
        raise KeyError(name)

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """Never asked."""
        raise KeyError(name)


def default_data_folder() -> Path:
    """Folder for weights and caches of this user: FACERESTORE_HOME, else the platform's cache folder.

    A variable that is empty counts as not set, and ~ is the user's home folder.
    Source: XDG Base Directory Specification 0.8, by which a relative XDG_CACHE_HOME is ignored.
    """
    chosen = os.environ.get("FACERESTORE_HOME")
    if chosen:
        return Path(os.path.expanduser(chosen))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home()) / "facerestore"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "facerestore"
    caches = Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME", "")))
    return (caches if caches.is_absolute() else _home() / ".cache") / "facerestore"


def _home() -> Path:
    """The user's home folder; one of their own among the temporary files where they have none, as in a container."""
    home = Path(os.path.expanduser("~"))
    user = getattr(os, "getuid", lambda: "user")()
    return home if home.is_absolute() else Path(tempfile.gettempdir()) / f"facerestore-{user}"


@dataclass(frozen=True)
class Runtime:
    """Where and with what means to run; a host adapter or a shell fills it in.

    device: "auto", "cpu", "cuda", "cuda:1", "mps" …; auto takes CUDA where torch finds it.
    face_batch: most faces of one picture that a network gets at once on a GPU; part of what makes equal bytes.
    folders: extra folders to look for weights in, first match wins, before `models_folder`; never written to.
    mirrors: base URLs tried before the catalogue's. licence: "commercial" hides models for non-commercial use.
    first_restorer: what "auto" takes before the catalogue's order, where its weights are present.
    fetch_advice: how this shell's user gets missing weights, the second half of a sentence. fetch_named: how one
    model's are fetched, a sentence; {name} is that model's.
    files: what was in all the folders when a job began, so that they are listed once for it; None: whenever one looks.
    """

    device: str = "auto"
    precision: WantedPrecision = "full"
    face_batch: int = 4
    models_folder: Path = field(default_factory=lambda: default_data_folder() / "models")
    cache_folder: Path = field(default_factory=lambda: default_data_folder() / "converted")
    folders: tuple[Path, ...] = ()
    downloads_allowed: bool = False
    mirrors: tuple[str, ...] = ()
    licence: Licence = "any"
    first_restorer: str = ""
    fetch_advice: str = "fetch official ones with: facerestore fetch --for gfpgan, or --all"
    fetch_named: str = "Fetch them with: facerestore fetch {name}; or run again with --download."
    memory: MemoryPort = field(default_factory=NoHostMemory)
    other_upscalers: OtherUpscalers = field(default_factory=NoOtherUpscalers)
    files: tuple[Path, ...] | None = field(default=None, compare=False, repr=False)

    def how_to_fetch(self, name: str) -> str:
        """The sentence on how the weights of one model are fetched; name: as it can be typed."""
        return self.fetch_named.format(name=name)

    def faces_at_once(self, device_type: str) -> int:
        """Most faces in a batch: `face_batch`, but one on a CPU, where four at once take longer than one by one.

        Measured on two cores: 1.16 times as long for CodeFormer, 1.31 times for GFPGAN (decision 010).
        """
        return 1 if device_type == "cpu" else self.face_batch
