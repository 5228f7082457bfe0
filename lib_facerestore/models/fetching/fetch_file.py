"""Fetches one file of the catalogue: locks, tries its addresses in turn, verifies it, puts it in its place."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import filelock

from lib_facerestore.errors import WeightsDamaged, WeightsMissing, WeightsUnknown, WeightsUnreachable
from lib_facerestore.models.catalogue import RemoteFile
from lib_facerestore.models.checkpoints import difference, move_aside, plain_bytes, verify_file
from lib_facerestore.models.fetching.policy import FetchPolicy, host_of
from lib_facerestore.models.fetching.transfer import Check, NoRoom, Progress, Transfer, download
from lib_facerestore.models.fetching.web import GaveUp, OtherSize

logger = logging.getLogger(__name__)

_LOCK_POLL_S = 0.2
# Common file systems allow names of 255 bytes, and .part or .damaged.2 is appended to the name.
_LONGEST_NAME_BYTES = 200


def check_name(name: str) -> None:
    """Refuse a file name that could lead out of its folder, or that some system cannot store.

    Raises: WeightsUnknown.
    """
    is_plain = re.fullmatch(r"[^/\\:*?\"<>|\x00-\x1f\x7f]+", name) is not None and ".." not in name
    if not is_plain or name != name.strip(" .") or len(name.encode("utf-8", "replace")) > _LONGEST_NAME_BYTES:
        raise WeightsUnknown(repr(name), "is no plain file name: folders, '..' and special characters are refused.")


def fetch(
    remote: RemoteFile,
    folder: Path,
    policy: FetchPolicy,
    progress: Progress = lambda done_bytes, total_bytes: None,
    check: Check = lambda: None,
) -> Path:
    """Get a verified file into the folder, and return its path.

    A right file that is there is kept; a wrong one of that name is renamed, and the right one downloaded.
    progress: called with the bytes so far, those of an earlier attempt included, and the bytes of the whole file, 0
    where that is unknown. check: called often; it raises Interrupted to stop. The temporary file NAME.part stays then,
    and a later call continues it.
    Raises: WeightsMissing, WeightsUnreachable, WeightsDamaged, WeightsUnknown, Interrupted.
    """
    check_name(remote.name)
    target = folder / remote.name
    try:
        if not policy.allowed:
            return _present_or_missing(remote, target)
        if target.is_file() and difference(target, remote.size_bytes, remote.sha256, check=check) is None:
            return target  # without the lock, because the folder may be read-only
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(target, check):
            return _fetch_locked(remote, target, Transfer(_part(target), remote.size_bytes, policy, progress, check))
    except NoRoom as error:
        raise _unreachable(remote, folder, str(error), "Make room there or choose another folder.") from error
    except OSError as error:
        raise _of_folder(remote, target, error) from error


def _part(target: Path) -> Path:
    """The temporary file of a download."""
    return target.with_name(f"{target.name}.part")


def _present_or_missing(remote: RemoteFile, target: Path) -> Path:
    """The file that is there, verified, where downloads are not allowed. Raises: WeightsMissing, WeightsDamaged."""
    if target.is_file():
        verify_file(target, remote.size_bytes, remote.sha256)
        return target
    url = remote.urls[0] if remote.urls else ""
    by_hand = remote.by_hand(target.parent)
    advice = f"Downloads are switched off. {by_hand[0].upper()}{by_hand[1:]}"
    raise WeightsMissing(remote.name, advice, url=url)


@contextmanager
def _alone(target: Path, check: Check) -> Iterator[None]:
    """Hold the lock of a file while the body runs, so that no other process fetches it too.

    The lock of a process that died is released by the system. Raises: what check raises while waiting.
    """
    lock = filelock.FileLock(target.with_name(f"{target.name}.lock"))
    while True:
        check()
        try:
            lock.acquire(timeout=_LOCK_POLL_S)
            break
        except filelock.Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _fetch_locked(remote: RemoteFile, target: Path, transfer: Transfer) -> Path:
    """Fetch the file from the first address that gives the right one. The caller holds the lock. Raises: as `fetch`."""
    if target.exists():
        wrong = difference(target, remote.size_bytes, remote.sha256, check=transfer.check)
        if wrong is None:
            return target
        if target.is_dir():
            raise WeightsDamaged(target, *wrong, f"Rename the folder {target} and run again.")
        aside = move_aside(target)
        logger.warning("%s: %s, expected %s; moved to %s", target.name, *wrong, aside.name)
    problems: list[str] = []
    damaged: WeightsDamaged | None = None
    for url in _addresses(remote, transfer.policy):
        try:
            return _from(url, remote, target, transfer)
        except OtherSize as error:
            damaged = WeightsDamaged(target, error.found, error.expected, "Nothing was kept; try another mirror.")
        except GaveUp as error:
            problems.append(str(error))
        except WeightsDamaged as error:
            damaged = error
        logger.info("%s: nothing usable from %s", remote.name, host_of(url))
    if damaged is not None:
        raise damaged
    advice = f"Run again to go on, or {remote.by_hand(target.parent)}"
    raise _unreachable(remote, target.parent, "; ".join(dict.fromkeys(problems)) or "it has no address", advice)


def _addresses(remote: RemoteFile, policy: FetchPolicy) -> list[str]:
    """The addresses to try in turn: those of the mirrors, then the catalogue's."""
    named = [f"{base.rstrip('/')}/{quote(remote.name)}" for base in policy.base_urls]
    return list(dict.fromkeys([*named, *remote.urls]))


