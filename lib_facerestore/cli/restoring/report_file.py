"""The report of a run as JSON: an array with a record for each picture, whole after every one."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from lib_facerestore.cli.console import SURROGATES
from lib_facerestore.cli.restoring.report_target import ReportTarget
from lib_facerestore.engine.pixels import write_atomically
from lib_facerestore.errors import PictureError

# About 700 records. Up to here the file is replaced after every picture, which takes 4 to 8 ms; for 20 000 records that
# would write 290 GB, so a larger one is continued where it ends: 0.07 ms.
_LARGEST_REPLACED_BYTES = 1 << 20
_START, _BETWEEN, _END = b"[\n", b",\n", b"\n]\n"
_EMPTY = b"[]\n"
# A pipe without a reader is no reason to wait for ever.
_WAIT_FOR_READER_S = 10.0


class ReportWriter(Protocol):
    """Takes the record of each picture."""

    def add(self, record: Mapping[str, object]) -> None:
        """One more picture is finished."""

    def close(self) -> None:
        """Raises: PictureError where the report is not complete."""


def open_report(target: ReportTarget | None) -> ReportWriter:
    """The writer for a target; a file is there, without records, when this returns.

    Raises: PictureError where it cannot be written.
    """
    if target is None:
        return _NoReport()
    return _StreamReport(target) if target.file is None else _FileReport(target.file)


def as_json(value: object) -> object:
    """The value as JSON has it: bytes of a name that are no UTF-8 as \\xff, numbers without a value as null."""
    if isinstance(value, str):
        return value.translate(SURROGATES)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key).translate(SURROGATES): as_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(one) for one in value]
    return value


def _piece(record: Mapping[str, object]) -> bytes:
    """The record as it stands in the array."""
    return json.dumps([as_json(record)], indent=2, ensure_ascii=False, allow_nan=False)[2:-2].encode()


def _whole(pieces: list[bytes]) -> bytes:
    return _START + _BETWEEN.join(pieces) + _END if pieces else _EMPTY


class _NoReport:
    def add(self, record: Mapping[str, object]) -> None:
        """Nobody asked."""

    def close(self) -> None:
        """Nothing to do."""


class _FileReport:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_behind = False
        self._replace()

    def add(self, record: Mapping[str, object]) -> None:
        """A disk that is full now may have room when the next picture is finished, or at the end."""
        self._pieces.append(_piece(record))
        try:
            if self._is_behind or self._size < _LARGEST_REPLACED_BYTES or not self._continue(self._pieces[-1]):
                self._replace()
        except PictureError:
            self._is_behind = True

    def close(self) -> None:
        """Raises: PictureError."""
        if self._is_behind:
            self._replace()

    def _replace(self) -> None:
        data = _whole(self._pieces)
        write_atomically(self._path, data)
        self._size, self._is_behind = len(data), False

    def _continue(self, piece: bytes) -> bool:
        """Write the record over the end of the file; False where that is not possible and the end is as it was."""
        added = _BETWEEN + piece + _END
        start = self._size - len(_END)
        try:
            with open(self._path, "r+b", buffering=0) as file:
                if os.fstat(file.fileno()).st_size != self._size:  # somebody else has written it
                    return False
                file.seek(start)
                if file.write(added) == len(added):
                    self._size = start + len(added)
                    return True
                file.seek(start)
                file.write(_END)
                file.truncate(self._size)
        except OSError:
            return False
        return False


class _StreamReport:
    def __init__(self, target: ReportTarget) -> None:
        self._target = target
        self._pieces: list[bytes] = []

    def add(self, record: Mapping[str, object]) -> None:
        """Written at the end: a reader would see half an array until then."""
        self._pieces.append(_piece(record))

    def close(self) -> None:
        """Raises: PictureError."""
        try:
            if self._target.descriptor is not None:
                return _write_all(self._target.descriptor, _whole(self._pieces))
            assert self._target.pipe is not None, "a target is a file, a descriptor or a pipe"
            descriptor = _open_pipe(self._target.pipe)
            try:
                _write_all(descriptor, _whole(self._pieces))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise PictureError(self._target.name, f"cannot be written: {error.strerror}.") from error


def _open_pipe(path: Path) -> int:
    """Opening a pipe that nobody reads would wait for ever, or fail at once; here it fails after a while."""
    until = time.monotonic() + _WAIT_FOR_READER_S
    flags = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)
    while time.monotonic() < until:
        with contextlib.suppress(OSError):  # nobody reads yet
            return os.open(path, flags)
        time.sleep(0.05)
    return os.open(path, flags)


def _write_all(descriptor: int, data: bytes) -> None:
    """Raises: OSError."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
