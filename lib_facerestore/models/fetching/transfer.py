"""One URL into one temporary file: resuming, retries, room on the disk. Knows no hashes and no catalogue."""

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
from lib_facerestore.models.fetching.web import (
    FetchPolicy,
    GaveUp,
    NoRoute,
    RangeRefused,
    TryAgain,
    extent,
    host_of,
    open_address,
)

_CHUNK_BYTES = 1 << 18
# An attempt that brought this much does not count as failed: a line that breaks every few megabytes gets there too.
_PROGRESS_BYTES = 1 << 20
_LONGEST_PAUSE_S = 30.0
# Left free beside the file, so that the system and the pictures being written go on.
ROOM_MARGIN_BYTES = 64 << 20

Progress = Callable[[int, int], None]
Check = Callable[[], None]


class NoRoom(Exception):
    """The disk cannot take the file; the text says what is needed and what is free."""


@dataclass(frozen=True)
class Transfer:
    """Where the bytes go and who is told. size_bytes 0: unknown."""

    part: Path
    size_bytes: int
    policy: FetchPolicy
    progress: Progress
    check: Check


def download(url: str, transfer: Transfer) -> bool:
    """Bring the temporary file to its full length, going on where it ends; True if it held bytes from before.

    An address where nothing answers is asked once; what breaks on the way is tried again.

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
            # Where bytes have come from the address in this run, the line may be back in a moment.
            is_hopeless = isinstance(again, NoRoute) and before == first
            if is_hopeless or failures >= transfer.policy.attempts:
                raise GaveUp(again.reason) from again
            backoff = transfer.policy.backoff_s * 2 ** (failures - 1)
            _pause(min(max(backoff, again.wait_s), _LONGEST_PAUSE_S), transfer.check)


def part_bytes(part: Path) -> int:
    """Bytes of the temporary file so far."""
    return part.stat().st_size if part.exists() else 0


def _attempt(url: str, transfer: Transfer) -> bool:
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
    free = shutil.disk_usage(folder).free
    if missing_bytes > 0 and missing_bytes + ROOM_MARGIN_BYTES > free:
        needed = plain_bytes(missing_bytes + ROOM_MARGIN_BYTES)
        raise NoRoom(f"{needed} are needed in {folder} and {plain_bytes(free)} are free")


def _copy(response: http.client.HTTPResponse, stream: IO[bytes], total: int, url: str, transfer: Transfer) -> None:
    """Append the body to the temporary file; what has arrived is on disk even if this process dies."""
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
    """Write through to the file, so that a killed process leaves what it got."""
    stream.write(data)
    stream.flush()


def _share(done: int, total: int) -> str:
    return f"{done:,} of {plain_bytes(total)}" if total else plain_bytes(done)


def _pause(seconds: float, check: Check) -> None:
    """Sleep in short naps, so that stop works."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, 0.1))
