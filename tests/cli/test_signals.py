"""Signals: whole results, a true report, a sentence, the exit status that shells expect; a second one ends at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers.odd_consoles import FACERESTORE, LIMIT_S, ROOT, environment
from lib_facerestore.cli.stopping import Stop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends POSIX signals and reads /proc")

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
PICTURES = 20


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """Twenty pictures of noise; each takes about a tenth of a second to encode, so that a signal finds work to stop."""
    folder = tmp_path_factory.mktemp("album")
    noise = np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)
    for number in range(PICTURES):
        Image.fromarray(np.roll(noise, number, axis=0)).save(folder / f"{number:02d}.png")
    return folder


def started(words: list[object], ignored: int | None = None, code: str = "") -> subprocess.Popen:
    """A process of its own; SIGINT is heard, as in a terminal's foreground, unless it is the ignored one."""

    def prepare() -> None:
        for number in (*STATUS, signal.SIGQUIT):  # a shell starts what is in its background with SIGQUIT ignored
            signal.signal(number, signal.SIG_IGN if number == ignored else signal.SIG_DFL)

    command = [sys.executable, "-c", code] if code else FACERESTORE
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *map(str, words)], env=environment(), preexec_fn=prepare, **streams)


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen) -> None:
    """Raises: AssertionError where the process ends first."""
    until = time.monotonic() + LIMIT_S
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)


def hears(process: subprocess.Popen, number: int) -> bool:
    """Whether the process has set a handler of its own for the signal."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def restoring(album: Path, folder: Path) -> list[object]:
    words = ["--restorer", "none", "--device", "cpu", "--report", folder / "r.json"]
    return ["restore", album, "-o", folder / "out", *words]


def assert_whole_and_true(folder: Path, album: Path, done: list[str] | None = None) -> list[dict]:
    """Every result is whole, the report names just these, and nothing else was left; gives the records."""
    records = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    files = sorted(path.name for path in (folder / "out").iterdir())
    assert [Path(record["output"]).name for record in records] == files
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    for name in files:
        assert np.array_equal(np.asarray(Image.open(folder / "out" / name)), np.asarray(Image.open(album / name)))
    return records


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_after_the_first_result_the_rest_is_left_and_the_report_is_true(number, album, tmp_path):
    process = started(restoring(album, tmp_path))
    wait_until((tmp_path / "out" / "00.png").exists, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT_S)

    records = assert_whole_and_true(tmp_path, album)
    assert process.returncode == STATUS[number]
    assert 1 <= len(records) < PICTURES
    assert said == f"Stopped by {number.name}. {len(records)} of 20 pictures are done; what was finished is kept.\n"


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3, 0.7])
def test_a_signal_while_the_command_is_still_importing_ends_it_with_a_sentence(number, after_s, album, tmp_path):
    process = started(restoring(album, tmp_path))
    wait_until(lambda: hears(process, signal.SIGTERM) and hears(process, number), process)
    time.sleep(after_s)
    process.send_signal(number)
    out, said = process.communicate(timeout=LIMIT_S)

    assert process.returncode == STATUS[number]
    assert f"Stopped by {number.name}." in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    if (tmp_path / "r.json").exists():
        assert_whole_and_true(tmp_path, album)
    else:
        assert out == ""


@pytest.mark.parametrize("words", [["doctor"], ["models"], ["restore", "--help"]])
def test_other_commands_end_with_a_sentence_too(words):
    process = started(words)
    wait_until(lambda: hears(process, signal.SIGTERM), process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 130
    assert said == "Stopped by SIGINT.\n"


SIGNAL_AT_THE_EDGE = """
import os, signal, sys
from lib_facerestore import cli
from lib_facerestore.cli.stopping import Stop
def send():
    os.write(2, b"sent\\n")
    os.kill(os.getpid(), signal.SIGTERM)
def then_a_signal(method):
    def called(*given):
        result = method(*given)
        send()
        return result
    return called
EDGE
sys.exit(cli.main())
"""
# SIGHUP has no handler of ours yet.
WITHIN_ENTER = """
set_handler = signal.signal
def set_and_send(number, handler):
    before = set_handler(number, handler)
    if number == signal.SIGTERM and before == signal.SIG_DFL:
        send()
    return before
