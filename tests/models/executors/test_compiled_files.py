"""Compiled graphs in the cache folder: read again as they were written, or not at all."""

import os
import subprocess
import sys

import pytest

from lib_facerestore.models.executors import CompiledFiles

KEY = "sha256 OPENVINO_FULL 1×3×512×512 openvino 1"
DATA = b"\x00\n" * 1000


@pytest.fixture
def files(tmp_path):
    return CompiledFiles.in_cache(tmp_path)


def test_what_was_kept_is_read_again(files):
    assert files.write(KEY, DATA) == ""

    assert files.read(KEY) == DATA
    assert files.has(KEY)
    assert files.count() == (1, files.path(KEY).stat().st_size)


def test_another_key_finds_nothing(files):
    files.write(KEY, DATA)

    assert files.read(KEY.replace("512", "256")) is None
    assert not files.has(KEY.replace("512", "256"))


def test_a_file_under_another_keys_name_is_not_taken(files):
    files.write(KEY, DATA)
    os.rename(files.path(KEY), files.path("another"))

    assert files.read("another") is None


@pytest.mark.parametrize("kept_bytes", [0, 1, 60, 150, 1000, -1])
def test_a_truncated_file_is_noticed_and_removed(files, kept_bytes, caplog):
    files.write(KEY, DATA)
    whole = files.path(KEY).read_bytes()
    files.path(KEY).write_bytes(whole[:kept_bytes])

    assert files.read(KEY) is None
    assert not files.path(KEY).exists()
    assert "is damaged and was removed" in caplog.text


@pytest.mark.parametrize("place", [10, 100, -1])
def test_a_changed_byte_is_noticed(files, place):
    files.write(KEY, DATA)
    poisoned = bytearray(files.path(KEY).read_bytes())
    poisoned[place] ^= 1
    files.path(KEY).write_bytes(poisoned)

    assert files.read(KEY) is None


@pytest.mark.parametrize("line", [b"[" * 5000, b"\xff\xfe\n", b"[1]\n", b'{"key": 1}\n', b""])
def test_a_file_without_a_header_is_noticed(files, line):
    files.folder.mkdir(parents=True)
    files.path(KEY).write_bytes(line + DATA)

    assert files.read(KEY) is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "compiled").write_text("a file stands where the folder should be")

    refused = CompiledFiles.in_cache(tmp_path).write(KEY, DATA)

    assert refused.startswith(f"The compiled network was not kept in {tmp_path / 'compiled'} (")
    assert CompiledFiles.in_cache(tmp_path).read(KEY) is None


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from lib_facerestore.models.executors import CompiledFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
print(CompiledFiles.in_cache(Path(sys.argv[1])).write("key", bytes(5000)))
"""


def test_a_disk_that_is_full_half_way_leaves_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)

    assert "was not kept" in done.stdout
    assert list((tmp_path / "compiled").iterdir()) == []


def test_all_are_counted_and_cleared(files):
    assert files.clear() == 0
    for number in range(3):
        files.write(f"{KEY} {number}", DATA)

    assert files.count()[0] == 3
    assert files.clear() == 3
    assert files.count() == (0, 0)
