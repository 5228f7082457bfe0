"""How large the finished picture is, and how often a network has to run for it. Knows nothing of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from lib_facerestore.errors import SettingsError, SizeTooLarge
from lib_facerestore.settings import setting_range

# A result is at least one pixel; below a twentieth hardly anybody wants one, and 0.0001 is a slip of the finger.
MIN_SCALE, MAX_SCALE = setting_range("scale")
# What the exact resize may add to a network's own factor. Enlarging by so little costs no detail that can be seen, and
# one more run is over factor² as many pixels: 1023 → 4096 px, 4.004 times, took 17 times the work of ×4.
RUN_TOLERANCE = 1.05
# JPEG and WebP stop at 65,535 and 16,383 px; libraries that read pictures begin to fail above 32,767 (int16 maps of
# OpenCV's warps).
MAX_SIDE_PX = int(setting_range("longest_side")[1])
_, _MOST_MEGAPIXELS = setting_range("ceiling_megapixels")


@dataclass(frozen=True)
class TargetSize:
    """The size that was asked for: a scale, or width and/or height, or the longest side. None means not asked for.

    scale: a factor from 0.05 to 8; below 1 the picture shrinks. width, height: px; one alone keeps the aspect. mode,
    where both are given: "fit" stays inside them and keeps the aspect, "crop" fills them and cuts equal parts off both
    ends. longest_side_px: px. max_megapixels: the finished picture has at most that many million pixels, whatever was
    asked for.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    mode: Literal["fit", "crop"] = "fit"
    longest_side_px: int | None = None
    max_megapixels: float = 256.0


@dataclass(frozen=True)
class SizePlan:
    """What to do: resize to `resized_hw` (height, width), then cut out `crop` (left, top, right, bottom), if any.

    notes: sentences for the report, on what differs from what was asked for.
    """

    resized_hw: tuple[int, int]
    crop: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def final_hw(self) -> tuple[int, int]:
        """(height, width) of the finished picture."""
        if self.crop is None:
            return self.resized_hw
        left, top, right, bottom = self.crop
        return bottom - top, right - left


def target_size(size_hw: tuple[int, int], wanted: TargetSize) -> SizePlan:
    """The plan that turns a picture of `size_hw` into the size asked for.

    Raises: SettingsError as `check` does; SizeTooLarge for a picture more than 8 times as wide or high as the source.
    """
    check(wanted)
    height, width = size_hw
    if wanted.mode == "crop" and wanted.width is not None and wanted.height is not None:
        return _cropped(size_hw, wanted.width, wanted.height, wanted.max_megapixels)
    scale = _scale(size_hw, wanted)
    notes: tuple[str, ...] = ()
    allowed = math.sqrt(wanted.max_megapixels * 1e6 / (height * width))
    resized = _sides(size_hw, scale, round_down=False)
    if resized[0] * resized[1] > wanted.max_megapixels * 1e6:
        smaller = _sides(size_hw, min(scale, allowed), round_down=True)
        notes = (_reduced(resized, smaller, wanted.max_megapixels),)
        resized = smaller
    _check_result(size_hw, resized)
    return SizePlan(resized, None, notes)


def enlarges(size_hw: tuple[int, int], resized_hw: tuple[int, int]) -> bool:
    """Whether either side becomes longer: only then does a network that enlarges have something to do."""
    return resized_hw[0] > size_hw[0] or resized_hw[1] > size_hw[1]


def network_runs(network_scale: int, size_hw: tuple[int, int], resized_hw: tuple[int, int]) -> int:
    """How often a network of that factor runs until the exact resize enlarges by at most the tolerance; at least once.

    A network of factor 1 cleans and does not enlarge: once.
    """
    if network_scale <= 1:
        return 1
    needed = max(resized_hw[0] / size_hw[0], resized_hw[1] / size_hw[1])
    count, reached = 1, network_scale
    while reached * RUN_TOLERANCE < needed:
        count, reached = count + 1, reached * network_scale
    return count


