"""Downloads one URL into one temporary file: resumes, retries, keeps room on the disk. Compares no hashes."""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lib_facerestore.models.checkpoints import plain_bytes
from lib_facerestore.models.fetching.policy import FetchPolicy, host_of
from lib_facerestore.models.fetching.web import (
    GaveUp,
    NoRoute,
    RangeRefused,
    TryAgain,
    extent,
    open_address,
)

_CHUNK_BYTES = 1 << 18
# An attempt that brought this many bytes resets the count of failures, so that a connection which breaks every few
# megabytes still gets the whole file.
_PROGRESS_BYTES = 1 << 20
_LONGEST_PAUSE_S = 30.0
# Room that is left free on the disk, for the system and for pictures that are being written.
ROOM_MARGIN_BYTES = 64 << 20

Progress = Callable[[int, int], None]
"""Called with the bytes so far and the bytes of the whole file, 0 where that is unknown."""
Check = Callable[[], None]
"""Called often; what it raises ends the download."""


class NoRoom(Exception):
    """The disk has no room for the file. The text says how much is needed and how much is free."""


@dataclass(frozen=True)
class Transfer:
    """One download, whatever address it comes from."""

    part: Path
    """The temporary file."""
    size_bytes: int
    """The expected size of the whole file; 0 where it is unknown."""
    policy: FetchPolicy
    progress: Progress
    check: Check


def download(url: str, transfer: Transfer) -> bool:
    """Download a file, or the rest of it behind the bytes that the temporary file has.

    The result says whether the temporary file had bytes of an earlier attempt. An address where no server answers is
    tried once; a connection that breaks is tried again.
    Raises: GaveUp, NoRoom, Interrupted, OSError of the folder.
    """
    failures = 0
    first = part_bytes(transfer.part)
    while True:
        before = part_bytes(transfer.part)
        try:
            return _attempt(url, transfer)
        except TryAgain as again:
            has_progress = part_bytes(transfer.part) - before >= _PROGRESS_BYTES
            failures = 1 if has_progress else failures + 1
            # Where this call has got bytes from the address, the connection may soon work again.
            is_hopeless = isinstance(again, NoRoute) and before == first
            if is_hopeless or failures >= transfer.policy.attempts:
                raise GaveUp(again.reason) from again
            backoff = transfer.policy.backoff_s * 2 ** (failures - 1)
            _pause(min(max(backoff, again.wait_s), _LONGEST_PAUSE_S), transfer.check)


def part_bytes(part: Path) -> int:
    """The size of the temporary file in bytes; 0 where it does not exist."""
    return part.stat().st_size if part.exists() else 0


def _attempt(url: str, transfer: Transfer) -> bool:
    """Try once to complete the temporary file; whether it had bytes before. Raises: as `download`, and TryAgain."""
    transfer.check()
    done = part_bytes(transfer.part)
    if transfer.size_bytes and done > transfer.size_bytes:
        transfer.part.unlink()
        done = 0
    if transfer.size_bytes and done == transfer.size_bytes:
        return True
    _need_room(transfer.part.parent, transfer.size_bytes - done)
    try:
        with closing(open_address(url, done, transfer.policy)) as response:
            start, total = extent(response, done, url, transfer.size_bytes)
            with transfer.part.open("ab" if start else "wb") as stream:
                _copy(response, stream, total, url, transfer)
    except RangeRefused:
        transfer.part.unlink(missing_ok=True)
        raise
    return start > 0


def _need_room(folder: Path, missing_bytes: int) -> None:
    """Refuse a download for which the folder's disk has no room. Raises: NoRoom."""
    free = shutil.disk_usage(folder).free
    if missing_bytes > 0 and missing_bytes + ROOM_MARGIN_BYTES > free:
        needed = plain_bytes(missing_bytes + ROOM_MARGIN_BYTES)
        raise NoRoom(f"{needed} are needed in {folder} and {plain_bytes(free)} are free")


def _copy(response: http.client.HTTPResponse, stream: IO[bytes], total: int, url: str, transfer: Transfer) -> None:
    """Append the body of a response to the temporary file, piece by piece. Raises: TryAgain where it ends too early."""
    done = stream.tell()
    transfer.progress(done, total)
    while not total or done < total:
        transfer.check()
        try:
            data = response.read1(_CHUNK_BYTES)
        except TimeoutError as error:
            raise TryAgain(f"{host_of(url)} fell silent after {_share(done, total)}") from error
        except (OSError, http.client.HTTPException) as error:
            raise TryAgain(f"the connection to {host_of(url)} broke after {_share(done, total)}") from error
        if not data:
            break
        write(stream, data)
        done += len(data)
        transfer.progress(done, total)
    if total and done < total:
        raise TryAgain(f"{host_of(url)} ended after {_share(done, total)}")


def write(stream: IO[bytes], data: bytes) -> None:
    """Write data without a buffer, so that it stays in the file when the process is killed."""
    stream.write(data)
    stream.flush()


def _share(done: int, total: int) -> str:
    """How many bytes have arrived, of how many where that is known, as a part of a sentence."""
    return f"{done:,} of {plain_bytes(total)}" if total else plain_bytes(done)


def _pause(seconds: float, check: Check) -> None:
    """Sleep for that long, and call check ten times a second."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, 0.1))
