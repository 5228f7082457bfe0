"""Whatever goes wrong with a picture is a sentence in its record; the others are done, and the exit status is 1."""

from __future__ import annotations

import errno
import json
import logging
import weakref
from pathlib import Path

import cv2
import pytest

from helpers.support import FakeDetector, FakeRestorer, face_at
from lib_facerestore.cli import main
from lib_facerestore.cli.restoring import one_file
from lib_facerestore.engine import pipeline, pixels
from lib_facerestore.engine.ports import Tools
from lib_facerestore.errors import InferenceFailed, Interrupted, OutOfMemory, SettingsError, WeightsDamaged
from lib_facerestore.session.job_tools import JobTools

TROUBLES = [
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    ValueError("operands could not be broadcast\ntogether with shapes (3,) (4,)"),
    IndexError("list index out of range"),
    ZeroDivisionError("division by zero"),
    AssertionError(),
    RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
    NotImplementedError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    cv2.error("OpenCV(4) error: (-215:Assertion failed) !ssize.empty()"),
    OSError(errno.ENOSPC, "No space left on device"),
    StopIteration(),
    Exception(),
    InferenceFailed("CodeFormer", "its numbers are no picture"),
    OutOfMemory("CodeFormer", "cuda:0"),
    WeightsDamaged(Path("codeformer.pth"), "1a2b3c", "9f8e7d"),
    SettingsError("scale", 99, "at most 16"),
]


def restore(album: Path, folder: Path, *words: str) -> int:
    options = ["--restorer", "none", "--device", "cpu", "--report", str(folder / "r.json")]
    return main(["restore", str(album), "-o", str(folder / "o"), *options, *words])


def fails_at_the_second(trouble: Exception, function):
    """The function, but its second call raises."""
    calls = []

    def failing(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 2:
            raise trouble
        return function(*arguments, **more)

    return failing


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: type(trouble).__name__)
@pytest.mark.parametrize("stage", [(pipeline, "run_to"), (pixels, "encode"), (pixels, "write_atomically")], ids=str)
def test_any_error_is_one_pictures_and_the_others_are_done(trouble, stage, album, tmp_path, monkeypatch, capsys):
    room, name = stage
    monkeypatch.setattr(room, name, fails_at_the_second(trouble, getattr(room, name)))

    status = restore(album, tmp_path)

    said = capsys.readouterr()
    first, second, third = json.loads((tmp_path / "r.json").read_text())
    assert status == 1
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["1.png", "3.png"]
    assert [record["outcome"] for record in (first, second, third)] == ["done", "failed", "done"]
    assert second["error"] == said.err.rstrip("\n")
    assert second["error"].endswith(".")
    assert "2.png" in second["error"]
    assert said.err.count("\n") == 1
    assert said.out.count("\n") == 2


def test_the_trace_of_an_unexpected_error_is_kept_for_who_looks_for_it(album, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(pipeline, "run_to", fails_at_the_second(ValueError("odd"), pipeline.run_to))

    with caplog.at_level(logging.DEBUG, one_file.__name__):
        restore(album, tmp_path)

    (entry,) = (entry for entry in caplog.records if entry.name == one_file.__name__)
    assert (entry.levelno, entry.exc_info[0]) == (logging.DEBUG, ValueError)


def test_a_side_file_that_cannot_be_written_leaves_the_result_and_says_so(album, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(pixels, "write_atomically", fails_at_the_second(full, pixels.write_atomically))

    status = restore(album, tmp_path, "--compare")

    first, *others = json.loads((tmp_path / "r.json").read_text())
    assert status == 1
    assert first["output"] == str(tmp_path / "o/1.png")
    assert "No space left on device" in first["error"]
    assert [record["outcome"] for record in others] == ["done", "done"]


def test_stop_is_nobodys_trouble(album, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pipeline, "run_to", fails_at_the_second(Interrupted(), pipeline.run_to))

    assert restore(album, tmp_path) == 1
    assert len(json.loads((tmp_path / "r.json").read_text())) == 1
    assert capsys.readouterr().err == "Stopped; the pictures finished so far are kept.\n"


@pytest.mark.parametrize(("failing", "status"), [(frozenset(), 0), (frozenset({1}), 1), (frozenset({0, 1}), 1)])
def test_a_face_that_failed_gives_exit_status_one_and_its_picture(failing, status, album, tmp_path, monkeypatch):
    faces = face_at(20, 20, 24, index=0), face_at(40, 20, 24, index=1)
    tools = Tools(FakeDetector(*faces), FakeRestorer(failing=failing))
    monkeypatch.setattr(JobTools, "tools", lambda self, settings, grows: tools)

    assert restore(album, tmp_path, "--min-face-px", "8") == status

    for record in json.loads((tmp_path / "r.json").read_text()):
        outcomes = [face["outcome"] for face in record["faces"]]
        assert outcomes == ["failed" if index in failing else "restored" for index in (0, 1)]
        assert record["outcome"] == ("some faces failed" if failing else "done")
        assert Path(record["output"]).is_file()


def test_one_picture_is_in_memory_at_a_time(album, tmp_path, monkeypatch):
    results: list[weakref.ref] = []
    alive: list[int] = []
    run = pipeline.run_to

    def counted(*arguments, **more):
        alive.append(sum(result() is not None for result in results))
        result = run(*arguments, **more)
        results.append(weakref.ref(result.picture))
        return result

    monkeypatch.setattr(pipeline, "run_to", counted)

    assert restore(album, tmp_path) == 0
    assert alive == [0, 0, 0]
