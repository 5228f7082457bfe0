"""Files that are no checkpoints: one sentence each, and nothing in them is ever run."""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lib_facerestore.errors import WeightsDamaged, WeightsError, WeightsMissing, WeightsUnknown
from lib_facerestore.models.checkpoints.read import read_checkpoint

STATE = {"conv.weight": torch.arange(4000.0).reshape(40, 100), "conv.bias": torch.ones(40)}


class CreatesAFile:
    """Pickled by name of a function: whoever loads it creates the file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def safetensors(header, data=b"\0" * 16, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def row(begin, end, shape=(2,)):
    return {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}


def saved(tmp_path, content, is_zip=True):
    path = tmp_path / "net.pth"
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    return path


@pytest.mark.parametrize("is_replaced", [False, True], ids=["torch's load", "a host's load"])
@pytest.mark.parametrize("form", ["zip", "old pickle", "protocol 0", "protocol 4", "zip protocol 4"])
def test_a_malicious_pickle_creates_nothing(tmp_path, monkeypatch, form, is_replaced):
    path, proof = tmp_path / "net.pth", tmp_path / "proof"
    evil = {"params": STATE, "more": CreatesAFile(proof)}
    if form.startswith("protocol"):
        path.write_bytes(pickle.dumps(evil["more"], int(form[-1])))
    else:
        torch.save(evil, path, pickle_protocol=4 if "4" in form else 2, _use_new_zipfile_serialization="zip" in form)
    if is_replaced:
        unsafe = torch.load
        monkeypatch.setattr(torch, "load", lambda file, *rest, **more: unsafe(file, weights_only=False))

    with pytest.raises(WeightsError, match=r"^net\.pth "):
        read_checkpoint(path)

    assert not proof.exists()


def test_the_malicious_pickle_of_these_tests_would_work(tmp_path):
    pickle.loads(pickle.dumps(CreatesAFile(tmp_path / "proof")))

    assert (tmp_path / "proof").is_dir()


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "old pickle"])
@pytest.mark.parametrize(
    ("content", "named"),
    [
        (np.float64(0.5), r"numpy\.(_core|core)\.multiarray\.scalar"),
        (argparse.Namespace(lr=1), r"argparse\.Namespace"),
        (CreatesAFile("x"), r"(posix|nt)\.mkdir"),
        (torch.nn.Linear(2, 3), r"torch\.nn\.modules\.linear\.Linear"),
    ],
)
def test_a_refused_class_is_named(tmp_path, content, named, is_zip):
    path = saved(tmp_path, {"params": STATE, "more": content}, is_zip)

    with pytest.raises(WeightsUnknown, match=rf"^net\.pth holds {named}, which is not weights"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"it is empty \(0 bytes\)"),
        (b"\n <!DOCTYPE html><title>404</title>", "it is a web page, expected a checkpoint.*download it again"),
        (b"\xef\xbb\xbf<html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "it is a Git LFS pointer"),
        (b"\0" * 5000, "its first 512 bytes are zeros"),
        (b"GIF89a rest", "it begins with the bytes 47 49 46 38 39 61 20 72"),
        (b"\x80\x02", "torch cannot read it"),
        (b"PK\x03\x04 and no more", "its 16 bytes are no whole zip archive"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path, content, sentence):
    (tmp_path / "net.pth").write_bytes(content)

    with pytest.raises(WeightsDamaged, match=rf"^net\.pth is damaged: {sentence}"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "old pickle"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_cut_checkpoint_is_damaged(tmp_path, share, is_zip):
    path = saved(tmp_path, STATE, is_zip)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    with pytest.raises(WeightsDamaged, match=r"^net\.pth is damaged"):
        read_checkpoint(path)


def test_a_hole_in_the_middle_is_damage_although_torch_would_load_it(tmp_path):
    path = saved(tmp_path, STATE)
    whole = path.read_bytes()
    at = whole.index(STATE["conv.weight"].numpy().tobytes()[400:800])
    path.write_bytes(whole[:at] + b"\0" * 400 + whole[at + 400 :])

    with pytest.raises(WeightsDamaged, match="its record net/data/0 has a wrong checksum"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            safetensors({"a": row(0, 8), "b": row(8, 16)})[:-3],
            "it has 144 bytes, expected 147 bytes as its header says",
        ),
        (safetensors({}, b"")[:5], "it has 5 bytes, its header alone would be"),
        (safetensors({}, length=2**63), "it has 26 bytes, its header alone would be 9,223,372,036,854,775,808 bytes"),
        (safetensors(b"{" + b" " * (17 << 20)), "its header has 17,825,793 bytes, expected at most 16,777,216 bytes"),
        (safetensors(b"{not json"), r"its safetensors header is not valid \(JSONDecodeError\)"),
        (safetensors(b'{"a":' + b"[" * 100_000), "its safetensors header is not valid"),
        (safetensors(b"[1, 2]"), "its safetensors header is not valid"),
        (safetensors({"a": {"dtype": "F32"}}), "its safetensors header is not valid"),
        (safetensors({"a": row(0, "16")}), "its safetensors header is not valid"),
        (safetensors({"a": row(0, 2**60)}), "it has 103 bytes, expected 1,152,921,504,606,847,063 bytes"),
        (safetensors({"a": row(0, 8), "b": row(4, 16, (3,))}), "its header does not fit its data"),
        (safetensors({"a": row(8, 0), "b": row(0, 16, (4,))}), "its header does not fit its data"),
        (safetensors({"a": row(0, 16, (2**40, 2**40))}), "its header does not fit its data"),
        (safetensors({"a": row(-8, 16)}), "its header does not fit its data"),
    ],
)
def test_a_hostile_or_cut_safetensors_file_is_damaged(tmp_path, content, sentence):
    (tmp_path / "net.safetensors").write_bytes(content)

    with pytest.raises(WeightsDamaged, match=rf"^net\.safetensors is damaged: {sentence}"):
        read_checkpoint(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([torch.ones(2)], "holds a list, not tensors with names"),
        ({"a": 1, "b": "two"}, "has no tensors in it. Its first keys are a, b"),
        ({"params": {}}, "has no tensors in it"),
        ({"a": torch.zeros(1).expand(2**20, 2**20)}, "holds the tensor a, which claims more numbers than the file has"),
        ({"a": torch.ones(2, 3).to_sparse()}, r"holds a as a torch\.sparse_coo tensor"),
    ],
)
def test_a_checkpoint_without_plain_named_tensors_is_unknown(tmp_path, content, sentence):
    path = saved(tmp_path, content)

    with pytest.raises(WeightsUnknown, match=rf"^net\.pth {sentence}"):
        read_checkpoint(path)


def test_a_program_is_not_a_checkpoint(tmp_path):
    path = saved(tmp_path, STATE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/constants.pkl", pickle.dumps((), 2))  # by this record torch knows TorchScript

    with pytest.raises(WeightsUnknown, match="is a TorchScript program"):
        read_checkpoint(path)


@pytest.mark.parametrize("first_name", ["storages", "\x80storages"])
def test_a_tar_archive_is_not_given_to_torch(tmp_path, first_name):
    with tarfile.open(tmp_path / "net.pth", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo(first_name), io.BytesIO())

    with pytest.raises(WeightsUnknown, match="is a tar archive"):
        read_checkpoint(tmp_path / "net.pth")


def test_a_zip_of_something_else_is_unknown(tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")

    with pytest.raises(WeightsUnknown, match="is a zip archive without a checkpoint in it"):
        read_checkpoint(tmp_path / "net.pth")


def test_a_safetensors_file_without_tensors_is_unknown(tmp_path):
    save_file({}, tmp_path / "net.safetensors")

    with pytest.raises(WeightsUnknown, match="has no tensors in it"):
        read_checkpoint(tmp_path / "net.safetensors")


def test_a_folder_a_pipe_and_a_strange_suffix_are_named(tmp_path):
    (tmp_path / "folder.pth").mkdir()
    os.mkfifo(tmp_path / "pipe.pth")

    for name, sentence in [("folder.pth", "is a folder"), ("pipe.pth", "is a device or a pipe"), ("x.txt", "must end")]:
        with pytest.raises(WeightsUnknown, match=sentence):
            read_checkpoint(tmp_path / name)


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(WeightsMissing, match=r"The weights of net\.pth are missing"):
        read_checkpoint(tmp_path / "net.pth")


def test_an_unreadable_file_says_so(tmp_path, monkeypatch):
    path = saved(tmp_path, STATE)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # a real one would be readable for root

    with pytest.raises(WeightsDamaged, match=r"it cannot be read \(Permission denied\)"):
        read_checkpoint(path)
