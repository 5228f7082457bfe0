"""The host's list of upscalers: this extension runs the host's entries, and adds entries for the host to run.

The list is read each time it is needed, because hosts make it anew at each Reload UI, some at the press of a button.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lib_facerestore.errors import SettingsError
from lib_facerestore.hosts import base

# Entries that run no network.
_PLAIN = frozenset(["none", "lanczos", "nearest"])
# The attribute that marks this extension's entries.
_MARK = "is_of_facerestore"
_USUAL_SCALE = 4
_STOPS = ("interrupted", "skipped", "stopping_generation")


@dataclass(frozen=True)
class Offered:
    """An upscaler of this extension, for the host's list."""

    title: str
    """The entry's name in the host's list."""
    model: str
    """The catalogue's name."""
    scale: int
    """How much larger the network makes a picture, along one side."""


class Scaler(Protocol):
    """The object behind an entry, with the method that hosts call."""

    def upscale(self, img: Any, scale: float, selected_model: str | None = None) -> Any:
        """Enlarge a PIL image by the factor `scale`. selected_model: the model with which the entry was made."""


@dataclass(frozen=True)
class HostUpscalers:
    """The upscalers that this host can run; see `runtime.OtherUpscalers`. It has no state, so all are equal."""

    def names(self) -> tuple[str, ...]:
        """The upscalers of the host and of other extensions, in the host's order, without plain resizes."""
        return tuple(dict.fromkeys(str(entry.name) for entry in _entries() if _is_usable(entry)))

    def scale(self, name: str) -> int:
        """The upscaler's factor; 4, as hosts assume, where the host's entry names none of at least 2.

        Raises: SettingsError where the host has no such upscaler any more.
        """
        noted = getattr(self._entry(name), "scale", None)
        return int(noted) if isinstance(noted, (int, float)) and noted >= 2 else _USUAL_SCALE

    def file(self, name: str) -> Path | None:
        """The upscaler's file; None where it has none, or the host has its address and would download it first.

        Raises: SettingsError where the host has no such upscaler any more.
        """
        entry = self._entry(name)
        for noted in (getattr(entry, "local_data_path", None), getattr(entry, "data_path", None)):
            if isinstance(noted, str) and noted and Path(noted).is_file():
                return Path(noted)
        return None

    def device(self) -> str:
        """Where the host runs its upscalers, as torch writes it."""
        return base.device("esrgan")

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """Let the host enlarge a PIL image by about the factor `scale`.

        One host clears the stop buttons when an upscaler begins, so those pressed before are set again afterwards.
        Raises: SettingsError where the host has no such upscaler any more; what the host's upscaler raises.
        """
        entry = self._entry(name)
        state = base.state()
        pressed = [stop for stop in _STOPS if getattr(state, stop, False)]
        try:
            return entry.scaler.upscale(image, scale, entry.data_path)
        finally:
            for stop in pressed:
                setattr(state, stop, True)

    def _entry(self, name: str) -> Any:
        """The host's entry of that name.

        Raises: SettingsError where the host has no such upscaler any more.
        """
        for entry in _entries():
            if _is_usable(entry) and str(entry.name) == name:
                return entry
        raise SettingsError("upscaler", name, "an upscaler that the WebUI has")


def offer(upscalers: Iterable[Offered], scaler: Scaler) -> None:
    """Append this extension's upscalers to the host's list; entries of the same title stay as they are.

    scaler: the object that runs all of them. A host without such a list gets none.
    """
    from modules import shared
    from modules.upscaler import UpscalerData

    entries = getattr(shared, "sd_upscalers", None)
    if entries is None:
        return
    known = {str(entry.name) for entry in entries}
    for upscaler in upscalers:
        if upscaler.title not in known:
            made = UpscalerData(upscaler.title, upscaler.model, scaler, scale=upscaler.scale)
            setattr(made, _MARK, True)
            entries.append(made)


def _entries() -> list[Any]:
    """All entries of the host's list as it is now."""
    from modules import shared

    return list(getattr(shared, "sd_upscalers", None) or ())


def _is_usable(entry: Any) -> bool:
    """Whether an entry runs a network that is not this extension's own."""
    is_plain = str(entry.name).lower() in _PLAIN
    return not is_plain and not getattr(entry, _MARK, False) and hasattr(getattr(entry, "scaler", None), "upscale")
