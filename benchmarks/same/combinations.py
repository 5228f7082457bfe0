"""The settings that `same_pixels.py` compares, and the samples that each of them runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Group = Literal["all", "faces", "faceless", "portrait", "crowd"]
"""Samples: all; with and without faces; the one whose face fills most of it; the one with the most faces."""

# Small embedded network, and two of our own that `driver.py` writes with fixed weights: factors 1 and 2.
SMALL, ANIME = "Real-ESRGAN animevideov3 (embedded)", "Real-ESRGAN x4plus anime (embedded)"
TINY_1X, TINY_2X = "tiny_1x", "tiny_2x"
_SINGLED_OUT = {"portrait": "hopper", "crowd": "solvay_1927"}


@dataclass(frozen=True)
class Combination:
    """One row of the table."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    group: Group = "faces"
    every: int = 1
    """Every how many-th sample of the group is taken; the first one moves on from combination to combination."""
    side_px: int = 256
    """Samples are reduced by the least whole number that brings the longest side to this or below."""
    is_deep: bool = False
    """Whether samples come as 16 bits with an alpha channel, a part of which is transparent."""

    @property
    def name(self) -> str:
        """The settings as they would be typed, and what is special of the pictures."""
        words = [f"{name}={value}" for name, value in self.settings.items()] or ["defaults"]
        return ", ".join(words) + (" · 16 bits, alpha" if self.is_deep else "") + f" · ≤ {self.side_px} px"

    def pictures(self, samples: Sequence[Path], number: int) -> list[Path]:
        """The samples of this combination, which is the number-th of all."""
        wanted = [sample for sample in samples if _is_in(sample, self.group)]
        return wanted[number % self.every :: self.every]


def _is_in(sample: Path, group: Group) -> bool:
    if group in _SINGLED_OUT:
        return sample.stem == _SINGLED_OUT[group]
    return group == "all" or (group == "faceless") == (sample.parent.name == "faceless")


def _faces(every: int = 4, side_px: int = 256, is_deep: bool = False, **settings: Any) -> Combination:
    return Combination(settings, "faces", every, side_px, is_deep)


def _upscaled(every: int = 1, side_px: int = 256, is_deep: bool = False, **settings: Any) -> Combination:
    return Combination({"restorer": "none", **settings}, "all", every, side_px, is_deep)


def _large_face(**settings: Any) -> Combination:
    """A face whose place in the result is larger than 512 px."""
    return Combination({"scale": 5.0, "upscaler": SMALL, **settings}, "portrait", every=2, side_px=160)


COMBINATIONS = (
    Combination({}, "all", side_px=448),
    _faces(visibility=0.0),
    _faces(visibility=0.4, mask="feather"),
    _faces(mask="landmarks", mask_feather=0.0),
    _faces(mask="feather", mask_feather=15.0, is_deep=True),
    _faces(which_faces="largest", keep_tone="on"),
    _faces(which_faces="centre", keep_tone="off"),
    _faces(max_faces=2, face_order="left to right", min_face_px=16),
    _faces(max_face_px=60, min_face_percent=50.0),
    Combination({"min_face_px": 900}, "all", every=2),
    _faces(detection_threshold=0.9, detection_size=320),
    Combination({"detection_threshold": 0.3, "max_faces": 1}, "faceless", every=3),
    _faces(second_restorer="auto", which_faces="largest", every=16, side_px=96),
    _faces(second_restorer="auto", second_visibility=0.0, which_faces="largest", every=16, side_px=96),
    Combination({"aligned_input": True, "mask": "feather"}, "portrait", side_px=96),
    Combination({"max_faces": 3, "face_order": "score"}, "crowd", side_px=1000),
    _faces(scale=1.7, upscaler=SMALL, large_faces="off"),
    _faces(scale=2.0, upscaler=SMALL, is_deep=True),
    _faces(scale=2.0, upscaler="lanczos"),
    _faces(scale=2.0, upscaler=SMALL, upscale_strength=0.0),
    _faces(longest_side=330, order="restore first", upscaler=SMALL),
    _faces(scale=2.0, order="upscale first", upscaler=TINY_2X, which_faces="largest", every=8, side_px=128),
    _faces(scale=0.5),
    _large_face(large_faces="auto"),
    _large_face(large_faces="detail"),
    _large_face(large_faces="upsample", upscaler=TINY_2X),
    _upscaled(scale=2.0, upscaler=SMALL),
    _upscaled(scale=2.0, upscaler=SMALL, upscale_strength=1.0, is_deep=True),
    _upscaled(scale=2.0, upscaler="lanczos", second_upscaler=SMALL, second_upscaler_visibility=0.5),
    _upscaled(scale=2.0, upscaler=TINY_2X, second_upscaler="lanczos"),
    _upscaled(scale=2.0, upscaler="lanczos", is_deep=True),
    _upscaled(width=300, height=300, size_mode="crop", upscaler=SMALL),
    _upscaled(width=300, height=300, size_mode="fit", upscaler=TINY_2X, is_deep=True),
    _upscaled(width=100, upscaler=SMALL),
    _upscaled(longest_side=400, upscaler=TINY_2X, keep_tone="on"),
    _upscaled(scale=0.5, is_deep=True),
    _upscaled(scale=3.0, upscaler=TINY_2X, ceiling_megapixels=0.1),
    _upscaled(scale=3.0, upscaler=SMALL, every=4, side_px=128, keep_tone="off"),
    _upscaled(scale=5.0, upscaler=SMALL, every=9, side_px=96),
    _upscaled(scale=1.0, upscaler=TINY_1X),
    _upscaled(scale=1.0, upscaler=TINY_1X, is_deep=True),
    _upscaled(scale=2.0, upscaler=TINY_1X, denoise=0.3),
    _upscaled(scale=4.0, upscaler=ANIME, every=7, side_px=64),
    _upscaled(scale=2.0, upscaler="auto", every=13, side_px=48),
)
