"""`facerestore bench`: chooses rows, measures them, keeps them in a JSON file, writes the table and the drawing.

Rows measured anew replace those in the file, the others stay: a whole run takes hours on a CPU.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import plot, scenes, tables
from benchmarks.speed.machine import machine
from benchmarks.speed.measure import measure
from benchmarks.speed.memory import peak_factor
from benchmarks.speed.ours import FULL, HALF, OPENVINO, OPENVINO_HALF, SAME_FILES, Variant
from benchmarks.speed.scenes import Scenario
from benchmarks.speed.upscaling import measure_tiles, startup_lines
from lib_facerestore.models import devices

_MEMORY_ROWS = (scenes.AROUND_LARGE, scenes.AROUND_HUGE)
_QUICK = (scenes.PORTRAIT, scenes.AROUND_LARGE)


def run(options: argparse.Namespace) -> int:
    """Measure what the options name; the file is written after each row."""
    device = devices.torch_device(options.device)
    found = _kept(options.json)
    found["machine"] = machine(str(device))
    for scenario, restorer, variants in _chosen(options):
        rounds = 1 if options.quick else options.rounds
        for row in measure(scenario, restorer, variants, rounds, device):
            found["rows"] = _with(found["rows"], row, ("scenario", "restorer", "variant", "device"))
            print(tables.ratio_line(row), flush=True)
        _write(found, options.json)
    if not options.quick and any(text in "x4 tiles" for text in options.scenario or ["tiles"]):
        for row in measure_tiles(options.rounds):
            found["tiles"] = _with(found.get("tiles", []), row, ("network", "method"))
            _write(found, options.json)
    if not options.quick and any(text in "start-up" for text in options.scenario or ["start-up"]):
        found["startup"] = startup_lines()
        _write(found, options.json)
    if not (options.no_memory or options.quick or device.type != "cpu"):
        for scenario in _MEMORY_ROWS:
            if _named(scenario, options.scenario):
                row = {"scenario": scenario.name, **{p: peak_factor(scenario.name, p) for p in ("stock", "ours")}}
                found["memory"] = _with(found["memory"], row, ("scenario",))
                _write(found, options.json)
    print(f"Written: {options.json}, and .md and .svg beside it")
    return 0


def _chosen(options: argparse.Namespace) -> Iterator[tuple[Scenario, str, Sequence[Variant]]]:
    """What is measured together: the variants of one restorer on one scenario."""
    by_name = {
        "full": FULL, "half": HALF, "openvino": OPENVINO, "openvino-half": OPENVINO_HALF, "same-files": SAME_FILES,
    }  # fmt: skip
    variants = [FULL] if options.quick else [by_name[name] for name in options.variant]
    for scenario in _QUICK if options.quick else scenes.SCENARIOS:
        if not _named(scenario, options.scenario):
            continue
        if not scenario.has_networks:
            yield scenario, "–", [FULL]
            continue
        for restorer in ["GFPGAN"] if options.quick else options.restorer:
            yield scenario, restorer, variants


def _named(scenario: Scenario, texts: Sequence[str]) -> bool:
    """Whether it was asked for: by its whole name, or by a part of it that is no other one's whole name."""
    whole = {other.name for other in scenes.SCENARIOS}
    return not texts or any(text == scenario.name or (text not in whole and text in scenario.name) for text in texts)


def _kept(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {"rows": [], "memory": []}
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def _with(rows: list[Any], row: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
    """The rows with this one in the place of the one that has the same keys, or at the end."""
    same = [index for index, other in enumerate(rows) if all(other[key] == row[key] for key in keys)]
    if not same:
        return [*rows, row]
    return [*rows[: same[0]], row, *rows[same[0] + 1 :]]


def _write(found: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    drawing = file.with_suffix(".svg")
    drawing.write_text(plot.svg(found["rows"]), encoding="utf-8")
    file.with_suffix(".md").write_text(tables.page(found, drawing.name), encoding="utf-8")