def _from(url: str, remote: RemoteFile, target: Path, transfer: Transfer) -> Path:
    """Download the file from one address, verify it and put it in its place.

    A wrong file that began with bytes of an earlier attempt is downloaded once more from its first byte.

    Raises: GaveUp, NoRoom, WeightsDamaged, Interrupted, OSError.
    """
    part = transfer.part
    was_resumed = download(url, transfer)
    wrong = difference(part, remote.size_bytes, remote.sha256, check=transfer.check)
    if wrong is not None and was_resumed:
        logger.info("%s: %s after going on with an older part; starting anew", remote.name, wrong[0])
        part.unlink()
        download(url, transfer)
        wrong = difference(part, remote.size_bytes, remote.sha256, check=transfer.check)
    if wrong is not None:
        # Kept, because the catalogue's hash may be the wrong one; only one copy, because files have hundreds of MB.
        refused = target.with_name(f"{target.name}.refused")
        os.replace(part, refused)
        advice = f"It came from {host_of(url)} and is kept as {refused.name}; try another mirror."
        raise WeightsDamaged(target, *wrong, advice)
    _settle(part, target)
    return target


def _settle(part: Path, target: Path) -> None:
    """Rename the verified file to its place; after a power cut either the old state or the new one is there."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, target)
    if os.name == "posix":
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _of_folder(remote: RemoteFile, target: Path, error: OSError) -> WeightsUnreachable:
    """Make the error for a folder that cannot be written; where the disk is full, the temporary file is deleted."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        _part(target).unlink(missing_ok=True)  # a full disk stops everything else on the machine too
        needed = f" ({plain_bytes(remote.size_bytes)} are needed)" if remote.size_bytes else ""
        problem, advice = f"the disk of {target.parent} is full{needed}", "Make room there or choose another folder."
        return _unreachable(remote, target.parent, problem, advice)
    problem = f"{target.parent} cannot be written ({error.strerror or error})"
    return _unreachable(remote, target.parent, problem, "Choose another folder or change its permissions.")


def _unreachable(remote: RemoteFile, folder: Path, problem: str, advice: str) -> WeightsUnreachable:
    """Make the error for a file that cannot be downloaded."""
    return WeightsUnreachable(remote.name, problem, advice, remote.urls[0] if remote.urls else "")
