"""The three orders of restoring and upscaling beside each other: sharpness inside the face at ×2 and ×4.

python benchmarks/upscaled_faces.py writes docs/upscaling.md's table and docs/images/orders.jpg. Restorer: embedded
x4plus. Upscaler: embedded animevideov3, because x4plus takes some 30 times as long on a CPU; --upscaler names another.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Box, Picture, Pixels
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import Order, RestoreSettings

ROOT = Path(__file__).resolve().parents[1]
PAGE, SHEET = ROOT / "docs" / "upscaling.md", ROOT / "docs" / "images" / "orders.jpg"
BEGIN, END = "<!-- orders: begin -->", "<!-- orders: end -->"
RESTORER, UPSCALER = "Real-ESRGAN x4plus (embedded)", "Real-ESRGAN animevideov3 (embedded)"
SCALES = (2.0, 4.0)
ORDERS: tuple[Order, ...] = get_args(Order)
# Degraded samples and the part of each that is used: left, top, right, bottom px.
PARTS: dict[str, Box] = {
    "hopper": (0, 0, 128, 150),
    "cameraman": (60, 0, 200, 120),
    "montage_sizes": (10, 20, 170, 160),
}
TILE_PX, HEAD_PX = 300, 20


@dataclass(frozen=True, eq=False)
class Outcome:
    """One order's picture, cut to the face, and its figures."""

    face: Pixels
    energy: float
    seconds: float
    tiles: int


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upscaler", default=UPSCALER)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--scales", nargs="+", type=float, default=SCALES)
    parser.add_argument("--no-write", action="store_true", help="print the rows only")
    chosen = parser.parse_args()
    session, strips, table = Session(Runtime(device="cpu")), [], []
    for part in chosen.parts:
        picture = cut(part)
        for scale in chosen.scales:
            outcomes = {order: run(session, picture, scale, order, chosen.upscaler) for order in ("none", *ORDERS)}
            table.append(row(part, scale, outcomes))
            print(table[-1], flush=True)
            strips.append(strip(f"{part} x{scale:g}", outcomes))
    if not chosen.no_write:
        write(table, strips)


def cut(part: str) -> Picture:
    """The named part of the degraded sample."""
    left, top, right, bottom = (round(edge) for edge in PARTS[part])
    whole = pixels.read(ROOT / "samples" / "degraded" / f"{part}.jpg")
    return Picture(whole.pixels[top:bottom, left:right].copy(), is_grey=whole.is_grey)


def run(session: Session, picture: Picture, scale: float, order: str, upscaler: str) -> Outcome:
    """The picture restored and enlarged in that order; "none" leaves the face to the upscaler."""
    settings = RestoreSettings(
        restorer="none" if order == "none" else RESTORER,
        upscaler=upscaler,
        upscale_strength=1.0,  # a plain resize mixed in would soften what the two other orders give
        scale=scale,
        order="one pass" if order == "none" else order,  # type: ignore[arg-type]
        which_faces="centre",
    )
    started = time.perf_counter()
    (result,) = session.restore([picture], settings)
    seconds = time.perf_counter() - started
    assert order == "none" or result.report.count("restored") == 1, f"{order}: {result.report.faces}"
    box = face_box(session, picture)
    left, top, right, bottom = (round(edge * scale) for edge in box)
    face = result.picture.pixels[top:bottom, left:right]
    return Outcome(face, band_energy(face), seconds, result.report.tiles)


def face_box(session: Session, picture: Picture) -> Box:
    """The box of the face nearest to the centre, found in the input and the same for all orders."""
    detector = session.tools(RestoreSettings(restorer=RESTORER)).detector
    assert detector is not None
    faces = detector.detect([picture.pixels], detector.default_threshold, 640)[0]
    height, width = picture.size_hw
    boxes = sorted(
        (face.box for face in faces),
        key=lambda b: (b[0] + b[2] - width) ** 2 + (b[1] + b[3] - height) ** 2,
    )
    left, top, right, bottom = boxes[0]
    return max(0.0, left), max(0.0, top), min(width, right), min(height, bottom)


def band_energy(face: Pixels) -> float:
    """Mean square of the difference of Gaussians of 1 and 2 output px, in levels of 255, over the grey picture."""
    grey = face.astype(np.float32).mean(axis=2)
    return float(np.square(cv2.GaussianBlur(grey, (0, 0), 1) - cv2.GaussianBlur(grey, (0, 0), 2)).mean())


def row(part: str, scale: float, outcomes: dict[str, Outcome]) -> str:
    """One Markdown row."""
    one = outcomes["one pass"].energy
    others = max(outcomes[order].energy for order in ORDERS if order != "one pass")
    cells = " | ".join(f"{outcome.energy:.2f}" for outcome in outcomes.values())
    seconds = " / ".join(f"{outcomes[order].seconds:.0f}" for order in ORDERS)
    height, width = outcomes["one pass"].face.shape[:2]
    return f"| {part} | ×{scale:g} | {width}×{height} | {cells} | {one / others:.2f}× | {seconds} |"


def strip(name: str, outcomes: dict[str, Outcome]) -> Pixels:
    """The faces of all orders side by side, each under its order and its figure."""
    columns = []
    for order, outcome in outcomes.items():
        height, width = outcome.face.shape[:2]
        ratio = TILE_PX / max(height, width)
        way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_NEAREST
        shown = cv2.resize(outcome.face, (round(width * ratio), round(height * ratio)), interpolation=way)
        tile = np.full((TILE_PX + HEAD_PX, TILE_PX + 4, 3), 255, np.uint8)
        tile[HEAD_PX : HEAD_PX + shown.shape[0], : shown.shape[1]] = shown
        text = f"{name} {order}: {outcome.energy:.1f}"
        cv2.putText(tile, text, (2, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        columns.append(tile)
    return np.hstack(columns)


def write(table: list[str], strips: list[Pixels]) -> None:
    """The table between its marks in the page, and the sheet, at most 500 kB."""
    head = (
        "| face | scale | box, px | upscaler alone | one pass | upscale first | restore first | one pass / best other |"
    )
    lines = [f"{head} seconds |", "|---|---|---|---|---|---|---|---|---|", *table]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}", encoding="utf-8")
    sheet = np.vstack(strips)
    for quality in range(88, 40, -6):
        done = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if done.size <= 500_000:
            break
    SHEET.write_bytes(done.tobytes())


if __name__ == "__main__":
    main()
