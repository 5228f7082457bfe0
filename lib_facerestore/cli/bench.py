"""`facerestore bench`: finds the benchmark, which comes with the repository and not with the installed package."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from lib_facerestore.cli.console import complain
from lib_facerestore.cli.exit_status import EXIT_WRONG_USE

ROOT = Path(__file__).resolve().parents[2]
RESTORERS = ("GFPGAN", "CodeFormer", "RestoreFormer", "embedded")
VARIANTS = ("full", "half", "openvino", "openvino-half", "same-files")


def add_options(command: argparse.ArgumentParser) -> None:
    """What is measured, and where the rows go."""
    add = command.add_argument
    add("--quick", action="store_true", help="a portrait with GFPGAN and all but the networks, one round: minutes")
    text = "where rows are kept, the table beside it (default: benchmarks/results/speed.json)"
    add("--json", type=Path, default=ROOT / "benchmarks" / "results" / "speed.json", metavar="FILE", help=text)
    add("--device", default="auto", help="auto, gpu, cpu, cuda:1, xpu, mps (default: %(default)s)")
    add("--rounds", type=int, default=3, help="runs of each path after the warm-up (default: %(default)s)")
    add("--scenario", nargs="+", metavar="TEXT", default=[], help="only scenarios whose name holds one of these")
    text = f"any of: {', '.join(RESTORERS)} (default: all)"
    add("--restorer", nargs="+", choices=RESTORERS, default=list(RESTORERS), metavar="NAME", help=text)
    text = f"any of: {', '.join(VARIANTS)}; same-files: with stock's two helpers (default: all)"
    add("--variant", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="WORD", help=text)
    add("--no-memory", action="store_true", help="leave the rows of memory out")


def run_bench(options: argparse.Namespace) -> int:
    """Measure; 2 where the repository is not there."""
    file = ROOT / "benchmarks" / "speed" / "main.py"
    if not file.is_file():
        complain(
            "facerestore bench needs a clone of the repository, which holds benchmarks/ and samples/; run it there."
        )
        return EXIT_WRONG_USE
    sys.path.insert(0, str(ROOT))  # for the benchmark's own imports of `benchmarks.…`
    status: int = importlib.import_module("benchmarks.speed.main").run(options)
    return status
