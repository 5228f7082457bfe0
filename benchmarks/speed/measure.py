"""Both paths in one process, taking turns after a warm-up: medians of seconds by stage, ratio, equality."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed import scenes
from benchmarks.speed.machine import commit
from benchmarks.speed.ours import OurPath, Variant, agreement
from benchmarks.speed.scenes import Scenario, Scene
from benchmarks.speed.stock import StockPath
from lib_facerestore.engine.data import Pixels
from lib_facerestore.engine.faces import align
from lib_facerestore.models.executors.program import Way
from lib_facerestore.models.executors.verdicts import FULL_AGREES_DB, HALF_AGREES_DB

Row = dict[str, Any]


def measure(
    scenario: Scenario, restorer: str, variants: Sequence[Variant], rounds: int, device: torch.device
) -> list[Row]:
    """One row for each variant of ours, each with the stock path of the same rounds beside it."""
    scene = scenes.scene(scenario)
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, StockPath | OurPath] = {"stock": StockPath(restorer, scenario, device)}
        paths |= {v.name: OurPath(restorer, scenario, v, device, Path(folder)) for v in variants}
        warm_up = scenes.scene(scenes.PORTRAIT)
        for path in paths.values():
            path.run(warm_up)
        seconds: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
        for _ in range(rounds):
            pictures = {}
            for name, path in paths.items():
                pictures[name] = path.run(scene, scenario.pictures)
                seconds[name].append(path.clock.stop())
    agreements = {v.name: _agreement(paths[v.name], warm_up) for v in variants if scenario.has_networks}
    stock_median = _medians(seconds["stock"])
    return [
        {
            "scenario": scenario.name,
            "restorer": restorer if scenario.has_networks else "–",
            "variant": variant.name,
            "device": str(device),
            "rounds": rounds,
            "stock": stock_median,
            "ours": _medians(seconds[variant.name]),
            "ratio": stock_median["total"] / _medians(seconds[variant.name])["total"],
            "ratios": sorted(s["total"] / o["total"] for s, o in zip(seconds["stock"], seconds[variant.name])),
            **agreements.get(variant.name, {}),
            "db_in_faces": _decibels(pictures["stock"], pictures[variant.name], scene),
            "differing_outside": _outside(pictures["stock"], pictures[variant.name], scene),
            "load": os.getloadavg()[0],
            "at": time.strftime("%Y-%m-%d %H:%M"),
            "commit": commit(),
        }
        for variant in variants
    ]


def _agreement(path: Any, scene: Scene) -> Row:
    """How the parts ran, how well they agree with torch in full precision, and the verdict that this would get."""
    crop = align.align(scene.pixels, scene.faces[0], align.CROP_SIDE_PX)
    found, ways = agreement(path, crop)
    needed = min(HALF_AGREES_DB if Way[way].is_half else FULL_AGREES_DB for way in ways)
    return {"ran": list(ways), "agrees_db": found, "earned": found >= needed}


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}


def _decibels(a: Pixels, b: Pixels, scene: Scene) -> float | None:
    """Peak signal to noise ratio within the boxes of the faces; None without faces."""
    if not scene.faces:
        return None
    errors = []
    for face in scene.faces:
        left, top, right, bottom = (max(0, round(edge)) for edge in face.box)
        difference = a[top:bottom, left:right].astype(np.float32) - b[top:bottom, left:right]
        errors.append(float(np.mean(difference**2)))
    return float(10 * np.log10(255**2 / max(np.mean(errors), 1e-9)))


def _outside(a: Pixels, b: Pixels, scene: Scene) -> int:
    """Pixels that differ by more than a level further than two boxes' sides from every face."""
    differs = (np.maximum(a, b) - np.minimum(a, b)).max(axis=2) > 1
    for face in scene.faces:
        left, top, right, bottom = face.box
        width, height = 2 * (right - left), 2 * (bottom - top)
        rows = slice(max(0, round(top - height)), round(bottom + height))
        differs[rows, max(0, round(left - width)) : round(right + width)] = False
    return int(differs.sum())
