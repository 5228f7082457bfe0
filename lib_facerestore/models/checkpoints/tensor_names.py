"""Reads the names of the weights in a checkpoint; no weight is read, and nothing in the file is run."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models.checkpoints.containers import DOWNLOAD_AGAIN, form_of, safetensors_header, unreadable
from lib_facerestore.models.checkpoints.read import UNPICKLING_FAILURES, named_tensors

# A limit for the list of weights; that of a network of 3,000 tensors has 400 kB.
_LONGEST_LIST_BYTES = 16 << 20
# The first object in a file of torch's form before 1.6. Source: torch.serialization.MAGIC_NUMBER (BSD-3-Clause).
_MAGIC = 0x1950A86A20F9469CFC6C
_OBJECTS_BEFORE_THE_LIST = 2  # after the magic number: the version of the form, and sizes of integers


def weight_names(path: Path) -> tuple[str, ...]:
    """The names that `read_checkpoint` would give the weights; it refuses the same checkpoints of other programs.

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
        raise WeightsDamaged(path, problem, "a whole checkpoint", DOWNLOAD_AGAIN) from error
    return tuple(named_tensors(content, path, _Weight))


def _unpickled_zip(path: Path) -> object:
    """The list of weights in a checkpoint of torch's zip form, with stand-ins for the tensors."""
    with zipfile.ZipFile(path) as archive:
        member = next(item for item in archive.infolist() if item.filename.rpartition("/")[2] == "data.pkl")
        if member.file_size > _LONGEST_LIST_BYTES:
            raise _too_long(path)
        return _NamesUnpickler(io.BytesIO(archive.read(member))).load()


def _unpickled(path: Path) -> object:
    """The list of weights in a checkpoint of torch's old form, with stand-ins for the tensors.

    It is the fourth object in the file; the weights follow it.
    """
    with path.open("rb") as stream:
        bounded: Any = _Bounded(stream, path)
        if _NamesUnpickler(bounded).load() != _MAGIC:
            raise WeightsUnknown(path, "is a pickle, but not one that torch wrote.")
        for _ in range(_OBJECTS_BEFORE_THE_LIST):
            _NamesUnpickler(bounded).load()
        return _NamesUnpickler(bounded).load()


def _too_long(path: Path) -> WeightsUnknown:
    """Make the error for a list of weights beyond the limit."""
    return WeightsUnknown(path, f"has no list of weights in its first {_LONGEST_LIST_BYTES >> 20} MB.")


class _Bounded:
    """The first 16 MB of a file, for pickle. It has no `peek`, so that pickle reads no byte beyond an object's end."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._left = stream, path, _LONGEST_LIST_BYTES

    def read(self, count: int) -> bytes:
        """The next `count` bytes. Raises: WeightsUnknown beyond the limit."""
        if count > self._left:
            raise _too_long(self._path)
        self._left -= count
        return self._stream.read(count)

    def readline(self) -> bytes:
        """The next line. Raises: WeightsUnknown beyond the limit."""
        line = self._stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise _too_long(self._path)
        return line


class _Weight:
    """A stand-in for a tensor."""


class _Nothing:
    """A stand-in for any other object of a pickle: it accepts everything that a pickle does to an object."""

    def __new__(cls, *given: object, **named: object) -> _Nothing:
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...

    def add(self, value: object) -> None: ...


class _Table(dict[Any, Any]):
    """A stand-in for an ordered dict. It has no attributes, with which a pickle could replace its methods."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None: ...


def _weight(*given: object) -> _Weight:
    """A stand-in for torch's functions that rebuild a tensor."""
    return _Weight()


class _NamesUnpickler(pickle.Unpickler):
    """Unpickles without calling anything that the pickle names: each name is answered with a stand-in."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name: of torch's functions that rebuild tensors, of ordered dicts, or of anything else."""
        if name.startswith("_rebuild_") and module in ("torch._utils", "torch._tensor"):
            return _weight
        if (module, name) == ("collections", "OrderedDict"):
            return _Table
        return type(name, (_Nothing,), {})

    def persistent_load(self, pid: object) -> object:
        """Stands for the bytes of a tensor, which are not read."""
        return None