signal.signal = set_and_send
"""


def after(method: str) -> str:
    return f"Stop.{method} = then_a_signal(Stop.{method})"


@pytest.mark.parametrize("edge", [WITHIN_ENTER, after("__enter__"), after("listen")], ids=["within", "after", "listen"])
def test_a_signal_around_the_setting_of_the_handlers_is_caught(edge):
    process = started(["models"], code=SIGNAL_AT_THE_EDGE.replace("EDGE", edge))
    out, said = process.communicate(timeout=LIMIT_S)

    assert (process.returncode, out, said) == (143, "", "sent\nStopped by SIGTERM.\n")


@pytest.mark.parametrize("words", [["models"], ["restore", "--help"]])
def test_a_signal_after_the_end_of_the_work_changes_nothing(words):
    expected, _ = started(words).communicate(timeout=LIMIT_S)
    process = started(words, code=SIGNAL_AT_THE_EDGE.replace("EDGE", after("finish")))
    out, said = process.communicate(timeout=LIMIT_S)

    assert (process.returncode, said) == (0, "sent\n")
    assert out.splitlines()[1:] == expected.splitlines()[1:]  # the first line of the help names the program


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_while_networks_run_the_picture_in_hand_is_dropped_whole(number, labels, album, tmp_path):
    entry = next(entry for entry in labels["photographs"] if len(entry["faces"]) == 1)
    (tmp_path / "in").mkdir()
    shutil.copy(album / "00.png", tmp_path / "in" / "00.png")  # noise has no face, and is done first
    shutil.copy(ROOT / "samples" / entry["degraded"], tmp_path / "in" / "face.jpg")
    words = ["--restorer", "auto", "--scale", "2", "--upscaler", "Real-ESRGAN x4plus (embedded)", "--device", "cpu"]
    first = ["restore", tmp_path / "in/00.png", "-o", tmp_path / "out", "--restorer", "none", "--report"]
    subprocess.run([*map(str, (*FACERESTORE, *first, tmp_path / "first.json"))], env=environment(), check=True)

    report = ["--report", tmp_path / "r.json", "--skip-existing"]
    process = started(["restore", tmp_path / "in", "-o", tmp_path / "out", *words, *report])
    wait_until(lambda: (tmp_path / "r.json").exists() and "skipped" in (tmp_path / "r.json").read_text(), process)
    time.sleep(1.0)  # the detector and the restorer together take several
    process.send_signal(number)
    sent = time.monotonic()
    _, said = process.communicate(timeout=LIMIT_S)

    (record,) = assert_whole_and_true(tmp_path, tmp_path / "in")
    assert record["outcome"].startswith("skipped")
    assert process.returncode == STATUS[number]
    assert time.monotonic() - sent < 10  # a convolution ends; the restorer alone takes longer than this
    assert said == f"Stopped by {number.name}. 1 of 2 pictures are done; what was finished is kept.\n"


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_signal_that_the_parent_ignores_stays_ignored(number, album, tmp_path):
    process = started(restoring(album, tmp_path), ignored=number)
    wait_until((tmp_path / "out" / "00.png").exists, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT_S)

    assert len(assert_whole_and_true(tmp_path, album)) == PICTURES
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT, signal.SIGXCPU], ids=lambda number: number.name)
def test_what_nobody_can_hear_leaves_whole_files_too(number, album, tmp_path):
    process = started(restoring(album, tmp_path))
    wait_until((tmp_path / "out" / "02.png").exists, process)
    process.send_signal(number)
    process.communicate(timeout=LIMIT_S)

    records = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    files = sorted(path for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    assert process.returncode == -number
    # The last result may have come just before its record.
    assert [Path(record["output"]) for record in records] in (files, files[:-1])
    for path in files:
        assert np.asarray(Image.open(path)).shape == (600, 900, 3)


SLOW_DISK = """
import os, sys, time
from lib_facerestore.cli import main
fsync, calls = os.fsync, []
def slow(descriptor):
    calls.append(1)
    if len(calls) == 4:  # the empty report, a result, its record, and this second result
        print("writing", flush=True)
        time.sleep(SECONDS)
    fsync(descriptor)
os.fsync = slow
sys.exit(main())
"""


def test_a_file_that_is_being_written_is_finished_and_recorded(album, tmp_path):
    process = started(restoring(album, tmp_path), code=SLOW_DISK.replace("SECONDS", "1"))
    while process.stdout.readline() != "writing\n":
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_S)

    records = assert_whole_and_true(tmp_path, album)
    assert process.returncode == 143
    assert [Path(record["output"]).name for record in records] == ["00.png", "01.png"]


@pytest.mark.parametrize("second", STATUS, ids=lambda number: number.name)
def test_a_second_signal_ends_at_once_without_a_half_written_file(second, album, tmp_path):
    process = started(restoring(album, tmp_path), code=SLOW_DISK.replace("SECONDS", "300"))
    while process.stdout.readline() != "writing\n":
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(second)
    _, said = process.communicate(timeout=30)

    records = assert_whole_and_true(tmp_path, album)
    assert process.returncode == STATUS[second]
    assert [Path(record["output"]).name for record in records] == ["00.png"]
    assert os.listdir(tmp_path / "out") == ["00.png"]
    assert said == "\nEnded at once. 1 of 20 pictures are done; what was finished is kept.\n"


def test_the_same_signal_twice_within_a_moment_is_one_wish(album, tmp_path):
    process = started(restoring(album, tmp_path), code=SLOW_DISK.replace("SECONDS", "1"))
    while process.stdout.readline() != "writing\n":
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_S)

    assert len(assert_whole_and_true(tmp_path, album)) == 2
    assert said.startswith("Stopped by SIGTERM.")


# In a process of its own: one with other threads may be handed the signal later, when nobody listens any more.
HELD = """
import os, signal
from lib_facerestore.cli.stopping import Stop, Stopped
with Stop() as stop:
    stop.listen()
    try:
        with stop.held():
            os.kill(os.getpid(), signal.SIGTERM)
            print("the end of the body")
        print("what comes after it")
    except Stopped:
        print("stopped")
"""


def test_a_signal_inside_a_held_body_is_raised_after_it():
    out, said = started([], code=HELD).communicate(timeout=LIMIT_S)

    assert (out, said) == ("the end of the body\nstopped\n", "")


def test_what_heard_signals_before_hears_them_again():
    before = {number: signal.getsignal(number) for number in STATUS}

    with Stop():
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]

    assert {number: signal.getsignal(number) for number in STATUS} == before
