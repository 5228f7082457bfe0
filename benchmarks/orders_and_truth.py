"""The three orders against the photograph itself: a face is made smaller, enlarged again, and held against what it was.

python benchmarks/orders_and_truth.py writes the second table of docs/upscaling.md. Sharpness alone cannot tell detail
from outlines; here the photograph says how sharp the face is, and PSNR how far a result is from it.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from upscaled_faces import ORDERS, PAGE, RESTORER, band_energy, face_box

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Box, Picture, Pixels
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- truth: begin -->", "<!-- truth: end -->"
UPSCALERS = ("Real-ESRGAN x4plus (embedded)", "Real-ESRGAN animevideov3 (embedded)")
# Photographs that were not degraded, and the part of each that is used: left, top, right, bottom px.
PARTS: dict[str, Box] = {"hopper": (130, 60, 400, 360), "astronaut": (150, 30, 310, 220)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upscalers", nargs="+", default=UPSCALERS)
    parser.add_argument("--scales", nargs="+", type=int, default=(2, 4))
    chosen = parser.parse_args()
    session, table = Session(Runtime(device="cpu")), []
    for upscaler in chosen.upscalers:
        for part in PARTS:
            for scale in chosen.scales:
                table.append(row(session, part, scale, upscaler))
                print(table[-1], flush=True)
                write(table)


def row(session: Session, part: str, scale: int, upscaler: str) -> str:
    """One Markdown row: for each order the band energy over the photograph's, and PSNR inside the face's box."""
    truth = photograph(part, scale)
    height, width = truth.shape[:2]
    small = cv2.resize(truth, (width // scale, height // scale), interpolation=cv2.INTER_AREA)
    picture = Picture(np.ascontiguousarray(small))
    left, top, right, bottom = (round(edge * scale) for edge in face_box(session, picture))
    original = truth[top:bottom, left:right]
    cells = []
    for order in ("none", *ORDERS):
        face = enlarged(session, picture, scale, order, upscaler)[top:bottom, left:right]
        cells.append(f"{band_energy(face) / band_energy(original):.2f}× · {psnr(face, original):.2f} dB")
    return f"| {part} | ×{scale} | {upscaler.split()[1]} | {band_energy(original):.1f} | {' | '.join(cells)} |"


def photograph(part: str, scale: int) -> Pixels:
    """The part of the photograph, cut to a multiple of the scale."""
    left, top, right, bottom = (round(edge) for edge in PARTS[part])
    whole = pixels.read(ROOT / "samples" / "photographs" / f"{part}.jpg").pixels
    return whole[top : bottom - (bottom - top) % scale, left : right - (right - left) % scale]


def enlarged(session: Session, picture: Picture, scale: int, order: Any, upscaler: str) -> Pixels:
    """The picture at its old size again; "none" leaves the face to the upscaler."""
    settings = RestoreSettings(
        restorer="none" if order == "none" else RESTORER,
        upscaler=upscaler,
        upscale_strength=1.0,
        scale=float(scale),
        order="one pass" if order == "none" else order,
    )
    (result,) = session.restore([picture], settings)
    assert order == "none" or result.report.count("restored") == 1
    return result.picture.pixels


def psnr(face: Pixels, original: Pixels) -> float:
    """Peak signal to noise ratio in dB, of levels of 255."""
    error = float(np.square(face.astype(np.float64) - original).mean())
    return 10 * math.log10(255**2 / error)


def write(table: list[str]) -> None:
    """The table between its marks in the page."""
    head = "| face | scale | upscaler | photograph | upscaler alone | one pass | upscale first | restore first |"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    lines = "\n".join([head, "|---|---|---|---|---|---|---|---|", *table])
    PAGE.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
