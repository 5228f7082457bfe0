"""`facerestore restore` on real photographs with the embedded weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lib_facerestore.cli import main
from lib_facerestore.engine import pixels

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def shared_cache(runtime, monkeypatch):
    """Weights converted once for all tests."""
    monkeypatch.setenv("FACERESTORE_HOME", str(runtime.cache_folder.parent))


@pytest.fixture
def portrait(labels, tmp_path: Path) -> Path:
    """A small degraded photograph with one face."""
    entry = next(entry for entry in labels["photographs"] if len(entry["faces"]) == 1)
    source = ROOT / "samples" / entry["degraded"]
    target = tmp_path / "in" / "portrait.jpg"
    target.parent.mkdir()
    target.write_bytes(source.read_bytes())
    return target


def test_one_picture_is_restored_compared_and_reported(portrait, tmp_path, capsys):
    out = tmp_path / "out"

    status = main(["restore", str(portrait), "-o", str(out), "--compare", "--faces", "--report", str(out / "r.json")])

    before, after = pixels.read(portrait), pixels.read(out / "portrait.jpg")
    (record,) = json.loads((out / "r.json").read_text())
    assert status == 0
    assert record["input"] == str(portrait)
    assert record["output"] == str(out / "portrait.jpg")
    assert [face["outcome"] for face in record["faces"]] == ["restored"]
    assert record["models"][1]["name"] == "Real-ESRGAN x4plus (embedded)"
    assert after.size_hw == before.size_hw
    assert pixels.read(out / "portrait-compare.png").size_hw == (before.size_hw[0], 2 * before.size_hw[1])
    assert sorted(path.name for path in (out / "portrait-faces").iterdir()) == ["01-after.png", "01-before.png"]
    assert "1 face: 1 restored · Real-ESRGAN x4plus (embedded)" in capsys.readouterr().out


def test_visibility_zero_gives_the_same_pixels(portrait, tmp_path):
    main(["restore", str(portrait), "-o", str(tmp_path / "out"), "--visibility", "0", "--format", "png"])

    assert np.array_equal(pixels.read(tmp_path / "out/portrait.png").pixels, pixels.read(portrait).pixels)


def test_two_processes_give_the_same_bytes(portrait, tmp_path):
    for name in ("a", "b"):
        command = [sys.executable, "-m", "lib_facerestore", "restore", str(portrait), "-o", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)

    assert (tmp_path / "a/portrait.jpg").read_bytes() == (tmp_path / "b/portrait.jpg").read_bytes()


def test_piped_output_has_no_progress_bar(portrait, tmp_path):
    command = [sys.executable, "-m", "lib_facerestore", "restore", str(portrait), "-o", str(tmp_path / "out")]

    done = subprocess.run([*command, "--restorer", "none"], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_a_name_template_and_a_format_are_obeyed(portrait, tmp_path):
    main(
        [
            "restore",
            str(portrait),
            "-o",
            str(tmp_path),
            "--restorer",
            "none",
            "--name",
            "{name}-neu",
            "--format",
            "webp",
        ]
    )

    assert pixels.read(tmp_path / "portrait-neu.webp").metadata.format == "WEBP"
