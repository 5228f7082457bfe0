"""Fakes and measures that tests share. Fakes are for order and failures; what networks do is tested with networks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from lib_facerestore.engine.data import Crop, Face, FloatPixels, ModelUsed, Pixels
from lib_facerestore.engine.faces.align import FFHQ_TEMPLATE_512
from lib_facerestore.engine.ports import CropKernel
from lib_facerestore.errors import InferenceFailed
from lib_facerestore.models.catalogue import ModelSpec


class FakeDetector:
    """Finds the faces it was given, whatever the picture shows."""

    used = ModelUsed("detector", "fake detector", "0" * 64)
    default_threshold = 0.5
    device = "cpu"

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def detect(self, pictures: Sequence[Pixels], threshold: float, short_side_px: int) -> list[list[Face]]:
        return [list(self.faces) for _ in pictures]

    def fall_back(self) -> bool:
        return False

    def avoid(self, device: str, problem: str) -> None:
        raise AssertionError("it never falls back")


class FakeRestorer:
    """Inverts every crop; fails on the faces it was told to fail on."""

    used = ModelUsed("restorer", "fake restorer", "1" * 64)
    has_fidelity = False
    crop_kernel: CropKernel = "linear"
    crop_side_px = 512
    device = "cpu"

    def __init__(self, enlarged: int = 1, failing: frozenset[int] = frozenset()) -> None:
        self.enlarged, self.failing = enlarged, failing
        self.batches: list[list[int]] = []

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        self.batches.append([crop.face.index for crop in crops])
        for crop in crops:
            if crop.face.index in self.failing:
                raise InferenceFailed("fake restorer", "it was told to", crop.face.index)
        return [np.repeat(np.repeat(1 - c.pixels, self.enlarged, 0), self.enlarged, 1) for c in crops]

    def fall_back(self) -> bool:
        return False

    def avoid(self, device: str, problem: str) -> None:
        raise AssertionError("it never falls back")


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> float:
    """Peak signal to noise ratio in dB; infinite for equal arrays."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))


def smooth_noise(height: int, width: int, seed: int = 0, sigma: float = 3.0, dtype: type = np.uint8) -> np.ndarray:
    """A picture without detail finer than `sigma` px, which a warp can bring back."""
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), sigma)
    blurred = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    levels: np.ndarray = np.rint(blurred * np.iinfo(dtype).max).astype(dtype)
    return levels


class CountingMemory:
    """A host's memory that notes what it is asked and told, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def make_room(self, size_bytes: int, device: str) -> None:
        self.calls.append(f"room on {device}")

    def released(self) -> None:
        self.calls.append("released")


def face_at(x: float, y: float, native_side_px: float, degrees: float = 0.0, index: int = 0) -> Face:
    """A face whose crop is a square of that side around (x, y), turned clockwise."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (FFHQ_TEMPLATE_512 - 255.5) @ turn.T * (native_side_px / 512) + (x, y)
    half = native_side_px / 4
    return Face(index, (x - half, y - half, x + half, y + half), landmarks.astype(np.float32), 0.99 - index / 1000)


def put_catalogue(monkeypatch: pytest.MonkeyPatch, specs: tuple[ModelSpec, ...]) -> None:
    """Let the catalogue have these rows, in its own module and behind the door of its room."""
    for module in ("lib_facerestore.models.catalogue.rows", "lib_facerestore.models.catalogue"):
        monkeypatch.setattr(f"{module}.MODELS", specs)
