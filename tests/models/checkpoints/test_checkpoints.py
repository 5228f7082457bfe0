"""Checkpoints of every official layout become plain tensors; a host's own torch.load is never asked."""

from __future__ import annotations

import functools
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import load_file, save_file

from lib_facerestore.errors import WeightsUnknown
from lib_facerestore.models.checkpoints.read import read_checkpoint, save_checkpoint


@pytest.fixture
def state():
    torch.manual_seed(1)
    return OrderedDict(
        [("conv.weight", torch.randn(4, 3, 5, 7)), ("conv.bias", torch.randn(4)), ("n", torch.tensor(3))]
    )


def same(found, expected):
    return list(found) == list(expected) and all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "old pickle"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_both_forms_of_torch_save_are_read(tmp_path, state, suffix, is_zip):
    torch.save(state, tmp_path / f"net{suffix}", _use_new_zipfile_serialization=is_zip)

    assert same(read_checkpoint(tmp_path / f"net{suffix}"), state)


@pytest.mark.parametrize("name", ["net.safetensors", "net.SAFETENSORS", "renamed.pth"])
def test_safetensors_are_read_whatever_their_suffix(tmp_path, state, name):
    save_file(dict(state), tmp_path / name)

    found = read_checkpoint(tmp_path / name)

    assert same(dict(sorted(found.items())), dict(sorted(state.items())))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state, other: {"params_ema": state},
        lambda state, other: {"params": other, "params_ema": state},  # GFPGAN, Real-ESRGAN: the averaged ones win
        lambda state, other: {"params": state},
        lambda state, other: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
        lambda state, other: {"state_dict": {"params_ema": state}, "version": "1"},
        lambda state, other: {f"module.{key}": value for key, value in state.items()},
        lambda state, other: {"params_ema": {f"module.{key}": value for key, value in state.items()}},
        lambda state, other: {**state, "iteration": 7, "name": "net", 5: state["n"]},
    ],
)
def test_the_weights_are_found_in_every_wrapping(tmp_path, state, wrap):
    other = {key: value + 1 for key, value in state.items()}
    torch.save(wrap(state, other), tmp_path / "net.pth")

    assert same(read_checkpoint(tmp_path / "net.pth"), state)


def test_a_prefix_that_only_some_keys_have_stays(tmp_path, state):
    mixed = {"module.a": state["n"], "b": state["n"]}
    torch.save(mixed, tmp_path / "net.pth")

    assert same(read_checkpoint(tmp_path / "net.pth"), mixed)


def test_a_table_that_holds_itself_does_not_hang(tmp_path, state):
    endless = {"n": state["n"]}
    endless["params"] = endless
    torch.save(endless, tmp_path / "net.pth")

    assert same(read_checkpoint(tmp_path / "net.pth"), {"n": state["n"]})


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "old pickle"])
def test_shared_and_turned_tensors_become_their_own_and_can_be_saved(tmp_path, state, is_zip):
    weight = state["conv.weight"]
    tied = {"a": weight, "b": weight, "turned": weight.permute(3, 2, 1, 0), "part": weight[1:2]}
    torch.save(tied, tmp_path / "net.pth", _use_new_zipfile_serialization=is_zip)

    found = read_checkpoint(tmp_path / "net.pth")
    save_checkpoint(found, tmp_path / "new" / "net.safetensors")

    assert same(found, tied)
    assert all(tensor.is_contiguous() for tensor in found.values())
    assert len({tensor.untyped_storage().data_ptr() for tensor in found.values()}) == 4
    assert found["part"].untyped_storage().nbytes() == 3 * 5 * 7 * 4
    assert same(dict(sorted(load_file(tmp_path / "new" / "net.safetensors").items())), dict(sorted(tied.items())))


def test_the_file_may_change_after_it_was_read(tmp_path, state):
    torch.save(state, tmp_path / "net.pth")
    found = read_checkpoint(tmp_path / "net.pth")

    size = (tmp_path / "net.pth").stat().st_size
    (tmp_path / "net.pth").write_bytes(b"\xff" * size)

    assert same(found, state)


def test_a_compressed_zip_is_read_as_well(tmp_path, state):
    torch.save(state, tmp_path / "net.pth")
    with zipfile.ZipFile(tmp_path / "net.pth") as old, zipfile.ZipFile(tmp_path / "small.pth", "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))

    assert same(read_checkpoint(tmp_path / "small.pth"), state)


def test_half_precision_stays_half(tmp_path):
    halves = {"a": torch.ones(3, 5, dtype=torch.float16), "b": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(halves, tmp_path / "net.pth")

    found = read_checkpoint(tmp_path / "net.pth")

    assert [tensor.dtype for tensor in found.values()] == [torch.float16, torch.bfloat16]


def test_parameters_come_without_gradients(tmp_path):
    torch.save({"a": torch.nn.Parameter(torch.ones(3))}, tmp_path / "net.pth")

    found = read_checkpoint(tmp_path / "net.pth")

    assert not found["a"].requires_grad


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path, state):
    save_checkpoint({"a": torch.ones(3)}, tmp_path / "net.safetensors")

    with pytest.raises(RuntimeError, match="share memory"):
        save_checkpoint({"a": state["n"], "b": state["n"]}, tmp_path / "net.safetensors")

    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]
    assert torch.equal(read_checkpoint(tmp_path / "net.safetensors")["a"], torch.ones(3))


def hosts_load(*args, **kwargs):
    """A loader as hosts put it at torch.load: it knows no weights_only and runs what it finds."""
    raise AssertionError("the host's loader was called")


@pytest.mark.parametrize("place", ["torch", "torch.serialization"])
@pytest.mark.parametrize("loader", [hosts_load, functools.wraps(torch.load)(lambda *args, **kwargs: hosts_load())])
def test_a_hosts_loader_is_passed_by(tmp_path, state, monkeypatch, place, loader):
    torch.save(state, tmp_path / "net.pth")
    monkeypatch.setattr(f"{place}.load", loader)

    assert same(read_checkpoint(tmp_path / "net.pth"), state)


def test_nothing_is_read_where_no_loader_of_torch_is_left(tmp_path, state, monkeypatch):
    torch.save(state, tmp_path / "net.pth")
    monkeypatch.setattr("torch.load", hosts_load)
    monkeypatch.setattr("torch.serialization.load", pickle.load)

    with pytest.raises(WeightsUnknown, match="has replaced torch's own loader"):
        read_checkpoint(tmp_path / "net.pth")
