"""The host's list of upscalers: its own, for us to use, and ours, for it to use. Nothing of the list is kept.

Hosts make the list anew at each Reload UI, some at the press of a button.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lib_facerestore.errors import SettingsError
from lib_facerestore.hosts import base

# What we do ourselves, and what does nothing.
_PLAIN = frozenset(["none", "lanczos", "nearest"])
_OURS = "is_of_facerestore"
_USUAL_SCALE = 4
_STOPS = ("interrupted", "skipped", "stopping_generation")


@dataclass(frozen=True)
class Offered:
    """An upscaler of ours for the host's list. model: our name for it; scale: its factor."""

    title: str
    model: str
    scale: int


class Scaler(Protocol):
    """What a host calls of an upscaler. selected_model: the second argument with which the entry was made."""

    def upscale(self, img: Any, scale: float, selected_model: str | None = None) -> Any:
        """A PIL image, larger by the factor."""


@dataclass(frozen=True)
class HostUpscalers:
    """See `runtime.OtherUpscalers`. Has no state, so that all are equal."""

    def names(self) -> tuple[str, ...]:
        """The host's and its extensions' upscalers in the host's order, without plain resizes and without ours."""
        return tuple(dict.fromkeys(str(entry.name) for entry in _entries() if _is_usable(entry)))

    def scale(self, name: str) -> int:
        """Its factor; hosts write 4 where they do not know it."""
        noted = getattr(self._entry(name), "scale", None)
        return int(noted) if isinstance(noted, (int, float)) and noted >= 2 else _USUAL_SCALE

    def file(self, name: str) -> Path | None:
        """Its file, or None: addresses stand there too, for files that the host would download."""
        entry = self._entry(name)
        for noted in (getattr(entry, "local_data_path", None), getattr(entry, "data_path", None)):
            if isinstance(noted, str) and noted and Path(noted).is_file():
                return Path(noted)
        return None

    def upscale(self, name: str, image: Any, scale: float) -> Any:
        """Let the host do it. What was pressed before stays pressed: one host clears it when an upscaler begins."""
        entry = self._entry(name)
        state = base.state()
        pressed = [stop for stop in _STOPS if getattr(state, stop, False)]
        try:
            return entry.scaler.upscale(image, scale, entry.data_path)
        finally:
            for stop in pressed:
                setattr(state, stop, True)

    def _entry(self, name: str) -> Any:
        """Raises: SettingsError where the host has it no longer."""
        for entry in _entries():
            if _is_usable(entry) and str(entry.name) == name:
                return entry
        raise SettingsError("upscaler", name, "an upscaler that the WebUI has")


def offer(upscalers: Iterable[Offered], scaler: Scaler) -> None:
    """Append ours to the host's list as it is now; those that are there already stay as they are."""
    from modules import shared
    from modules.upscaler import UpscalerData

    entries = getattr(shared, "sd_upscalers", None)
    if entries is None:
        return
    known = {str(entry.name) for entry in entries}
    for upscaler in upscalers:
        if upscaler.title not in known:
            made = UpscalerData(upscaler.title, upscaler.model, scaler, scale=upscaler.scale)
            setattr(made, _OURS, True)
            entries.append(made)


def _entries() -> list[Any]:
    from modules import shared

    return list(getattr(shared, "sd_upscalers", None) or ())


def _is_usable(entry: Any) -> bool:
    is_plain = str(entry.name).lower() in _PLAIN
    return not is_plain and not getattr(entry, _OURS, False) and hasattr(getattr(entry, "scaler", None), "upscale")
