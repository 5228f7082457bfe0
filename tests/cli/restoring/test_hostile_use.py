"""Wrong files and wrong words: one sentence that names the file, the other pictures done, nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib_facerestore.cli import main

NO_FACE = "no face found"


@pytest.fixture(autouse=True)
def shared_cache(runtime, monkeypatch):
    """Weights converted once for all tests."""
    monkeypatch.setenv("FACERESTORE_HOME", str(runtime.cache_folder.parent))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A picture that can be read and has no face."""
    path = tmp_path / "good.png"
    Image.fromarray(np.full((90, 120, 3), 90, np.uint8)).save(path)
    return path


def a_text_file(folder: Path) -> Path:
    path = folder / "letter.png"
    path.write_text("Dear all")
    return path


def an_empty_file(folder: Path) -> Path:
    path = folder / "empty.jpg"
    path.touch()
    return path


def a_truncated_file(folder: Path) -> Path:
    path = folder / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:3000])
    return path


def a_folder(folder: Path) -> Path:
    path = folder / "album"
    path.mkdir()
    return path


def a_missing_file(folder: Path) -> Path:
    return folder / "nowhere.png"


@pytest.mark.parametrize("make", [a_text_file, an_empty_file, a_truncated_file, a_folder, a_missing_file])
def test_a_bad_file_is_named_and_the_others_are_done(make, good, tmp_path, capsys):
    bad, out = make(tmp_path), tmp_path / "out"

    status = main(["restore", str(bad), str(good), "-o", str(out), "--report", str(tmp_path / "r.json")])

    said = capsys.readouterr()
    failed, done = json.loads((tmp_path / "r.json").read_text())
    assert status == 1
    assert said.err.count("\n") == 1
    assert str(bad) in said.err
    assert NO_FACE in said.out
    assert [path.name for path in out.iterdir()] == ["good.png"]
    assert (failed["output"], done["output"]) == (None, str(out / "good.png"))
    assert failed["error"] == said.err.strip()


def test_a_result_that_is_there_already_stays(good, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "good.png").write_bytes(b"precious")

    status = main(["restore", str(good), "-o", str(out)])

    assert status == 1
    assert (out / "good.png").read_bytes() == b"precious"
    assert "is there already" in capsys.readouterr().err


def test_overwrite_replaces_a_result(good, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "good.png").write_bytes(b"old")

    assert main(["restore", str(good), "-o", str(out), "--overwrite"]) == 0
    assert Image.open(out / "good.png").size == (120, 90)


def test_an_input_is_never_its_own_output(good, capsys):
    before = good.read_bytes()

    status = main(["restore", str(good), "-o", str(good.parent), "--overwrite"])

    assert status == 1
    assert good.read_bytes() == before
    assert str(good) in capsys.readouterr().err


def test_two_inputs_of_one_name_do_not_replace_each_other(good, tmp_path, capsys):
    twin = tmp_path / "other" / "good.png"
    twin.parent.mkdir()
    twin.write_bytes(good.read_bytes())

    status = main(["restore", str(good), str(twin), "-o", str(tmp_path / "out"), "--overwrite"])

    assert status == 1
    assert "which this run wrote for another picture" in capsys.readouterr().err


