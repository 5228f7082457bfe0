"""Where `--report` leads: a file of ours, or a stream that is open already. Whatever else stands there is refused."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lib_facerestore.cli.restoring.places import Kept, Places, identity
from lib_facerestore.engine.pixels import SUFFIXES
from lib_facerestore.errors import SettingsError

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
# What every record has had since there are reports; [] is the report of a run that was stopped at once.
_KEYS = {"input", "output", "faces", "settings"}


@dataclass(frozen=True)
class ReportTarget:
    """name: as the user wrote it. One of: file, links resolved; descriptor, open; pipe, a path to open at the end."""

    name: str
    file: Path | None = None
    descriptor: int | None = None
    pipe: Path | None = None

    @property
    def is_stdout(self) -> bool:
        """Whether what a person is told has to go elsewhere."""
        return self.descriptor == 1


def find_target(name: str, output: Path, overwrite: bool) -> ReportTarget:
    """What the report's name means. Writes nothing.

    output: the folder for the results, which need not exist yet.
    Raises: SettingsError where no report can be written, or it would replace something else.
    """
    if not name or "\0" in name:
        _refuse(name, "the name of a file")
    match = _DESCRIPTOR.fullmatch(name)
    if name in _STREAMS or match:
        return _stream(name, int(match.group(1)) if match else _STREAMS[name])
    path = Path(os.path.realpath(name))
    try:
        found = os.stat(name)
    except OSError:
        return _new_file(name, path, output)
    if stat.S_ISDIR(found.st_mode):
        _refuse(name, "a file, not a folder")
    if stat.S_ISFIFO(found.st_mode) or identity(Path(name)) == identity(Path(os.devnull)):
        return ReportTarget(name, pipe=Path(name))
    for descriptor in (1, 2):
        if identity(Path(name)) == _identity_of(descriptor):
            return _stream(name, descriptor)
    if not stat.S_ISREG(found.st_mode):
        _refuse(name, "a file or a pipe, not a device")
    if found.st_size and not overwrite and not is_report(path):
        _refuse(
            name,
            "a new file or an earlier report, and this is neither; name another, or replace it with --overwrite",
        )
    if path.suffix.lower() in SUFFIXES:
        _refuse(name, "the name of a report, and this is a picture's")
    return ReportTarget(name, file=path)


def refuse_places(target: ReportTarget, kept: Kept, places: Iterable[Places], output: Path) -> None:
    """Raises: SettingsError where the report would replace a picture of the run or be replaced by a result."""
    if target.file is None:
        return
    if kept.is_input(target.file):
        _refuse(target.name, "another file than the pictures")
    folder = Path(os.path.realpath(output))
    taken = {os.path.normcase(folder / path.name) for place in places for path in place.all()}
    if taken & {os.path.normcase(target.file), os.path.normcase(target.file.parent)}:
        _refuse(target.name, "another file than the results")


def is_report(path: Path) -> bool:
    """Whether the file is a whole report of an earlier run."""
    try:
        with open(path, "rb") as file:
            if file.read(1) != b"[":
                return False
        records = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # it cannot be read, or is no JSON
        return False
    return isinstance(records, list) and all(isinstance(one, dict) and one.keys() >= _KEYS for one in records)


def _stream(name: str, descriptor: int) -> ReportTarget:
    stream = {1: sys.stdout, 2: sys.stderr}.get(descriptor)
    if getattr(stream, "is_broken", False):
        _refuse(name, "open, and it is closed")
    try:
        os.write(descriptor, b"")
    except OSError as error:
        _refuse(name, f"open and take what is written, and it does not: {error.strerror}")
    return ReportTarget(name, descriptor=descriptor)


def _new_file(name: str, path: Path, output: Path) -> ReportTarget:
    if not path.parent.is_dir() and path.parent != Path(os.path.realpath(output)):
        _refuse(name, f"in a folder that is there; {path.parent} is none")
    return ReportTarget(name, file=path)


def _identity_of(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refuse(name: str, allowed: str) -> NoReturn:
    raise SettingsError("report", name, allowed)
