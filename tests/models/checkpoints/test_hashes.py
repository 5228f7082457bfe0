"""SHA-256 of files: remembered, compared, and wrong files named."""

from __future__ import annotations

import hashlib
import os
import random

import pytest

from lib_facerestore.errors import WeightsDamaged, WeightsMissing
from lib_facerestore.models.checkpoints.hashes import HashCache, move_aside, sha256_of, verify_file

CONTENT = random.Random(1).randbytes(300_007)


def test_a_second_damaged_file_gets_a_number(tmp_path):
    for content in (b"one", b"two"):
        (tmp_path / "model.pth").write_bytes(content)
        aside = move_aside(tmp_path / "model.pth")

    assert aside == tmp_path / "model.pth.damaged.2"
    assert aside.read_bytes() == b"two"
    assert (tmp_path / "model.pth.damaged").read_bytes() == b"one"


def test_a_hash_is_remembered_until_the_file_changes(tmp_path):
    path, cache = tmp_path / "model.pth", HashCache.in_folder(tmp_path / "cache")
    path.write_bytes(b"first")
    os.utime(path, ns=(1, 1))
    reads = []

    first = [sha256_of(path, cache, lambda: reads.append(1)) for _ in range(2)]
    path.write_bytes(b"other")  # of the same size
    os.utime(path, ns=(1, 2))
    second = sha256_of(path, cache, lambda: reads.append(1))

    assert first == [hashlib.sha256(b"first").hexdigest()] * 2
    assert second == hashlib.sha256(b"other").hexdigest()
    assert len(reads) == 2


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_hash_cache_is_ignored_and_replaced(tmp_path, rubbish):
    path, cache = tmp_path / "model.pth", HashCache(tmp_path / "hashes.json")
    path.write_bytes(CONTENT)
    cache.file.write_bytes(rubbish)

    sha256 = sha256_of(path, cache)

    assert sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert cache.get(path) == sha256


def test_a_file_as_the_catalogue_knows_it_is_verified(tmp_path):
    (tmp_path / "model.pth").write_bytes(CONTENT)

    verify_file(tmp_path / "model.pth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest().upper())


def test_a_file_of_another_size_is_named_with_both_sizes(tmp_path):
    (tmp_path / "model.pth").write_bytes(CONTENT[:1234])

    with pytest.raises(WeightsDamaged, match=r"^model\.pth is damaged: it has 1,234 bytes, expected 300,007 bytes"):
        verify_file(tmp_path / "model.pth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_a_file_of_another_hash_is_named_with_both_hashes(tmp_path):
    (tmp_path / "model.pth").write_bytes(b"other")
    found, expected = hashlib.sha256(b"other").hexdigest()[:8], hashlib.sha256(b"right").hexdigest()

    with pytest.raises(WeightsDamaged, match=f"its sha256 begins {found}, expected {expected[:8]}"):
        verify_file(tmp_path / "model.pth", 5, expected)


def test_a_file_that_is_not_there_is_missing_and_not_damaged(tmp_path):
    with pytest.raises(WeightsMissing, match=r"model\.pth"):
        verify_file(tmp_path / "model.pth", 5, "0" * 64)


def test_a_folder_of_that_name_is_called_a_folder(tmp_path):
    with pytest.raises(WeightsDamaged, match="it is a folder, expected a file"):
        verify_file(tmp_path, 5, "0" * 64)


def test_a_cache_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "model.pth").write_bytes(CONTENT)
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")

    sha256 = sha256_of(tmp_path / "model.pth", HashCache.in_folder(tmp_path / "cache"))

    assert sha256 == hashlib.sha256(CONTENT).hexdigest()
