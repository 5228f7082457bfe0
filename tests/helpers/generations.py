"""What tests of generations share: what our record and status say, pictures compared, requests put together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from helpers.running_host import Made
from stub_host.process import encoded

EACH = "each picture before it is saved"
RECORD = "Face restore: Real-ESRGAN x4plus (embedded), Face restore visibility: 1, Face restore faces: 1/1"
STATUS = re.compile(r"1 face: 1 restored · Real-ESRGAN x4plus \(embedded\)(.*) · \d+\.\d\d s · cpu")


def array(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def differs(a: Image.Image, b: Image.Image) -> float:
    """Part of the pixels that differ by more than a level or two."""
    return float((np.abs(array(a).astype(int) - array(b).astype(int)).max(2) > 2).mean())


def names(made: Made) -> list[str]:
    return [path.name for path in made.files]


def text_of(path: Path) -> str:
    return str(Image.open(path).info.get("parameters", ""))


def seed_in(text: str) -> int:
    found = re.search(r"Seed: (\d+)", text)
    assert found, text
    return int(found[1])


def img2img(portrait: Path, **more: object) -> dict[str, Any]:
    picture = Image.open(portrait)
    return {"init_images": [encoded(picture)], "denoising_strength": 0.5, **more}


def face_mask(portrait: Path) -> str:
    """White over the left half of the picture, where a part of the face is."""
    picture = Image.open(portrait)
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, picture.width // 2, picture.height), fill=255)
    return encoded(mask)
