"""How a caller wants results to be encoded and named. Knows nothing of encoding itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from lib_facerestore.engine.pixels.suffixes import WRITTEN_AS
from lib_facerestore.errors import SettingsError

FormatName = Literal["same", "png", "jpeg", "webp", "tiff", "bmp", "avif"]
Chroma = Literal["auto", "4:4:4", "4:2:2", "4:2:0"]


@dataclass(frozen=True)
class WriteOptions:
    """How results are encoded.

    format: "same" keeps the source's where it can be written, else PNG.
    quality: 1 to 100 for JPEG, WebP and AVIF; 0 means at least the source's: JPEG takes the finer of the source's
    tables and those of quality 95, WebP and AVIF take 95, and a lossless WebP stays lossless.
    chroma: JPEG's colour resolution; auto keeps the source's.
    name: template of the file name without suffix; {name} is the source's.
    """

    format: FormatName = "same"
    quality: int = 0
    chroma: Chroma = "auto"
    name: str = "{name}"

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 100:
            raise SettingsError("quality", self.quality, "a whole number from 0 to 100")
        example = self.target_stem("name")
        if not example or example in (".", "..") or set(example) & set('/\\:*?"<>|\0'):
            raise SettingsError("name", self.name, "a file name with {name} in it, such as {name}-restored")

    def target_stem(self, source_stem: str) -> str:
        """The result's name without suffix."""
        return self.name.replace("{name}", source_stem)


def output_suffix(source: Path, options: WriteOptions) -> str:
    """The result's suffix: the source's where that format can be written, .png where it cannot."""
    if options.format != "same":
        return {"jpeg": ".jpg", "tiff": ".tif"}.get(options.format, f".{options.format}")
    suffix = source.suffix.lower()
    writable = suffix in WRITTEN_AS and (suffix != ".avif" or _has_avif())
    return source.suffix if writable else ".png"


def _has_avif() -> bool:
    Image.init()
    return "AVIF" in Image.SAVE
