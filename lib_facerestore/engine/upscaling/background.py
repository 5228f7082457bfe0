"""The picture enlarged, before any face is placed on it. Knows nothing of faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine import sizes
from lib_facerestore.engine.data import Picture, Pixels, Ran
from lib_facerestore.engine.levels import float_levels, write_rounded
from lib_facerestore.engine.ports import Progress, SizedUpscaler, Tools, UpscaledPixels, Upscaler
from lib_facerestore.engine.ran import Notes
from lib_facerestore.engine.upscaling.alpha_bleed import spread_colours
from lib_facerestore.engine.upscaling.resize import resize_exact, resize_where
from lib_facerestore.settings import RestoreSettings

# What a plain resize is called in reports.
LANCZOS = "Lanczos"
# Rows blended at a time; bounds the float copies to some tens of megabytes.
_BAND_PX = 2_000_000


@dataclass(frozen=True, eq=False)
class Background:
    """An enlarged picture, still uncut."""

    pixels: Pixels
    """(H, W, 3) RGB, writable, of the picture's dtype."""
    alpha: NDArray[Any] | None
    """(H, W), or None."""
    crop: tuple[int, int, int, int] | None
    """(left, top, right, bottom) to cut out at the very end, or None."""
    scale_xy: tuple[float, float]
    """Px of the background per px of the picture."""
    upscaler: str = ""
    """What brought it to its size: the first upscaler where it ran a tile, else "Lanczos"; "" where nothing ran."""
    second_upscaler: str = ""
    """The upscaler that was mixed in, or ""."""
    ran: Ran = Ran()
    """The upscalers that ran."""


def is_scale_1(upscaler: Upscaler | None) -> bool:
    """Whether it is a network of factor 1: it cleans a picture, and so has work at the picture's own size too."""
    return upscaler is not None and upscaler.scale == 1


def _wanted_size(settings: RestoreSettings, upscaler: Upscaler | None = None) -> sizes.TargetSize | None:
    """The size to bring the picture to; None where it keeps its own and the upscaler is not of factor 1."""
    asked = settings.has_side
    if not asked and settings.scale == 1 and not is_scale_1(upscaler):
        return None
    return sizes.TargetSize(
        scale=None if asked else settings.scale,
        width=settings.width or None,
        height=settings.height or None,
        mode=settings.size_mode,
        longest_side_px=settings.longest_side or None,
        max_megapixels=settings.ceiling_megapixels,
    )


def check_size(settings: RestoreSettings, upscaler: Upscaler | None = None) -> None:
    """Refuse a size that no picture can be brought to, before any picture is read; the one rule for all shells.

    Raises: SettingsError, as `sizes.check`.
    """
    wanted = _wanted_size(settings, upscaler)
    if wanted is not None:
        sizes.check(wanted)


def size_plan(
    size_hw: tuple[int, int], settings: RestoreSettings, upscaler: Upscaler | None = None
) -> sizes.SizePlan | None:
    """The one decision on the size of a picture of (height, width): made first, and handed to all that need it.

    None where the picture keeps its size and no network of factor 1 runs on it.
    Raises: SettingsError, SizeTooLarge for this picture.
    """
    wanted = _wanted_size(settings, upscaler)
    return None if wanted is None else sizes.target_size(size_hw, wanted)


def without_idle(tools: Tools, plan: sizes.SizePlan | None, size_hw: tuple[int, int]) -> Tools:
    """The tools without the upscalers that have nothing to do for a picture of that (height, width) and that plan.

    A picture that shrinks is made from its own pixels; enlarging it first would only cost time, and would put a
    network's inventions in. A network of factor 1 cleans at any size. Of a picture that is to keep its size the first
    upscaler stays, for faces larger than their crops: the orders in two steps restore at the picture's own size.
    """
    if plan is not None and sizes.enlarges(size_hw, plan.resized_hw):
        return tools
    first = tools.upscaler if plan is None or is_scale_1(tools.upscaler) else None
    second = tools.second_upscaler if is_scale_1(tools.second_upscaler) else None
    return replace(tools, upscaler=first, second_upscaler=second)


