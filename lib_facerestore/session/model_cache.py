"""The networks that stay loaded between jobs: which are kept, and which of them are on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from lib_facerestore.errors import DeviceFailed, DeviceLost, OutOfMemory
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.models.devices import device_errors
from lib_facerestore.session.turns import Turns

if TYPE_CHECKING:
    import torch

Tool = TypeVar("Tool")
# Networks of one role that stay on the device, as many as one job uses, and that are kept in all, the others of them in
# main memory: six of the largest restorers take 2.2 GB.
_MOST_ON_DEVICE, _MOST_WARM = 2, 6


class ModelKey(NamedTuple):
    """What a warm network is kept under."""

    role: Kind
    name: str
    """The model's name in the catalogue, which reports show."""
    files: tuple[str | None, ...]
    """Identities of the files that it was made of, from `weights.file_identity`."""
    variant: tuple[object, ...] = ()
    """What else makes another network of the same files: the strength of a mix."""


@dataclass(frozen=True)
class Loaded(Generic[Tool]):
    """A network behind its port, ready on its device."""

    tool: Tool
    notices: tuple[str, ...] = ()
    """Sentences for the report: about its file, and about a device that failed or had no memory for it."""


Load = Callable[["torch.device"], Loaded[Tool]]


class ModelCache:
    """Networks of one process, shared by all its sessions. Used by the run that has the turn, and by no other.

    Of each role two networks stay on the device and six are kept, those used last. Networks of a run that waits for
    the present one stay where they are. A network that failed on a device, where the CPU gave a result, is not taken
    there again; nothing is taken to a device that does not give its networks back.
    """

    def __init__(self) -> None:
        self.turns: Turns[ModelKey] = Turns()
        self._kept: dict[ModelKey, Loaded[Any]] = {}
        # What devices said when they failed: by network and device, and by device that is lost altogether.
        self._failures: dict[tuple[ModelKey, str], str] = {}
        self._lost: dict[str, str] = {}

    @property
    def keys(self) -> tuple[ModelKey, ...]:
        """What is loaded just now, the one used last at the end; does not wait for a run."""
        return tuple(self._kept)

    @property
    def warm(self) -> tuple[tuple[str, str], ...]:
        """(role, name) of what is loaded just now; does not wait for a run."""
        return tuple((key.role, key.name) for key in self.keys)

    def get(self, key: ModelKey, device: torch.device, load: Load[Tool]) -> Loaded[Tool]:
        """The network of that key on the device, loaded if it is not kept.

        It is on the CPU where the device has no memory, fails, or failed before; a notice says so.
        Raises: what load raises; OutOfMemory where the CPU has no memory either; DeviceLost.
        """
        import torch

        self._note_failures()
        notice, problem = self._failed_before(key, device), ""
        if not notice:
            try:
                loaded = self._on_device(key, device, load)
            except (OutOfMemory, DeviceFailed) as error:
                if device.type == "cpu":
                    raise
                notice = f"{error} It went on on the CPU."
                problem = error.problem if isinstance(error, DeviceFailed) else ""
        if notice:
            loaded = self._on_device(key, torch.device("cpu"), load)
            loaded = replace(loaded, notices=(*loaded.notices, notice))
        if problem:  # and the CPU has no such problem, so it is the device's
            self._failures[key, str(device)] = problem
        self.turns.note(key)
        return loaded

    def lose(self, error: DeviceLost) -> None:
        """Give up a device and all networks that may be on it; they are loaded again on the CPU."""
        self._lost[error.device] = error.problem
        self._kept.clear()

    def is_lost(self, device: torch.device) -> bool:
        """Whether that device was given up."""
        return str(device) in self._lost

    def park(self) -> None:
        """Move all networks into main memory, but for those of a run that waits."""
        self._to_main_memory(self._kept)

    def release(self) -> None:
        """Drop all networks, but for those of a run that waits."""
        self._note_failures()
        for key in set(self._kept) - self.turns.needed:
            del self._kept[key]

    def park_last(self) -> None:
        """Move the network that was used last into main memory."""
        self._to_main_memory(list(self._kept)[-1:])

    def _on_device(self, key: ModelKey, device: torch.device, load: Load[Tool]) -> Loaded[Tool]:
        """Raises: OutOfMemory; DeviceFailed; DeviceLost; what load raises."""
        kept = self._kept.pop(key, None)
        self._make_way(key.role)
        with device_errors(key.name, device):
            self._kept[key] = kept or load(device)  # last, as the one used last
        self._kept[key].tool.move(device)  # back from the CPU, where it was parked or where memory ran out
        return cast("Loaded[Tool]", self._kept[key])

    def _make_way(self, role: Kind) -> None:
        """Before one more network of a role is used: drop those not used for longest, move others to main memory."""
        older = [key for key in self._kept if key.role == role and key not in self.turns.needed]
        for key in older[: 1 - _MOST_WARM]:
            del self._kept[key]
        self._to_main_memory(older[1 - _MOST_WARM : 1 - _MOST_ON_DEVICE])

    def _to_main_memory(self, keys: Iterable[ModelKey]) -> None:
        """Raises: OutOfMemory."""
        import torch

        needed = self.turns.needed
        for key in tuple(keys):
            try:
                if key in self._kept and key not in needed:
                    self._kept[key].tool.move(torch.device("cpu"))
            except DeviceLost as error:  # nobody waits for these networks; they are loaded again where they are needed
                self.lose(error)

    def _note_failures(self) -> None:
        """Remember where the kept networks failed, beyond the time for which they are kept."""
        for key, loaded in self._kept.items():
            failures: dict[str, str] = getattr(loaded.tool, "failures", {})  # what torch does not run keeps none
            for device, problem in failures.items():
                self._failures[key, device] = problem

    def _failed_before(self, key: ModelKey, device: torch.device) -> str:
        """The sentence for the report where the network has to do without the device; "" where it has not."""
        name = str(device)
        if name in self._lost:
            return f"{name} failed: {self._lost[name]}. All networks run on the CPU until the program starts again."
        problem = self._failures.get((key, name))
        if problem is None:
            return ""
        return f"{key.name} failed on {name} before: {problem}. It runs on the CPU until the program starts again."
