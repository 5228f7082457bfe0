"""The pictures that the words of a command line name. Shells such as cmd.exe leave patterns to the program."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.engine.pixels import SUFFIXES


@dataclass(frozen=True)
class Source:
    """A picture to restore; `problem` says what is wrong with a word that names none."""

    path: Path
    problem: str = ""


def expand(words: Iterable[str]) -> list[Source]:
    """The pictures in the order of the words; those of a folder or pattern by name, each once.

    A folder stands for the pictures in it, without its own folders. A pattern with * ? or [ ] counts only where no file
    has that very name; ** stands for folders of any depth.
    """
    sources: dict[Path, Source] = {}
    for word in words:
        found = _named(word)
        named = [Source(Path(word), _problem(word))] if found is None else map(Source, found)
        for source in named:
            sources.setdefault(source.path, source)
    return list(sources.values())


def _named(word: str) -> list[Path] | None:
    """What a folder or pattern stands for; None for every other word, and where it stands for nothing."""
    try:
        if os.path.isdir(word):
            return _pictures(entry.path for entry in os.scandir(word) if entry.is_file()) or None
        if not os.path.lexists(word) and glob.has_magic(word):
            return _pictures(filter(os.path.isfile, glob.iglob(word, recursive=True)), any_suffix=True) or None
    except (OSError, ValueError):  # reading it as a picture says what is wrong; ValueError: a null byte
        return None
    return None


def _pictures(paths: Iterable[str], any_suffix: bool = False) -> list[Path]:
    """Sorted by name, without the hidden ones, which macOS leaves beside pictures on foreign disks."""
    found = sorted(map(Path, paths))
    return [p for p in found if not p.name.startswith(".") and (any_suffix or p.suffix.lower() in SUFFIXES)]


def _problem(word: str) -> str:
    if os.path.isdir(word):
        try:
            os.scandir(word).close()
        except OSError as error:
            return f"cannot be read: {error.strerror}."
        return "is a folder without pictures; those in its own folders have to be named."
    if glob.has_magic(word) and "\0" not in word and not os.path.lexists(word):
        return "does not exist, and as a pattern it matches no file."
    return ""
