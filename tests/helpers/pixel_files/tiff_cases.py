"""Files of TIFF's many forms with the pixels that their samples stand for, and reading as in a WebUI."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from helpers.pixel_files import raw_tiff
from helpers.pixel_files.raw_tiff import Kind
from lib_facerestore.engine.data import Picture

HEIGHT, WIDTH = 13, 21
COMPRESSIONS = ("none", "packbits", "lzw", "zip", "zstd", "lzma")
_PACKAGES = ("tifffile", "imagecodecs")


@dataclass(frozen=True)
class Case:
    kind: Kind
    bits: int
    is_planar: bool
    how: tuple[str, ...]

    @property
    def samples(self) -> np.ndarray:
        return raw_tiff.samples_of(self.kind, self.bits, HEIGHT, WIDTH)


def whole_range(values: np.ndarray, bits: int) -> np.ndarray:
    kind = np.uint8 if bits <= 8 else np.uint16
    return np.rint(values / ((1 << bits) - 1) * np.iinfo(kind).max).astype(kind)


def expected(case: Case) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and alpha that the file's samples stand for."""
    kind, samples = case.kind, case.samples
    full = whole_range(samples, case.bits)
    largest = np.iinfo(full.dtype).max
    colours = samples.shape[2] - len(kind.extra)
    alpha = full[..., colours] if kind.extra[:1] in ((1,), (2,)) else None
    if kind.photometric == 3:
        return raw_tiff.colour_map(case.bits).T[samples[..., 0]], None
    if kind.photometric == 5:
        light = 1 - full / largest
        return np.rint(light[..., :3] * light[..., 3:4] * largest).astype(full.dtype), alpha
    pixels = full[..., :3] if colours == 3 else np.repeat(full[..., :1], 3, axis=2)
    if kind.photometric == 0:
        pixels = largest - pixels
    if kind.extra == (1,):
        assert alpha is not None
        divided = np.rint(pixels * (largest / np.maximum(alpha, 1).astype(float))[..., None])
        pixels = np.minimum(divided, largest).astype(full.dtype)
    return pixels, alpha


def assert_right(picture: Picture, case: Case) -> None:
    """Division by alpha and inks are computed in float32, which may round a last step the other way."""
    pixels, alpha = expected(case)
    is_computed = case.kind.extra[:1] == (1,) or case.kind.photometric == 5
    assert picture.pixels.dtype == pixels.dtype, case
    assert np.abs(picture.pixels.astype(int) - pixels.astype(int)).max() <= is_computed, case
    assert (picture.alpha is None) == (alpha is None), case
    assert alpha is None or picture.alpha is None or np.array_equal(picture.alpha, alpha), case
    assert picture.is_grey == (case.kind.photometric in (0, 1)), case
    said = "".join(picture.notes)
    assert ("left out" in said) == (0 in case.kind.extra), case


@contextmanager
def without_packages() -> Iterator[None]:
    """As in a WebUI, where Pillow and OpenCV are all there is."""
    with pytest.MonkeyPatch.context() as patch:
        for package in _PACKAGES:
            patch.setitem(sys.modules, package, None)
        yield
