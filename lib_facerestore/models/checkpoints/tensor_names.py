"""The names of the weights in a checkpoint, without reading a weight or running anything that is in the file."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models.checkpoints.containers import form_of, safetensors_header, unreadable
from lib_facerestore.models.checkpoints.read import UNPICKLING_FAILURES, named_tensors

# The list of a network of 3,000 tensors has 400 kB.
_LONGEST_LIST_BYTES = 16 << 20
# The first object in a file of torch's form before 1.6. Source: torch.serialization.MAGIC_NUMBER (BSD-3-Clause).
_MAGIC = 0x1950A86A20F9469CFC6C
_OBJECTS_BEFORE_THE_LIST = 2  # after the magic number: the version of the form, and sizes of integers
_AGAIN = "Delete the file and download it again."


def weight_names(path: Path) -> tuple[str, ...]:
    """Names as `checkpoints.read_checkpoint` would give them; what is no network for pictures is refused alike.

    Raises: WeightsMissing, WeightsDamaged, WeightsUnknown.
    """
    try:
        container = form_of(path)
        if container == "safetensors":
            header = safetensors_header(path)
            content: object = {name: _Weight() for name in header if name != "__metadata__"}
        else:
            content = _unpickled_zip(path) if container == "zip" else _unpickled(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except (zipfile.BadZipFile, zlib.error, *UNPICKLING_FAILURES) as error:
        problem = f"its list of weights cannot be read ({type(error).__name__})"
        raise WeightsDamaged(path, problem, "a whole checkpoint", _AGAIN) from error
    return tuple(named_tensors(content, path, _Weight))


def _unpickled_zip(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        member = next(item for item in archive.infolist() if item.filename.rpartition("/")[2] == "data.pkl")
        if member.file_size > _LONGEST_LIST_BYTES:
            raise _too_long(path)
        return _NamesUnpickler(io.BytesIO(archive.read(member))).load()


def _unpickled(path: Path) -> object:
    """The fourth object of a file of torch's old form; the weights lie behind it."""
    with path.open("rb") as stream:
        bounded: Any = _Bounded(stream, path)
        if _NamesUnpickler(bounded).load() != _MAGIC:
            raise WeightsUnknown(path, "is a pickle, but not one that torch wrote.")
        for _ in range(_OBJECTS_BEFORE_THE_LIST):
            _NamesUnpickler(bounded).load()
        return _NamesUnpickler(bounded).load()


def _too_long(path: Path) -> WeightsUnknown:
    return WeightsUnknown(path, f"has no list of weights in its first {_LONGEST_LIST_BYTES >> 20} MB.")


class _Bounded:
    """The beginning of a file. Has no `peek`, so that pickle reads no byte further than its object's end."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._left = stream, path, _LONGEST_LIST_BYTES

    def read(self, count: int) -> bytes:
        if count > self._left:
            raise _too_long(self._path)
        self._left -= count
        return self._stream.read(count)

    def readline(self) -> bytes:
        line = self._stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise _too_long(self._path)
        return line


class _Weight:
    """Stands for a tensor."""


class _Nothing:
    """Stands for any other object of a pickle; takes what a pickle does with objects, and does nothing."""

    def __new__(cls, *given: object, **named: object) -> _Nothing:
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...

    def add(self, value: object) -> None: ...


class _Table(dict[Any, Any]):
    """Stands for an ordered dict; keeps no attributes, with which a pickle could hide the methods."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None: ...


def _weight(*given: object) -> _Weight:
    return _Weight()


class _NamesUnpickler(pickle.Unpickler):
    """Calls nothing that a pickle names: whatever it asks for is one of the stand-ins above."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for torch's makers of tensors, for ordered dicts, or for anything else under its own name."""
        if name.startswith("_rebuild_") and module in ("torch._utils", "torch._tensor"):
            return _weight
        if (module, name) == ("collections", "OrderedDict"):
            return _Table
        return type(name, (_Nothing,), {})

    def persistent_load(self, pid: object) -> object:
        """The bytes of a tensor, which are left where they are."""
        return None
