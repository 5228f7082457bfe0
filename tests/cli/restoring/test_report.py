"""`--report`: JSON that is whole after every picture, and that replaces nothing but an earlier report."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.odd_consoles import FACERESTORE, LIMIT_S, environment, redirected, without_reader
from lib_facerestore.cli import main
from lib_facerestore.cli.restoring import report_file
from lib_facerestore.cli.restoring.report_file import as_json, open_report
from lib_facerestore.cli.restoring.report_target import ReportTarget, is_report

APPENDS = 4  # bytes: only the empty report, which has 3, is replaced
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="devices, pipes and links of POSIX")


def restore(*words: object) -> int:
    """The exit status of a run without faces, wrong use included."""
    try:
        return main(["restore", *map(str, words), "--restorer", "none", "--device", "cpu"])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def test_a_forgotten_file_name_does_not_cost_a_picture(album, tmp_path, capsys):
    first, *others = sorted(album.iterdir())  # what a shell makes of `--report p/*.png`
    before = first.read_bytes()

    for more in ([], ["--overwrite"]):
        assert restore("-o", tmp_path / "o", "--report", first, *others, *more) == 2
        assert capsys.readouterr().err.startswith(f"The setting report cannot be '{first}': it must be ")
    assert first.read_bytes() == before
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_an_input_is_never_the_report_under_any_name(link, more, album, tmp_path):
    late = album / "3.png"
    name = late
    if link is not None:
        name = tmp_path / "r.json"
        link(late, name)
    before = late.read_bytes()

    assert restore(album, "-o", tmp_path / "o", "--report", name, *more) == 2
    assert late.read_bytes() == before
    assert name.is_symlink() == (link is os.symlink)


def foreign_files() -> dict[str, str]:
    record = {"input": "a", "output": "b"}
    return {
        "a letter": "Dear all",
        "another array": "[1, 2]",
        "a list of pairs": json.dumps([record, record]),
        "an object": '{"input": 1}',
        "half a report": '[\n  {"input": "a", "output": "b", "faces": [], "settings": {}}',
        "no text": "[\udcff]",
    }


@pytest.mark.parametrize("name", foreign_files())
def test_a_file_that_is_no_report_stays_unless_it_may_be_replaced(name, album, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(foreign_files()[name], encoding="utf-8", errors="surrogateescape")
    before = path.read_bytes()

    assert restore(album, "-o", tmp_path / "o", "--report", path) == 2
    assert path.read_bytes() == before
    assert not (tmp_path / "o").exists()
    assert restore(album, "-o", tmp_path / "o", "--report", path, "--overwrite") == 0
    assert len(json.loads(path.read_text())) == 3


def test_an_empty_file_and_an_earlier_report_are_replaced(album, tmp_path):
    path = tmp_path / "r.json"
    path.touch()

    for number in (1, 2, 3):
        assert restore(album / f"{number}.png", "-o", tmp_path / "o", "--report", path) == 0
        (record,) = json.loads(path.read_text())
        assert record["input"] == str(album / f"{number}.png")


@pytest.mark.parametrize("name", ["o/2.png", "o/2-compare.png", "o/2-faces/x.json", "o/2-faces", "o/../o/2.png"])
def test_a_result_of_the_run_is_never_the_report(name, album, tmp_path):
    for folder in ("o", "o/2-faces"):
        (tmp_path / folder).mkdir()

    assert restore(album, "-o", tmp_path / "o", "--compare", "--faces", "--report", tmp_path / name) == 2
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["2-faces"]


@pytest.mark.parametrize("where", ["nowhere/r.json", "p", "p/1.png/r.json", "", "zero\0"])
def test_a_report_that_cannot_be_written_is_said_before_the_work(where, album, tmp_path, capsys):
    name = str(tmp_path / where) if where not in ("", "zero\0") else where

    assert restore(album, "-o", tmp_path / "o", "--report", name) == 2
    assert "report" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@POSIX
def test_a_folder_that_takes_no_file_is_said_before_the_work(album, tmp_path, capsys):
    assert restore(album, "-o", tmp_path / "o", "--report", "/proc/r.json") == 1
    assert "/proc/r.json cannot be written" in capsys.readouterr().err
    assert list((tmp_path / "o").iterdir()) == []


@POSIX
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_written_through_and_stays(exists, album, tmp_path):
    target, link = tmp_path / "kept" / "real.json", tmp_path / "r.json"
    target.parent.mkdir()
    if exists:
        target.write_text("[]")
    link.symlink_to(target)

    assert restore(album, "-o", tmp_path / "o", "--report", link) == 0
    assert link.is_symlink()
    assert len(json.loads(target.read_text())) == 3


def printed(album: Path, tmp_path: Path, report: str, redirection: str = "") -> tuple[int, bytes]:
    words = ["--restorer", "none", "--device", "cpu", "--report", report]
    done = redirected(redirection)([*FACERESTORE, "restore", album, "-o", tmp_path / "o", *words])
    return done.status, done.printed


@POSIX
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_json_alone_goes_to_stdout_and_the_sentences_to_stderr(name, album, tmp_path):
    status, text = printed(album, tmp_path, name, "2>/dev/null")

    assert status == 0
    assert [Path(record["input"]).name for record in json.loads(text)] == ["1.png", "2.png", "3.png"]


@POSIX
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_stdout_that_is_a_file_is_continued_and_not_replaced(name, album, tmp_path):
    out = tmp_path / "out.txt"
    out.write_text("before\n")
    node = out.stat().st_ino

    status, said = printed(album, tmp_path, name, f">>{out}")

    assert (status, out.stat().st_ino) == (0, node)
    assert len(json.loads(out.read_text().removeprefix("before\n"))) == 3
    assert said.count(b"\n") == 3


@POSIX
def test_a_descriptor_that_a_shell_opened_is_written_to(album, tmp_path):
    status, _ = printed(album, tmp_path, "/dev/fd/7", f"7>{tmp_path / 'seven'}")

    assert status == 0
    assert len(json.loads((tmp_path / "seven").read_text())) == 3


@POSIX
@pytest.mark.parametrize(
    ("name", "redirection"),
    [("-", ">&-"), ("/dev/stdout", ">&-"), ("/dev/fd/9", ""), ("/dev/fd/8", "8</dev/null"), ("-", "1</dev/null")],
)
def test_a_stream_that_is_closed_is_said_before_the_work(name, redirection, album, tmp_path):
    status, said = printed(album, tmp_path, name, redirection)

    assert status == 2
    assert b"it must be open" in said
    assert not (tmp_path / "o").exists()


@POSIX
@pytest.mark.parametrize("name", ["/dev/full", "/dev/zero", "/dev/random"])
def test_a_device_is_refused_and_stays_one(name, album, tmp_path, capsys):
    before = os.stat(name).st_rdev

    assert restore(album, "-o", tmp_path / "o", "--report", name) == 2
    assert "not a device" in capsys.readouterr().err
    assert os.stat(name).st_rdev == before


@POSIX
def test_the_null_device_takes_the_report_and_stays(album, tmp_path):
    before = os.stat(os.devnull).st_ino

    assert restore(album, "-o", tmp_path / "o", "--report", os.devnull) == 0
    assert os.stat(os.devnull).st_ino == before


@POSIX
def test_a_full_stdout_is_said_before_the_work(album, tmp_path):
    status, said = printed(album, tmp_path, "-", ">/dev/full")

    assert status == 2
    assert b"No space left on device" in said
    assert not (tmp_path / "o").exists()


@POSIX
def test_a_pipe_whose_reader_left_costs_the_report_and_no_picture(album, tmp_path):
    words = ["--restorer", "none", "--device", "cpu", "--report", "-"]
    streams = ["stdout"]

    done = without_reader(os.pipe, streams)([*FACERESTORE, "restore", album, "-o", tmp_path / "o", *words])

    assert done.status == 1
    assert b"- cannot be written: Broken pipe." in done.printed
    assert b"Traceback" not in done.printed
    assert len(list((tmp_path / "o").iterdir())) == 3


@POSIX
def test_a_named_pipe_gets_the_report_and_stays(album, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()

    status = restore(album, "-o", tmp_path / "o", "--report", pipe)

    reader.join(LIMIT_S)
    assert status == 0
    assert len(json.loads(got[0])) == 3
    assert pipe.is_fifo()


@POSIX
def test_a_named_pipe_without_a_reader_is_said_after_a_while(album, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report_file, "_WAIT_FOR_READER_S", 0.2)
    os.mkfifo(tmp_path / "pipe")

    assert restore(album, "-o", tmp_path / "o", "--report", tmp_path / "pipe") == 1
    assert "pipe cannot be written" in capsys.readouterr().err
    assert len(list((tmp_path / "o").iterdir())) == 3


@POSIX
def test_names_that_are_no_text_give_valid_json(tmp_path):
    name = os.fsdecode(b"bad\xff\x1b.png")
    Image.fromarray(np.full((42, 60, 3), 9, np.uint8)).save(tmp_path / name)

    assert restore(tmp_path / name, tmp_path / f"no{name}", "-o", tmp_path / "o", "--report", tmp_path / "r.json") == 1

    done, failed = json.loads((tmp_path / "r.json").read_bytes().decode("utf-8"))
    assert done["output"] == f"{tmp_path}/o/bad\\xff\x1b.png"
    assert failed["error"] == f"{tmp_path}/nobad\\xff\x1b.png does not exist."


def test_values_that_json_lacks_are_null_or_escaped():
    odd = {"a": (math.nan, 1.5), "b\udc80": [math.inf, "\ud800"]}

    assert as_json(odd) == {"a": [None, 1.5], "b\\x80": [None, "\\ud800"]}


def record(number: int) -> dict[str, object]:
    return {"input": f"{number}.png", "output": "ä" * 1500, "faces": [], "settings": {}}


@pytest.mark.parametrize("limit", [APPENDS, 5000, 1 << 20])
def test_the_file_is_a_whole_report_after_every_record(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(report_file, "_LARGEST_REPLACED_BYTES", limit)
    path = tmp_path / "r.json"
    report = open_report(ReportTarget("r.json", file=path))
    assert is_report(path)

    for number in range(6):
        report.add(record(number))

        assert json.loads(path.read_bytes()) == [record(done) for done in range(number + 1)]
    report.close()
    assert (
        path.read_bytes() == (json.dumps([record(n) for n in range(6)], indent=2, ensure_ascii=False) + "\n").encode()
    )
    assert os.listdir(tmp_path) == ["r.json"]


@pytest.mark.parametrize("trouble", ["removed", "cut", "replaced"])
def test_a_long_report_that_somebody_took_away_is_written_again(trouble, tmp_path, monkeypatch):
    monkeypatch.setattr(report_file, "_LARGEST_REPLACED_BYTES", APPENDS)
    path = tmp_path / "r.json"
    report = open_report(ReportTarget("r.json", file=path))
    for number in range(3):
        report.add(record(number))
    if trouble == "removed":
        path.unlink()
    else:
        path.write_text("" if trouble == "cut" else "[]")

    report.add(record(3))

    assert len(json.loads(path.read_bytes())) == 4


@pytest.mark.parametrize("limit", [APPENDS, 1 << 20])
def test_a_disk_that_is_full_for_a_while_leaves_the_report_whole_and_complete_at_the_end(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(report_file, "_LARGEST_REPLACED_BYTES", limit)
    path = tmp_path / "r.json"
    report = open_report(ReportTarget("r.json", file=path))
    report.add(record(0))
    before = path.read_bytes()

    with monkeypatch.context() as full:
        full.setattr("builtins.open", refuse_to_open)
        report.add(record(1))
        report.add(record(2))
    assert path.read_bytes() == before
    report.close()

    assert len(json.loads(path.read_bytes())) == 3


def refuse_to_open(*words: object, **more: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@POSIX
def test_a_report_on_a_disk_that_is_full_costs_no_picture(album, tmp_path):
    code = (
        "import sys, errno\n"
        "from lib_facerestore.engine.pixels import files\n"
        "import lib_facerestore.cli.restoring.report_file as report_file\n"
        "write, calls = report_file.write_atomically, []\n"
        "def full(path, data, overwrite=True):\n"
        "    calls.append(path)\n"
        "    if len(calls) > 2: raise report_file.PictureError(path, 'cannot be written: No space left on device.')\n"
        "    write(path, data, overwrite)\n"
        "report_file.write_atomically = full\n"
        "from lib_facerestore.cli import main\n"
        "sys.exit(main())\n"
    )
    words = ["restore", album, "-o", tmp_path / "o", "--restorer", "none", "--report", tmp_path / "r.json"]

    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=environment(), capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'r.json'} cannot be written: No space left on device.\n"
    assert len(list((tmp_path / "o").iterdir())) == 3
    assert len(json.loads((tmp_path / "r.json").read_text())) == 1