def a_picture(path: Path, level: int) -> Path:
    """One level everywhere, 120×90 px."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((90, 120, 3), level, np.uint8)).save(path)
    return path


def restored(folder: Path, *words: object) -> int:
    """The exit status of a run that restores no faces and may replace results."""
    return main(["restore", *map(str, words), "-o", str(folder), "--restorer", "none", "--overwrite"])


def test_a_result_never_replaces_another_input(tmp_path, capsys):
    first, second = a_picture(tmp_path / "x/a.png", 60), a_picture(tmp_path / "y/a.png", 120)
    before = first.read_bytes()

    status = restored(tmp_path / "x", first, second)

    assert status == 1
    assert first.read_bytes() == before
    assert f"{second} would replace {first}, which is another input" in capsys.readouterr().err


def test_a_name_that_gives_another_inputs_name_is_refused_and_that_input_is_done(tmp_path, capsys):
    first, second = a_picture(tmp_path / "a.png", 60), a_picture(tmp_path / "a-restored.png", 120)
    before = second.read_bytes()

    status = restored(tmp_path, first, second, "--name", "{name}-restored")

    assert status == 1
    assert second.read_bytes() == before
    assert (tmp_path / "a-restored-restored.png").exists()
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("make_link", [os.symlink, os.link])
def test_an_input_under_another_name_is_an_input(make_link, tmp_path):
    source, other = a_picture(tmp_path / "in/a.png", 60), a_picture(tmp_path / "in/b.png", 120)
    (tmp_path / "out").mkdir()
    make_link(other, tmp_path / "out/a.png")

    status = restored(tmp_path / "out", source, other)

    assert status == 1
    assert os.path.samefile(tmp_path / "out/a.png", other)


def test_compared_and_faces_files_never_replace_an_input(tmp_path, capsys):
    out = tmp_path / "out"
    source, others = a_picture(tmp_path / "in/a.png", 60), [out / "b-compare.png", out / "a-faces/01-after.png"]
    twin = a_picture(tmp_path / "in/b.png", 60)
    before = [a_picture(path, 120).read_bytes() for path in others]

    status = restored(out, source, twin, *others, "--compare", "--faces", "--name", "{name}")

    said = capsys.readouterr().err
    assert status == 1
    assert [path.read_bytes() for path in others] == before
    assert f"{source} would replace {others[1]}" in said
    assert f"{twin} would replace {others[0]}" in said
    assert not (out / "b.png").exists()  # refused before any work


def test_a_report_never_replaces_an_input(good, tmp_path, capsys):
    before = good.read_bytes()

    status = main(["restore", str(good), "-o", str(tmp_path / "out"), "--restorer", "none", "--report", str(good)])

    assert status == 2
    assert good.read_bytes() == before
    assert not (tmp_path / "out").exists()
    assert "The setting report cannot be" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "shared"), [("--compare", "a-compare.png"), ("--faces", "a-faces")])
@pytest.mark.parametrize("overwrite", [True, False])
def test_two_formats_of_one_name_do_not_share_their_side_files(option, shared, overwrite, tmp_path, capsys):
    first, second = a_picture(tmp_path / "in/a.jpg", 60), a_picture(tmp_path / "in/a.png", 120)
    words = ["restore", str(first), str(second), "-o", str(tmp_path / "out"), "--restorer", "none", option]

    status = main([*words, "--overwrite"] if overwrite else words)

    assert status == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([shared, "a.jpg"])
    said = f"{second} would replace {tmp_path / 'out' / shared}, which this run wrote for another picture."
    assert said in capsys.readouterr().err
    if option == "--compare":
        assert np.asarray(Image.open(tmp_path / "out" / shared)).max() == 60


@pytest.mark.parametrize("there", ["good-compare.png", "good-faces/01-before.png"])
def test_side_files_that_are_there_already_are_said_before_the_work(there, good, tmp_path, capsys):
    path = a_picture(tmp_path / "out" / there, 1)
    before = path.read_bytes()

    status = main(["restore", str(good), "-o", str(tmp_path / "out"), "--restorer", "none", "--compare", "--faces"])

    assert status == 1
    assert path.read_bytes() == before
    assert f"{path} is there already" in capsys.readouterr().err
    assert not (tmp_path / "out" / "good.png").exists()


def test_a_size_too_large_for_one_picture_leaves_the_others(tmp_path, capsys):
    small, large = a_picture(tmp_path / "small.png", 60), tmp_path / "large.png"
    Image.fromarray(np.full((30, 300, 3), 90, np.uint8)).save(large)
    out, report = tmp_path / "out", tmp_path / "r.json"
    words = ["--upscaler", "lanczos", "--width", "1200", "--report", str(report)]

    status = main(["upscale", str(small), str(large), "-o", str(out), *words])

    failed, done = json.loads(report.read_text())
    assert status == 1
    assert [path.name for path in out.iterdir()] == ["large.png"]
    assert done["size_hw"] == [120, 1200]
    assert failed["error"] == capsys.readouterr().err.strip()
    assert failed["error"].startswith(f"{small}: The setting size cannot be '1200×900 px': it must be at most 960×720")


def test_an_output_folder_that_is_a_file_is_named(good, tmp_path, capsys):
    blocked = tmp_path / "blocked"
    blocked.touch()

    status = main(["restore", str(good), "-o", str(blocked)])

    assert status == 1
    assert str(blocked) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fidelity", "1.5"], "The setting fidelity cannot be 1.5: it must be a number from 0 to 1."),
        (["--visibility", "nan"], "The setting visibility cannot be nan: it must be a number from 0 to 1."),
        (["--max-faces", "2.5"], "The setting max_faces cannot be 2.5: it must be a whole number from 0 to 10000."),
        (["--quality", "101"], "The setting quality cannot be 101: it must be a whole number from 0 to 100."),
        (["--name", "../{name}"], "The setting name cannot be '../{name}': it must be a file name"),
        (["--max-megapixels", "-1"], "The setting max_megapixels cannot be -1.0"),
        (["--fidelty", "1"], "There is no option --fidelty, did you mean --fidelity"),
        (["--zzz=1"], "There is no option --zzz."),
        (["--fidelity", "much"], "Argument --fidelity: invalid number value: 'much'."),
        (["--mask", "square"], "invalid choice: 'square'"),
        (
            ["--width", "100", "--longest-side", "100"],
            "The setting longest_side cannot be 100: it must be 0 beside a width or height.",
        ),
        (["--width", "100", "--size-mode", "crop"], "The setting size_mode cannot be 'crop'"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_status_two(words, sentence, good, tmp_path, capsys):
    status: str | int | None
    try:
        status = main(["restore", str(good), "-o", str(tmp_path / "out"), *words])
    except SystemExit as stopped:
        status = stopped.code

    said = capsys.readouterr().err
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_restorer_suggests_the_nearest(good, tmp_path, capsys):
    status = main(["restore", str(good), "-o", str(tmp_path / "out"), "--restorer", "Real-ESRGAN x4"])

    assert status == 2
    assert "Real-ESRGAN x4plus (embedded)" in capsys.readouterr().err


def test_an_unknown_device_is_wrong_use(good, tmp_path, capsys):
    status = main(["restore", str(good), "-o", str(tmp_path / "out"), "--device", "cuda:99"])

    assert status == 2
    assert "The setting device cannot be 'cuda:99'" in capsys.readouterr().err