def upscale_picture(
    picture: Picture, plan: sizes.SizePlan | None, tools: Tools, settings: RestoreSettings, progress: Progress
) -> Background:
    """Run the upscalers that the size needs, mix them, and resize once to the plan's exact size.

    plan: see `size_plan`; None copies the picture. tools: see `without_idle`.
    What is fully transparent does not colour what is seen: it is resized on its own.
    Raises: OutOfMemory, InferenceFailed, Interrupted.
    """
    if plan is None:
        return Background(picture.pixels.copy(), picture.alpha, None, (1.0, 1.0))
    height, width = picture.size_hw
    source = picture.pixels
    if picture.alpha is not None:
        source = spread_colours(source, picture.alpha, plan.resized_hw)
    visibility = settings.second_upscaler_visibility if tools.second_upscaler is not None else 0.0
    # Without a first upscaler the second one is mixed with the plain resize.
    has_network = tools.upscaler is not None or visibility > 0
    strength = settings.upscale_strength if has_network else 0.0
    needs_plain = strength < 1 or tools.upscaler is None
    plain = resize_exact(source, plan.resized_hw) if needs_plain else None
    notes = Notes(plan.notes)
    scale_xy = (plan.resized_hw[1] / width, plan.resized_hw[0] / height)
    result, first, second = plain, "" if scale_xy == (1.0, 1.0) else LANCZOS, ""
    if tools.upscaler is not None and strength > 0:
        result, first = _run(tools.upscaler, source, plan.resized_hw, progress, notes)
    assert result is not None, "there is a plain resize or an upscaler"
    if tools.second_upscaler is not None and visibility > 0 and strength > 0:
        other, second = _run(tools.second_upscaler, source, plan.resized_hw, progress, notes)
        result, first = mix(result, other, visibility), first or LANCZOS
    if plain is not None:
        result = mix(plain, result, strength)
    alpha = None if picture.alpha is None else resize_exact(picture.alpha, plan.resized_hw)
    pixels = result if result.flags.writeable else result.copy()
    if alpha is not None and source is not picture.pixels:
        resize_where(picture.pixels, pixels, alpha == 0)
    return Background(pixels, alpha, plan.crop, scale_xy, first, second, notes.ran())


def mix(base: Pixels, top: Pixels, visibility: float) -> Pixels:
    """base + (top − base)·visibility, rounded once; 0 and 1 give one of them bit for bit.

    Shapes: base and top (H, W, 3), both uint8 or both uint16 → the same.
    Works in bands of rows, and over `top` where it may be written on: a large picture is not held once more.
    """
    if visibility in (0, 1):
        return top if visibility else base
    result = top if top.flags.writeable else np.empty_like(top)
    rows = max(1, _BAND_PX // base.shape[1])
    for start in range(0, base.shape[0], rows):
        band = slice(start, start + rows)
        low = float_levels(base[band])
        write_rounded(low + (top[band] - low) * np.float32(visibility), result[band])
    return result


def _run(
    upscaler: Upscaler, pixels: Pixels, resized_hw: tuple[int, int], progress: Progress, notes: Notes
) -> tuple[Pixels, str]:
    """Pixels at the exact size, and what made them: the upscaler, or the plain resize where it ran no tile."""
    tiles = 0
    count = sizes.network_runs(upscaler.scale, (pixels.shape[0], pixels.shape[1]), resized_hw)
    for index in range(count):
        is_last = index == count - 1
        done = _last_run(upscaler, pixels, resized_hw, progress) if is_last else upscaler.upscale(pixels, progress)
        notes.enlarged(upscaler.used, done.tiles, done.device, done.warnings)
        pixels, tiles = done.pixels, tiles + done.tiles
    return pixels, upscaler.used.name if tiles else LANCZOS


def _last_run(upscaler: Upscaler, pixels: Pixels, resized_hw: tuple[int, int], progress: Progress) -> UpscaledPixels:
    """One run and the exact resize: on the way where the upscaler can, else afterwards."""
    if isinstance(upscaler, SizedUpscaler):
        return upscaler.upscale_to(pixels, resized_hw, progress)
    done = upscaler.upscale(pixels, progress)
    return replace(done, pixels=resize_exact(done.pixels, resized_hw))
