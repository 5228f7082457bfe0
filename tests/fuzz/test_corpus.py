"""Replays the fuzzer's corpus and findings: every file gives a picture or a sentence, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.errors import PictureError

CORPUS = Path(__file__).parent / "corpus"
READER = Path(__file__).resolve().parents[1] / "helpers" / "pixel_files" / "read_in_children.py"
LIMITS = ReadLimits(megapixels=4, file_megabytes=1)


def test_the_corpus_is_small_and_there():
    sizes = [path.stat().st_size for path in CORPUS.iterdir()]

    assert 100 <= len(sizes) <= 200
    assert sum(sizes) <= 500_000


def test_every_file_of_the_corpus_gives_a_picture_or_a_sentence():
    read = 0
    for path in sorted(CORPUS.iterdir()):
        try:
            picture = decode(path.read_bytes(), path.name, LIMITS)
        except PictureError as error:
            assert str(error).startswith(f"{path.name} "), path.name  # noqa: PT017
        else:
            assert isinstance(picture, Picture)
            read += 1

    assert read > 20  # else the corpus says nothing of what lies behind the headers


def test_what_the_fuzzer_found_stays_within_memory():
    """A GIF of 14×9 px whose first frame was 66158×130945 px took 2.6 GB while Pillow opened it."""
    found = sorted(CORPUS.glob("found-*"))

    done = subprocess.run([sys.executable, READER, *found], capture_output=True, text=True, check=True)

    assert len(found) >= 3
    for line, path in zip(done.stdout.splitlines(), found, strict=True):
        said, extra_mb = json.loads(line)
        assert said.startswith(str(path))
        assert extra_mb < 1000, path.name
