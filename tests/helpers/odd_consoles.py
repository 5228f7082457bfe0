"""Ways to start a command whose console is broken, odd or missing; each gives its exit status and what it printed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FACERESTORE = (sys.executable, "-m", "lib_facerestore")
LIMIT_S = 120


@dataclass(frozen=True)
class Done:
    """status: of the process, negative after a signal. printed: as far as somebody could read it."""

    status: int
    printed: bytes = b""


Start = Callable[[Sequence[object]], Done]


def environment(**variables: str) -> dict[str, str]:
    """This process's environment with the repository found from every folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}


def redirected(words: str, **variables: str) -> Start:
    """As a shell starts it with these redirections."""

    def start(command: Sequence[object]) -> Done:
        shell = ["sh", "-c", f'exec "$@" {words}', "sh", *map(str, command)]
        done = subprocess.run(shell, capture_output=True, env=environment(**variables), timeout=LIMIT_S)
        return Done(done.returncode, done.stdout + done.stderr)

    return start


def speaking(encoding: str, **variables: str) -> Start:
    """With a console of that encoding."""
    return redirected("", PYTHONIOENCODING=encoding, **variables)


def without_reader(make: Callable[[], tuple[int, int]], streams: Sequence[str]) -> Start:
    """With streams whose other end is closed before the command starts."""

    def start(command: Sequence[object]) -> Done:
        read, write = make()
        os.close(read)
        try:
            both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | dict.fromkeys(streams, write)
            words, out, err = [*map(str, command)], both["stdout"], both["stderr"]
            done = subprocess.run(words, env=environment(), timeout=LIMIT_S, stdout=out, stderr=err)
        finally:
            os.close(write)
        return Done(done.returncode, (done.stdout or b"") + (done.stderr or b""))

    return start


def socket_ends() -> tuple[int, int]:
    """(read, write) of a connected pair of sockets."""
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def reader_leaves(command: Sequence[object]) -> Done:
    """Like `| head -1`."""
    words = [*map(str, command)]
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    process.stdout.close()
    printed = process.stderr.read()
    return Done(process.wait(LIMIT_S), first + printed)


def slow_reader(command: Sequence[object]) -> Done:
    """A small pipe that its reader has made non-blocking, and reads only after a while."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.write(write, b"." * 4000)
    os.set_blocking(write, False)
    process = subprocess.Popen([*map(str, command)], env=environment(), stdout=write, stderr=write)
    os.close(write)
    time.sleep(2.5)
    with os.fdopen(read, "rb") as file:
        printed = file.read()
    return Done(process.wait(LIMIT_S), printed)


def on_terminal(size_hw: tuple[int, int] = (24, 80), hangs_up: bool = False, **variables: str) -> Start:
    """On a terminal of (lines, columns); one that hangs up is gone from the start, as under nohup."""

    def start(command: Sequence[object]) -> Done:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size_hw, 0, 0))
        ignoring = (lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if hangs_up else None
        process = subprocess.Popen(
            [*map(str, command)], env=environment(**variables), stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=ignoring,
        )  # fmt: skip
        os.close(slave)
        if hangs_up:
            os.close(master)
            return Done(process.wait(LIMIT_S))
        printed: list[bytes] = []
        reader = threading.Thread(target=read_all, args=(master, printed))
        reader.start()
        status = process.wait(LIMIT_S)
        reader.join(LIMIT_S)
        os.close(master)
        return Done(status, b"".join(printed))

    return start


def read_all(descriptor: int, into: list[bytes]) -> None:
    """What a terminal was given, until nobody holds it open any more."""
    with contextlib.suppress(OSError):  # Linux says EIO at the end of a terminal
        while data := os.read(descriptor, 65536):
            into.append(data)


CONSOLES: dict[str, Start] = {
    "stdout closed": redirected(">&-"),
    "stderr closed": redirected("2>&-"),
    "stdout and stderr closed": redirected(">&- 2>&-"),
    "all three closed": redirected("<&- >&- 2>&-"),
    "stdin closed": redirected("<&-"),
    "stdin and stdout closed": redirected("<&- >&-"),
    "stdout full": redirected(">/dev/full"),
    "stderr full": redirected("2>/dev/full"),
    "both full": redirected(">/dev/full 2>/dev/full"),
    "both full, unbuffered": redirected(">/dev/full 2>/dev/full", PYTHONUNBUFFERED="1"),
    "stdout full, stderr closed": redirected(">/dev/full 2>&-"),
    "stdout for reading only": redirected("1</dev/null"),
    "both for reading only": redirected("1</dev/null 2</dev/null"),
    "both to nowhere": redirected(">/dev/null 2>&1"),
    "stdout without reader": without_reader(os.pipe, ["stdout"]),
    "stderr without reader": without_reader(os.pipe, ["stderr"]),
    "both without reader": without_reader(os.pipe, ["stdout", "stderr"]),
    "sockets without reader": without_reader(socket_ends, ["stdout", "stderr"]),
    "the reader leaves after a line": reader_leaves,
    "a slow reader of a non-blocking pipe": slow_reader,
    "cp1252": speaking("cp1252"),
    "cp932": speaking("cp932"),
    "ascii": speaking("ascii"),
    "ascii, strict": speaking("ascii:strict"),
    "latin-1": speaking("latin-1"),
    "cp437 and full": redirected("2>/dev/full", PYTHONIOENCODING="cp437"),
    "utf-16": speaking("utf-16"),
    "iso2022_jp": speaking("iso2022_jp"),
    "the C locale": redirected("", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
    "one column": redirected("", COLUMNS="1"),
    "columns that are no number": redirected("", COLUMNS="wide", LINES="-3"),
    "a terminal": on_terminal(),
    "a terminal of one column": on_terminal((1, 1)),
    "a terminal without a size": on_terminal((0, 0)),
    "a dumb terminal": on_terminal(TERM="dumb"),
    "a terminal without a name": on_terminal(TERM=""),
    "an ascii terminal": on_terminal(PYTHONIOENCODING="ascii", LC_ALL="C"),
    "a terminal that hung up": on_terminal(hangs_up=True),
}
