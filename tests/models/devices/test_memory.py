"""What devices tell of their memory, and that asking them never raises. Torch's answers are fakes."""

from __future__ import annotations

import pytest
import torch

from helpers.machines import put_machine
from lib_facerestore.models.adapters.tile_budget import TileBudget, array_bytes_per_px, bytes_per_px, first_budget
from lib_facerestore.models.devices import described, empty_cache, free_bytes, most_faces
from lib_facerestore.runtime import Runtime

XPU, MPS, DIRECTML = torch.device("xpu", 0), torch.device("mps"), torch.device("privateuseone", 0)
MB = 10**6


def refuse(*args):
    raise RuntimeError("The device does not have the ext_intel_free_memory aspect")


def put_memory(monkeypatch, module, free, total=None, reserved=0, allocated=0):
    """Let torch's module answer so; a function that is no number is called instead."""
    properties = type("Properties", (), {"total_memory": total})
    answers = {
        "mem_get_info": free if callable(free) else lambda device: (free, total),
        "get_device_properties": lambda device: properties,
        "memory_reserved": lambda device: reserved,
        "memory_allocated": lambda device: allocated,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(module, name, answer, raising=False)


@pytest.mark.parametrize(("module", "name"), [(torch.cuda, "cuda:0"), (torch.xpu, "xpu:0")])
def test_what_torch_keeps_unused_is_free_too(monkeypatch, module, name):
    put_memory(monkeypatch, module, 1000 * MB, 8000 * MB, reserved=300 * MB, allocated=100 * MB)

    assert free_bytes(torch.device(name)) == 1200 * MB


def test_without_an_answer_what_this_process_has_not_taken_is_free(monkeypatch):
    put_memory(monkeypatch, torch.xpu, refuse, 8000 * MB, reserved=300 * MB, allocated=100 * MB)

    assert free_bytes(XPU) == 7900 * MB


def test_apples_gpu_has_what_the_system_recommends(monkeypatch):
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 11_000 * MB)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 1_000 * MB)

    assert free_bytes(MPS) == 10_000 * MB


@pytest.mark.parametrize(
    "error",
    [RuntimeError("no"), AssertionError("Torch not compiled with XPU enabled"), AttributeError("no"), TypeError("no")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("name", ["cuda:0", "xpu:0", "mps", "privateuseone:0", "meta", "cpu"])
def test_asking_for_memory_never_raises(monkeypatch, name, error):
    def fail(*args):
        raise error

    for module in (torch.cuda, torch.xpu):
        for question in ("mem_get_info", "get_device_properties", "memory_reserved", "memory_allocated", "empty_cache"):
            monkeypatch.setattr(module, question, fail)
    for question in ("recommended_max_memory", "current_allocated_memory", "empty_cache"):
        monkeypatch.setattr(torch.mps, question, fail)
    device = torch.device(name)

    empty_cache(name)
    assert free_bytes(device) is None
    # The constant budget of the CPU, 2 GiB, for one tile; MPS and XPU stay below 4 GB anyway.
    assert first_budget(name, 10_000) == TileBudget(name, 214_748, 1)
    assert described(device)[0].startswith(f"device {name}")


def test_torch_without_a_module_for_the_device_is_asked_in_vain(monkeypatch):
    monkeypatch.delattr(torch, "xpu")

    assert free_bytes(XPU) is None


def test_tiles_of_intels_and_apples_gpus_stay_below_4_gb_in_one_array(monkeypatch):
    put_memory(monkeypatch, torch.cuda, 64_000 * MB, 64_000 * MB)
    put_memory(monkeypatch, torch.xpu, 64_000 * MB, 64_000 * MB)
    need = (bytes_per_px("ESRGAN", 4, 4), array_bytes_per_px("ESRGAN", 4, 4))

    on_cuda, on_xpu = first_budget("cuda:0", *need), first_budget("xpu:0", *need)

    # 8 tiles of 1024² px would be 6.4 GB of features in one array: 192 channels of 4 bytes.
    assert need[1] == 768
    assert on_cuda == TileBudget("cuda:0", 1 << 20, 8)
    assert on_xpu == TileBudget("xpu:0", 1 << 20, 4)
    assert on_xpu.batch * on_xpu.area_px * need[1] < 4 * 10**9 < 5 * on_xpu.area_px * need[1]


def test_a_network_that_nobody_looked_into_has_all_in_one_array():
    assert array_bytes_per_px("DAT", 4, 4) == bytes_per_px("DAT", 4, 4)
    assert array_bytes_per_px("Compact", 8, 4) == 3 * 64 * 4  # the picture that it gives


def test_faces_at_once_stay_below_4_gb_in_one_array():
    many = Runtime(face_batch=64)

    # 128 channels of 512² px in float32 take 134 MB a face.
    assert most_faces(MPS, many.faces_at_once("mps")) == 29
    assert most_faces(XPU, 4) == 4
    assert most_faces(torch.device("cuda", 0), 64) == 64


@pytest.mark.parametrize(
    ("machine", "name", "lines"),
    [
        ({}, "cpu", ["device cpu"]),
        ({"directml": 1}, "privateuseone:0", ["device privateuseone:0 · DirectML · Radeon RX 0"]),
        ({"xpu": 2}, "xpu:1", ["device xpu:1 · XPU · Intel Arc B580 · 9.0 of 12.0 GB free"]),
    ],
    ids=str,
)
def test_a_device_is_described_with_its_name_and_memory(monkeypatch, machine, name, lines):
    put_machine(monkeypatch, **machine)
    put_memory(monkeypatch, torch.xpu, 9_000 * MB, 12_000 * MB)
    monkeypatch.setattr(torch.xpu, "get_device_name", lambda device: "Intel Arc B580")

    said = described(torch.device(name))

    assert list(said[:1]) == lines
    assert said[1].startswith(f"  torch {torch.__version__} was built for ")
    assert said[1].endswith(f" and finds {', '.join(['cpu', *(['xpu:0', 'xpu:1'] if 'xpu' in machine else [])])}"
                            f"{', privateuseone:0' if 'directml' in machine else ''}.")  # fmt: skip


@pytest.mark.parametrize(
    ("hip", "cuda", "xpu", "words"),
    [
        ("6.4.4", None, None, "ROCm 6.4.4"),
        (None, "12.6", None, "CUDA 12.6"),
        (None, None, "20250101", "XPU 20250101"),
        (None, None, None, "the CPU alone"),
    ],
)
def test_the_build_is_named(monkeypatch, hip, cuda, xpu, words):
    for name, value in (("hip", hip), ("cuda", cuda), ("xpu", xpu)):
        monkeypatch.setattr(torch.version, name, value)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: False)

    assert f" was built for {words} and finds " in described(torch.device("cpu"))[1]
