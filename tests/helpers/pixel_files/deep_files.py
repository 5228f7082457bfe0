"""JPEG 2000, AVIF and PAM files of any depth, by OpenJPEG, libavif and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.pixel_files import other_writers
from helpers.pixel_files.tiff_cases import HEIGHT, WIDTH

_TUPLES = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}


def numbers(channels: int, highest: int) -> np.ndarray:
    """(H, W, channels) from 0 to the highest, both of which occur."""
    values = np.random.default_rng(highest + channels).integers(0, highest + 1, (HEIGHT, WIDTH, channels))
    values[0, 0], values[0, 1] = 0, highest
    return values.astype(np.uint16)


def pam(values: np.ndarray, highest: int) -> bytes:
    height, width, count = values.shape
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {count}\nMAXVAL {highest}\nTUPLTYPE {_TUPLES[count]}\nENDHDR\n"
    return header.encode() + values.astype(">u2" if highest > 255 else "u1").tobytes()


def jpeg2000(source: Path, content: bytes, *options: object, suffix: str = ".jp2") -> bytes:
    """By OpenJPEG, without loss."""
    target = source.with_suffix(suffix)
    source.write_bytes(content)
    return other_writers.written("opj_compress", target, "-i", source, "-o", target, "-n", "1", *options)


def pgx(values: np.ndarray, bits: int, sign: str = "+") -> bytes:
    """One channel, signed where sign is "-"."""
    header = f"PG ML {sign} {bits} {values.shape[1]} {values.shape[0]}\n"
    return header.encode() + values.astype(">u2" if bits > 8 else "u1").tobytes()


def avif(values: np.ndarray, highest: int, depth: int, folder: Path, *options: object) -> bytes:
    """By libavif, from a PNG with that white. options: "-l" stores without loss."""
    source, target = folder / "s.png", folder / "t.avif"
    source.write_bytes(other_writers.run("pamtopng", stdin=pam(values, highest)))
    return other_writers.written("avifenc", target, *options, "-d", depth, "-s", "10", source, target)
