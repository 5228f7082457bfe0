"""What a stage runs, noted while it runs and given as one value afterwards. Knows nothing of faces and canvases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from lib_facerestore.engine.data import ModelUsed, Ran

T = TypeVar("T")


class Notes:
    """Collects what one stage runs; `ran` gives it as a value."""

    def __init__(self, warnings: Iterable[str] = ()) -> None:
        self._models: list[ModelUsed] = []
        self._devices: list[str] = []
        self._masks: list[str] = []
        self._warnings = list(warnings)
        self._tiles = 0

    def called(self, model: ModelUsed) -> None:
        """The network was called; whether it gave a result is not known yet."""
        self._models.append(model)

    def gave(self, model: ModelUsed, device: object) -> None:
        """The network gave a result on that device. str(device) is its name, as "cuda:0"."""
        self._models.append(model)
        self._devices.append(str(device))

    def enlarged(self, model: ModelUsed, tiles: int, device: str, warnings: Iterable[str]) -> None:
        """An upscaler enlarged something; without a tile it was no network, and only its warnings count."""
        if tiles:
            self.gave(model, device)
        self._tiles += tiles
        self._warnings += warnings

    def mask(self, kind: str) -> None:
        """A mask of that kind was made."""
        self._masks.append(kind)

    def warn(self, sentence: str) -> None:
        """Something was done otherwise than asked for."""
        self._warnings.append(sentence)

    def ran(self) -> Ran:
        """All that was noted so far."""
        return Ran(
            once(self._models), once(self._devices), self._tiles, once(self._masks), warnings=tuple(self._warnings)
        )


def joined(parts: Iterable[Ran]) -> Ran:
    """What several stages ran, as one value."""
    parts = tuple(parts)
    return Ran(
        models=once(model for part in parts for model in part.models),
        devices=once(device for part in parts for device in part.devices),
        tiles=sum(part.tiles for part in parts),
        masks=once(kind for part in parts for kind in part.masks),
        warnings=once(sentence for part in parts for sentence in part.warnings),
    )


def once(values: Iterable[T]) -> tuple[T, ...]:
    """All values in their order, each once."""
    return tuple(dict.fromkeys(values))