def check(wanted: TargetSize) -> None:
    """Whether a size is one for any picture.

    Raises: SettingsError for values that are no size, and for none or more than one of the three ways to ask.
    """
    has_side = wanted.width is not None or wanted.height is not None
    if has_side and wanted.longest_side_px is not None:
        raise SettingsError("longest_side", wanted.longest_side_px, "0 beside a width or height")
    asked = [wanted.scale is not None, has_side, wanted.longest_side_px is not None]
    if sum(asked) != 1:
        allowed = "given, and no other size" if not any(asked) else "the only size: no width, height or longest side"
        raise SettingsError("scale", wanted.scale, allowed)
    if wanted.scale is not None and not MIN_SCALE <= wanted.scale <= MAX_SCALE:  # false for NaN too
        raise SettingsError("scale", wanted.scale, f"a number from {MIN_SCALE:g} to {MAX_SCALE:g}")
    sides = (("width", wanted.width), ("height", wanted.height), ("longest_side", wanted.longest_side_px))
    for name, side in sides:
        if side is not None and not 1 <= side <= MAX_SIDE_PX:
            raise SettingsError(name, side, f"a whole number of pixels from 1 to {MAX_SIDE_PX}")
    if not 0.0 < wanted.max_megapixels <= _MOST_MEGAPIXELS:
        allowed = f"a number above 0 and at most {_MOST_MEGAPIXELS:g}"
        raise SettingsError("max_megapixels", wanted.max_megapixels, allowed)
    if wanted.mode == "crop" and (wanted.width is None or wanted.height is None):
        raise SettingsError("size_mode", wanted.mode, "fit, unless both width and height are given")


def _scale(size_hw: tuple[int, int], wanted: TargetSize) -> float:
    """The factor that fits what was asked for."""
    height, width = size_hw
    if wanted.scale is not None:
        return wanted.scale
    if wanted.longest_side_px is not None:
        return wanted.longest_side_px / max(size_hw)
    factors = [] if wanted.width is None else [wanted.width / width]
    return min(factors + ([] if wanted.height is None else [wanted.height / height]))


def _cropped(size_hw: tuple[int, int], width: int, height: int, max_megapixels: float) -> SizePlan:
    """Cover width × height, then cut equal parts off both ends of the longer axis."""
    notes: tuple[str, ...] = ()
    if width * height > max_megapixels * 1e6:
        smaller = _sides((height, width), math.sqrt(max_megapixels * 1e6 / (height * width)), round_down=True)
        notes = (_reduced((height, width), smaller, max_megapixels),)
        height, width = smaller
    cover = max(height / size_hw[0], width / size_hw[1])
    resized = _sides(size_hw, cover, round_down=False)
    resized = max(resized[0], height), max(resized[1], width)
    _check_result(size_hw, resized)
    top, left = (resized[0] - height) // 2, (resized[1] - width) // 2
    crop = (left, top, left + width, top + height)
    return SizePlan(resized, None if resized == (height, width) else crop, notes)


def _sides(size_hw: tuple[int, int], scale: float, round_down: bool) -> tuple[int, int]:
    """(height, width) times scale, at least 1 px."""
    half = 0.0 if round_down else 0.5
    height, width = (max(1, math.floor(side * scale + half)) for side in size_hw)
    return height, width


def _check_result(size_hw: tuple[int, int], resized_hw: tuple[int, int]) -> None:
    """Raises: SizeTooLarge when the result is more than 8 times the source, or has a side over the limit."""
    largest = [min(math.floor(side * MAX_SCALE + 0.5), MAX_SIDE_PX) for side in size_hw]
    if resized_hw[0] > largest[0] or resized_hw[1] > largest[1]:
        asked = f"{resized_hw[1]}×{resized_hw[0]} px"
        raise SizeTooLarge("size", asked, f"at most {largest[1]}×{largest[0]} px for this picture")


def _reduced(asked_hw: tuple[int, int], given_hw: tuple[int, int], max_megapixels: float) -> str:
    return (
        f"The size was reduced from {asked_hw[1]}×{asked_hw[0]} to {given_hw[1]}×{given_hw[0]} px, "
        f"because {max_megapixels:g} megapixels is the limit."
    )
