"""A console that breaks changes nothing: all pictures are done, the report is complete, and nothing is torn."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.odd_consoles import CONSOLES, FACERESTORE, environment, on_terminal, read_all, redirected
from lib_facerestore.cli import main
from lib_facerestore.cli.console import Console, one_line
from lib_facerestore.cli.restoring.progress import Bar
from lib_facerestore.cli.stopping import Stop
from lib_facerestore.errors import Interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts its commands with a POSIX shell")

# The letters of no code page, control characters, a change of direction, bytes that are no UTF-8, an option's look.
NAMES = [
    "äöü ß",
    "東京",
    "👩‍👧",
    "two\nlines",
    "\x1b[31mred",
    "bell\a\r",
    "\u202egnp.exe",
    os.fsdecode(b"bad\xff"),
    "-o",
]
NAMES += [f"{number:02d}" for number in range(len(NAMES), 20)]


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """A folder of twenty small pictures, each of its own level."""
    folder = tmp_path_factory.mktemp("album")
    for index, name in enumerate(NAMES):
        Image.fromarray(np.full((42, 60, 3), index * 12, np.uint8)).save(folder / f"{name}.png")
    return folder


def command(album: Path, out: Path) -> list[object]:
    """Twenty pictures and one that is missing, so that both streams are written to."""
    words = ["--restorer", "none", "--device", "cpu", "--report", out / "r.json"]
    return [*FACERESTORE, "restore", album, album / "nowhere.png", "-o", out, *words]


@pytest.fixture(scope="module")
def expected(album, tmp_path_factory) -> dict[str, bytes]:
    """The results of a run with an ordinary console."""
    out = tmp_path_factory.mktemp("expected")
    subprocess.run([*map(str, command(album, out))], env=environment(), capture_output=True)
    return results(out)


def results(folder: Path) -> dict[str, bytes]:
    """Name → bytes of everything but the report."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "r.json"}


def test_there_are_thirty_odd_consoles_and_more():
    assert len(CONSOLES) >= 30


@pytest.mark.parametrize("name", CONSOLES)
def test_a_batch_is_done_whatever_its_console_is(name, album, expected, tmp_path):
    done = CONSOLES[name](command(album, tmp_path))

    records = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert done.status == 1  # for the missing picture
    assert len(expected) == 20
    assert results(tmp_path) == expected
    assert sorted("error" in record for record in records) == [False] * 20 + [True]
    assert b"Traceback" not in done.printed
    assert b"Exception ignored" not in done.printed
    assert b"Error" not in done.printed
    assert b"\x1b[31m" not in done.printed


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "latin-1", "utf-16", "ascii:strict"])
@pytest.mark.parametrize("words", [["--help"], ["restore", "--help"], ["models"], ["doctor", "--ä\udcff"]])
def test_every_text_is_printed_in_every_encoding(encoding, words):
    done = redirected("", PYTHONIOENCODING=encoding)([*FACERESTORE, *words])

    text = done.printed.decode(encoding.split(":")[0])
    assert done.status == (2 if "doctor" in words else 0)
    assert "Traceback" not in text
    assert ("There is no option" if "doctor" in words else "Real-ESRGAN" if "models" in words else "usage:") in text


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&- >&-"])
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["models"]])
def test_other_commands_end_as_ever_on_a_broken_console(redirection, words):
    done = redirected(redirection)([*FACERESTORE, *words])

    assert done == (type(done))(0, b"")


@pytest.mark.parametrize("columns", ["0", "1", "-5", "12", "wide", "100000"])
def test_help_is_printed_at_every_width(columns):
    done = redirected("", COLUMNS=columns)([*FACERESTORE, "restore", "--help"])

    assert done.status == 0
    assert b"--skip-existing" in done.printed


def test_progress_inside_a_picture_is_shown_on_a_terminal_only(tmp_path):
    source = tmp_path / "a.png"
    Image.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(source)
    words = ["--upscaler", "Real-ESRGAN animevideov3 (embedded)", "--scale", "2", "--device", "cpu", "--overwrite"]
    line = [*FACERESTORE, "upscale", source, "-o", tmp_path / "out", *words]

    shown = on_terminal()(line)
    piped = redirected("")(line)

    assert (shown.status, piped.status) == (0, 0)
    assert b"tiles 1/1" in shown.printed
    assert b"1/1 [" in shown.printed
    assert b"\x1b" not in shown.printed  # one bar needs no terminal that can do more than return
    assert piped.printed.count(b"\n") == 1
    assert b"tiles 1/1" not in piped.printed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two\\nlines"),
        ("\x1b[2J\x07\x9b", "\\x1b[2J\\x07\\x9b"),
        ("a\rb\tc\x7f", "a\\rb\\tc\\x7f"),
        ("\u202egnp\u2066\u2028", "\\u202egnp\\u2066\\u2028"),
        ("bad\udcff\ud800", "bad\\xff\\ud800"),
        ("äöü 東京 👩‍👧 \\", "äöü 東京 👩‍👧 \\"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped_and_letters_are_not(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize(
    "words", [["doctor", "--a\nb"], ["two\nlines"], ["restore", "a", "-o", "o", "--scale", "1\n2"]]
)
def test_wrong_use_stays_one_line_whatever_the_words_hold(words, capsys):
    with pytest.raises(SystemExit):
        main(words)

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("columns", [0, 80])
def test_faces_and_tiles_stand_beside_the_pictures_of_the_bar(columns, monkeypatch):
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with Bar(7, Stop()) as bar:
            bar.step(2, 2, "faces")
            bar.picture_done()
    pieces: list[bytes] = []
    read_all(master, pieces)
    os.close(master)

    drawn = b"".join(pieces).decode()
    assert "0/7" in drawn
    assert "faces 2/2" in drawn
    assert "1/7" in drawn.rpartition("faces 2/2")[2]


def test_a_signal_is_told_to_the_engine_between_faces_and_tiles():
    stop = Stop()
    bar = Bar(1, stop)
    bar.check()
    stop.number = signal.SIGTERM

    with pytest.raises(Interrupted):
        bar.check()


def test_a_carriage_return_inside_a_text_does_not_hide_its_beginning(tmp_path):
    with open(tmp_path / "out", "w+", encoding="utf-8", newline="") as file:
        Console(file).write("\rbar\r")
        Console(file).write("There is no option --a\rb.\n")

        file.seek(0)
        assert file.read() == "\rbar\rThere is no option --a\\rb.\n"
