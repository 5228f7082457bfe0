"""What the words of a command line name: files, folders, patterns; and results that are there already."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib_facerestore.cli import main
from lib_facerestore.cli.restoring.pictures import expand
from lib_facerestore.engine import pixels


@pytest.fixture
def album(tmp_path, monkeypatch) -> Path:
    """The current folder, with pictures, other files, hidden ones and a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.PNG",
        "a.jpg",
        "c.webp",
        "notes.txt",
        ".hidden.png",
        "._a.jpg",
        "deep/er/d.png",
        "[1].png",
        "1.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def names(*words: str) -> list[str]:
    return [str(source.path) for source in expand(words)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a.jpg", "nowhere.png"], ["a.jpg", "nowhere.png"]),
        (["."], ["1.png", "[1].png", "a.jpg", "b.PNG", "c.webp"]),
        (["deep/er"], ["deep/er/d.png"]),
        (["*.png"], ["1.png", "[1].png"]),
        (["?.jpg", "[bc].*"], ["a.jpg", "b.PNG", "c.webp"]),
        (["**/*.png"], ["1.png", "[1].png", "deep/er/d.png"]),
        (["[1].png"], ["[1].png"]),  # there is a file of that very name
        (["c.webp", ".", "c.webp", "*.webp"], ["c.webp", "1.png", "[1].png", "a.jpg", "b.PNG"]),
    ],
)
def test_words_name_pictures_in_order_and_each_once(words, expected, album):
    assert names(*words) == expected


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("empty", "is a folder without pictures"),
        ("deep", "is a folder without pictures"),
        ("*.gif", "as a pattern it matches no file"),
        ("nowhere/[a-c]?.png", "as a pattern it matches no file"),
    ],
)
def test_a_word_that_names_nothing_says_why(word, problem, album):
    (source,) = expand([word])

    assert source.path == Path(word)
    assert problem in source.problem


@pytest.mark.parametrize("word", ["zero\0.png", "zero\0*.png", "?" * 5000, "a" * 5000, "[", "[]", "-", "~"])
def test_an_odd_word_is_left_for_reading_to_refuse(word, album):
    assert [source.path for source in expand([word])] == [Path(word)]


def test_a_folder_gives_every_picture_that_may_be_read(tmp_path):
    for suffix in (*pixels.SUFFIXES, ".txt", ".json", ".svg"):
        (tmp_path / f"a{suffix}").write_bytes(b"whatever it holds")

    assert {source.path.suffix for source in expand([str(tmp_path)])} == pixels.SUFFIXES


def a_picture(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((42, 60, 3), level, np.uint8)).save(path)
    return path


def restore(*words: object) -> int:
    """The exit status of a run without faces, wrong use included."""
    try:
        return main(["restore", *map(str, words), "--restorer", "none", "--device", "cpu"])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def test_a_folder_and_a_pattern_are_restored_and_what_is_empty_fails_alone(tmp_path, capsys):
    a_picture(tmp_path / "p/a.png", 10)
    a_picture(tmp_path / "q/b.png", 20)
    (tmp_path / "r").mkdir()

    status = restore(tmp_path / "p", tmp_path / "r", tmp_path / "q/?.png", "-o", tmp_path / "o")

    assert status == 1
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a.png", "b.png"]
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'r'} is a folder without pictures")


@pytest.mark.parametrize("words", [["", "-o", "o"], ["a.png", "-o", ""], ["a.png", "-o", "o", "--report", ""]])
def test_an_empty_word_is_not_the_current_folder(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    a_picture(tmp_path / "a.png", 10)

    assert restore(*words) == 2
    assert os.listdir(tmp_path) == ["a.png"]
    assert capsys.readouterr().err.count("\n") == 1


def test_results_that_are_there_are_skipped_said_and_recorded(tmp_path, capsys):
    first, second = a_picture(tmp_path / "p/a.png", 10), a_picture(tmp_path / "p/b.png", 20)
    out, report = tmp_path / "o", tmp_path / "r.json"
    out.mkdir()
    (out / "a.png").write_bytes(b"precious")

    status = restore(first.parent, "-o", out, "--skip-existing", "--report", report)

    skipped, done = json.loads(report.read_text())
    assert status == 0
    assert (out / "a.png").read_bytes() == b"precious"
    assert skipped["outcome"] == f"skipped: {out / 'a.png'} is there already."
    assert (skipped["output"], done["output"]) == (str(out / "a.png"), str(out / second.name))
    assert (done["outcome"], "error" in skipped) == ("done", False)
    assert capsys.readouterr().out.startswith(f"a.png: skipped: {out / 'a.png'} is there already.\n")


def test_skipping_is_no_way_around_an_inputs_own_name(tmp_path, capsys):
    source = a_picture(tmp_path / "a.png", 10)

    assert restore(source, "-o", tmp_path, "--skip-existing") == 1
    assert "would be replaced by its own result" in capsys.readouterr().err


def test_two_inputs_of_one_name_are_not_taken_for_an_earlier_result(tmp_path, capsys):
    one, other = a_picture(tmp_path / "p/a.png", 10), a_picture(tmp_path / "q/a.png", 20)

    assert restore(one, other, "-o", tmp_path / "o", "--skip-existing") == 1
    assert "which this run wrote for another picture" in capsys.readouterr().err


def test_skipping_and_replacing_exclude_each_other(tmp_path, capsys):
    assert restore("a.png", "-o", tmp_path / "o", "--skip-existing", "--overwrite") == 2
    assert "not allowed with argument" in capsys.readouterr().err
