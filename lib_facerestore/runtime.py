"""How this machine does the work: device, folders, memory. Nothing of it is written to a picture's record."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Licence = Literal["any", "commercial"]
WantedPrecision = Literal["full", "half"]
WantedExecutor = Literal["auto", "torch", "openvino"]


class MemoryPort(Protocol):
    """A host's functions for sharing the device's memory with networks that are not its own."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Ask the host to free about size_bytes on the device before a network runs. device: as torch writes it."""

    def released(self) -> None:
        """Tell the host that the networks of this project have left the device."""


class NoHostMemory:
    """The memory port of a process without a host, where all of the device's memory may be used."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Does nothing: no host holds memory."""

    def released(self) -> None:
        """Does nothing: no host waits for memory."""


class OtherUpscalers(Protocol):
    """Upscalers that a host loads and runs itself. Two ports that are equal stand for the same host."""

    def names(self) -> tuple[str, ...]:
        """The host's names of the upscalers that can be chosen now, without those that this project gave the host."""

    def scale(self, name: str) -> int:
        """The factor that the host states for the upscaler, above 1.

        Raises: SettingsError where the host has no such upscaler any more.
        """

    def file(self, name: str) -> Path | None:
        """The file of the upscaler's weights; None where it has none, or none that is on this machine.

        Raises: SettingsError where the host has no such upscaler any more.
        """

    def device(self) -> str:
        """Where the host runs its upscalers, as torch writes it."""

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """Enlarge a PIL image (RGB) by about the factor `scale`; the result is one too.

        Hosts round its sides to multiples of 8.
        Raises: SettingsError where the host has no such upscaler any more; what the host's upscaler raises.
        """


class NoOtherUpscalers:
    """The upscalers of a process without a host: there are none."""

    def names(self) -> tuple[str, ...]:
        """The empty tuple."""
        return ()

    def scale(self, name: str) -> int:
        """Raises KeyError: no upscaler has this name."""
        raise KeyError(name)

    def file(self, name: str) -> Path | None:
        """Raises KeyError: no upscaler has this name."""
        raise KeyError(name)

    def device(self) -> str:
        """The empty text: nothing runs."""
        return ""

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """Raises KeyError: no upscaler has this name."""
        raise KeyError(name)


def default_data_folder() -> Path:
    """The folder for this user's weights and caches: FACERESTORE_HOME, else the platform's cache folder.

    An empty variable counts as not set; ~ stands for the user's home folder.
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
    """The user's home folder; a temporary folder of their own where they have none, as in a container."""
    home = Path(os.path.expanduser("~"))
    user = getattr(os, "getuid", lambda: "user")()
    return home if home.is_absolute() else Path(tempfile.gettempdir()) / f"facerestore-{user}"


@dataclass(frozen=True)
class Runtime:
    """Where to run and with which means; a host's adapter or a shell fills it in."""

    device: str = "auto"
    """Torch's name, such as "cpu", "cuda:1", "mps"; or "auto" or "gpu", see `models.devices.torch_device`."""
    precision: WantedPrecision = "full"
    """The value "half" runs networks in half precision where a trial has shown that it gives the same picture."""
    executor: WantedExecutor = "auto"
    """What runs networks on a CPU: "auto" takes the faster one for each network, where OpenVINO is installed."""
    face_batch: int = 4
    """Most faces of one picture that a network gets at once on a GPU. The same value is needed for the same bytes."""
    models_folder: Path = field(default_factory=lambda: default_data_folder() / "models")
    """Where weights are fetched to; it is searched after all `folders`."""
    cache_folder: Path = field(default_factory=lambda: default_data_folder() / "converted")
    """Where converted weights, hashes and other results that can be made again are kept."""
    folders: tuple[Path, ...] = ()
    """Further folders to search for weights; the first match counts. Nothing is written to them."""
    downloads_allowed: bool = False
    """Whether missing weights are fetched."""
    mirrors: tuple[str, ...] = ()
    """Base URLs that are tried before the catalogue's addresses."""
    licence: Licence = "any"
    """The value "commercial" hides models for non-commercial use."""
    first_restorer: str = ""
    """The restorer that "auto" prefers to the catalogue's order, where its weights are present; "" for none."""
    fetch_advice: str = "fetch official ones with: facerestore fetch --for gfpgan, or --all"
    """How the user of this shell gets missing weights, as the second half of a sentence."""
    fetch_named: str = "Fetch them with: facerestore fetch {name}; or run again with --download."
    """How the user of this shell gets the weights of one model, as a sentence with {name} for the model's name."""
    memory: MemoryPort = field(default_factory=NoHostMemory)
    """How the device's memory is shared with a host."""
    other_upscalers: OtherUpscalers = field(default_factory=NoOtherUpscalers)
    """The upscalers that a host runs."""
    files: tuple[Path, ...] | None = field(default=None, compare=False, repr=False)
    """All files of all folders, listed once when a job began; None where the folders are listed at each search."""

    def how_to_fetch(self, name: str) -> str:
        """A sentence that tells how the weights of one model are fetched. name: as it can be typed in a shell."""
        return self.fetch_named.format(name=name)

    def faces_at_once(self, device_type: str) -> int:
        """Most faces in a batch on that type of device ("cpu", "cuda"): `face_batch`, but one on a CPU.

        On a CPU four faces at once take longer than four one by one: measured on two cores 1.16 times as long for
        CodeFormer, 1.31 times for GFPGAN (decision 010).
        """
        return 1 if device_type == "cpu" else self.face_batch
