"""The roles that a user's own file can play, told without reading its weights and remembered between runs."""

from __future__ import annotations

import importlib.metadata
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, get_args

from lib_facerestore.errors import WeightsError, WeightsUnknown
from lib_facerestore.models import onnx_models
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.models.checkpoints import read_table, unreadable, write_table

_Row: TypeAlias = tuple[int, int, tuple[Kind, ...], str, bool]
"""What is remembered of a file: size in bytes, mtime in ns, its roles, the reason where it has none, and whether it is
an ONNX file with an input for the fidelity weight."""

# Stored with what is remembered. Raise it when a change of the code gives other roles for the same names.
_RULES = "2"
# Architectures that take a mask beside the picture, by spandrel's id.
_MASKED = frozenset({"LaMa", "MAT"})
_MOST_REMEMBERED = 1000

_lock = threading.Lock()
_remembered: dict[Path, dict[str, _Row]] = {}


@dataclass(frozen=True)
class Offer:
    """The roles that one file can be chosen for."""

    path: Path
    """The file."""
    size_bytes: int
    """Its size; 0 where it cannot be read."""
    kinds: tuple[Kind, ...]
    """Its roles; empty where it can play none."""
    takes_weight: bool = False
    """Whether it is an ONNX file with an input for the fidelity weight."""
    refusal: WeightsError | None = None
    """The reason where it can play none, else None."""


def offers_for(paths: Iterable[Path], cache_folder: Path) -> tuple[Offer, ...]:
    """The roles of each file, in the order given.

    Only the names of weights, or an ONNX file's graph, are read, and only where a file is new or has changed since the
    last time. A file that is damaged or cannot be read is tried again each time; it does not affect the other files.
    """
    store = cache_folder / "roles.json"
    with _lock:
        if store not in _remembered:
            _remembered[store] = _stored(store)
        rows = _remembered[store]
    new: dict[str, _Row] = {}
    found = tuple(_offer(path, rows, new) for path in paths)
    if new:
        with _lock:
            kept = dict(list((_remembered[store] | new).items())[-_MOST_REMEMBERED:])
            _remembered[store] = kept
            write_table(store, {"rules": _rules(), "files": kept})
    return found


def _offer(path: Path, rows: dict[str, _Row], new: dict[str, _Row]) -> Offer:
    """The roles of one file: as remembered in `rows`, else read now and added to `new`."""
    key = os.path.abspath(path)
    try:
        status = path.stat()
    except OSError as error:
        return Offer(path, 0, (), refusal=unreadable(path, error))
    row = rows.get(key)
    if row is None or row[:2] != (status.st_size, status.st_mtime_ns):
        try:
            (kinds, takes_weight), problem = _roles(path), ""
        except WeightsUnknown as error:
            kinds, takes_weight, problem = (), False, str(error).removeprefix(f"{path.name} ")
        except WeightsError as error:
            return Offer(path, status.st_size, (), refusal=error)
        row = new[key] = (status.st_size, status.st_mtime_ns, kinds, problem, takes_weight)
    return Offer(path, row[0], row[2], row[4], WeightsUnknown(path, row[3]) if row[3] else None)


def _roles(path: Path) -> tuple[tuple[Kind, ...], bool]:
    """The roles that a file can play, at least one, and whether it is an ONNX file with a fidelity weight.

    A checkpoint is judged by the names of its weights, an ONNX file by its operators, inputs and outputs.
    Raises: WeightsUnknown where it can play none; WeightsDamaged; WeightsMissing.
    """
    if onnx_models.is_onnx(path):
        return ("restorer",), bool(onnx_models.describe(path).weight)
    return _roles_by_names(path), False


def _roles_by_names(path: Path) -> tuple[Kind, ...]:
    """The roles that the names of a checkpoint's weights allow. Raises: as `_roles`."""
    from lib_facerestore.models.checkpoints import weight_names

    names = weight_names(path)
    # Imported late, because importing spandrel takes seconds and a damaged file does not need it.
    from lib_facerestore.models.adapters import FACE_ARCHITECTURES
    from lib_facerestore.models.networks import architecture_of

    architecture = architecture_of(names)
    if not architecture:
        raise WeightsUnknown(path, "fits no known network.", names)
    if architecture in _MASKED:
        raise WeightsUnknown(path, "is a network that needs a mask beside the picture.", names)
    return ("restorer",) if architecture in FACE_ARCHITECTURES else ("upscaler", "restorer")


def _rules() -> str:
    """The versions that the roles depend on; roles that were remembered under other versions are dropped."""
    return " ".join([_RULES, *(importlib.metadata.version(name) for name in ("spandrel", "spandrel_extra_arches"))])


def _stored(store: Path) -> dict[str, _Row]:
    """What an earlier process remembered, by the absolute path of the file; {} where its versions were others."""
    table = read_table(store)
    files = table.get("files")
    if table.get("rules") != _rules() or not isinstance(files, dict):
        return {}
    rows = {key: _row(values) for key, values in files.items()}
    return {key: row for key, row in rows.items() if row is not None}


def _row(values: object) -> _Row | None:
    """One remembered row as read from JSON; None where its form is not the one written here."""
    if not (isinstance(values, list) and [type(value) for value in values] == [int, int, list, str, bool]):
        return None
    size_bytes, mtime_ns, kinds, problem, takes_weight = values
    is_right = all(kind in get_args(Kind) for kind in kinds) and bool(kinds) != bool(problem)
    return (size_bytes, mtime_ns, tuple(kinds), problem, takes_weight) if is_right else None
