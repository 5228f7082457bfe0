"""Whether two commits give the same pixels: all samples, dozens of settings combinations, sizes, alpha and texts.

python benchmarks/same_pixels.py BEFORE [AFTER]     two commits; AFTER: HEAD when not said

Each commit is checked out into a temporary worktree and runs `same/driver.py` in a process of its own, with the same
number of threads and with networks that stay warm. `same/combinations.py` says what runs on which samples, and how far
these are reduced first. Both commits get the samples of the working tree, whose other files are not looked at.
Compared to the bit: size, type, pixels and alpha. Reports and the records that a WebUI writes are compared as text,
without seconds; what differs there is printed and counted, and is for a person to judge. Exit status 1: pixels differ.

Not covered, because their weights come in no package: CodeFormer's weight, parsed masks, the denoise strength.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from house.commits import checked_out, git

ROOT = Path(__file__).resolve().parents[1]
DRIVER = ROOT / "benchmarks" / "same" / "driver.py"
THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
Key = tuple[str, str]
"""Combination and picture."""


@dataclass(frozen=True)
class Run:
    """What one commit gave."""

    commit: str
    results: dict[Key, dict[str, str]]
    seconds: dict[str, float]
    records: str
    """Where the function that makes records was, or why there is none."""
    minutes: float


def run(commit: str, threads: int, only: str) -> Run:
    """Check the commit out and run the driver on its files.

    Raises: subprocess.CalledProcessError where the driver stops; its traceback is on standard error.
    """
    started = time.perf_counter()
    print(f"{commit}:", file=sys.stderr)
    with checked_out(ROOT, commit) as tree, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "results.json"
        environment = os.environ | dict.fromkeys(THREAD_COUNTS, str(threads)) | {"PYTHONPATH": str(tree)}
        command = [sys.executable, str(DRIVER), str(ROOT / "samples"), str(target), only]
        subprocess.run(command, check=True, cwd=tree, env=environment)
        found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        if not Path(found["house"]).is_relative_to(tree):
            raise RuntimeError(f"{commit}: the driver ran {found['house']}, which is not in the commit's worktree.")
    results = {(result["combination"], result["picture"]): result for result in found["results"]}
    return Run(commit, results, found["seconds"], found["records"], (time.perf_counter() - started) / 60)


def compared_parts(before: Run, after: Run) -> tuple[str, ...]:
    """Parts of the results that both commits have."""
    has_records = all(run.records.startswith("lib_facerestore.") for run in (before, after))
    return ("pixels", "report", "record") if has_records else ("pixels", "report")


def differing(before: Run, after: Run, part: str) -> list[Key]:
    """Where one part of the results differs; a result that only one of them has differs too."""
    keys = dict.fromkeys([*before.results, *after.results])
    nothing: dict[str, str] = {}
    return [
        key for key in keys if before.results.get(key, nothing).get(part) != after.results.get(key, nothing).get(part)
    ]


def table(before: Run, after: Run) -> str:
    """A row for each combination."""
    pictures = Counter(combination for combination, _ in {**before.results, **after.results})
    parts = compared_parts(before, after)
    differences = [Counter(name for name, _ in differing(before, after, part)) for part in parts]
    rows = [["combination", "pictures", *parts, "s before", "s after"]]
    rows.append(["---"] * len(rows[0]))
    for name, count in pictures.items():
        words = [f"{different[name]} differ" if different[name] else "same" for different in differences]
        rows.append([name, str(count), *words, *(f"{run.seconds.get(name, 0):.1f}" for run in (before, after))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def text_differences(before: Run, after: Run, part: str) -> str:
    """Unified diffs of one part's texts; changed lines that are the same in many results are printed once."""
    found: dict[str, list[Key]] = {}
    for key in differing(before, after, part):
        old, new = (run.results.get(key, {}).get(part, "").splitlines() for run in (before, after))
        lines = list(difflib.unified_diff(old, new, before.commit, after.commit, n=0, lineterm=""))
        # Without the numbers of the lines, which differ with the number of faces.
        found.setdefault("\n".join("@@" if line.startswith("@@") else line for line in lines), []).append(key)
    blocks = []
    for lines_changed, keys in found.items():
        combination, picture = keys[0]
        blocks.append(f"{part}, {len(keys)} results, the first: {picture} with {combination}\n{lines_changed}")
    return "\n\n".join(blocks)


def coverage(before: Run) -> str:
    """How many results there are, and how often each sample takes part."""
    uses = Counter(picture for _, picture in before.results)
    combinations = len({combination for combination, _ in before.results})
    each = f"each in {min(uses.values())} to {max(uses.values())} of them"
    return f"{len(before.results)} results: {combinations} combinations, {len(uses)} samples, {each}"


def summary(before: Run, after: Run) -> str:
    """The counts of all that differs, and the minutes."""
    parts = compared_parts(before, after)
    counts = ", ".join(f"{part} differ in {len(differing(before, after, part))}" for part in parts)
    minutes = f"{before.minutes:.1f} + {after.minutes:.1f} minutes"
    lines = [f"{coverage(before)}; {counts}; {minutes}"]
    lines += sorted({run.records for run in (before, after) if "record" not in parts and " " in run.records})
    return "\n".join(lines)


def options() -> argparse.Namespace:
    """The command line's words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", metavar="BEFORE")
    parser.add_argument("after", metavar="AFTER", nargs="?", default="HEAD")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each process (default: all cores)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only combinations whose name holds the text")
    return parser.parse_args()


def main() -> int:
    """Run both commits and print what differs; 1 where pixels do."""
    chosen = options()
    # Names such as HEAD as what they mean now, before anything takes minutes.
    commits = [
        git(ROOT, "rev-parse", "--short", "--verify", f"{name}^{{commit}}") for name in (chosen.before, chosen.after)
    ]
    if git(ROOT, "status", "--porcelain", "--untracked-files=no"):
        print("The working tree has changes that are not committed; they are not compared.", file=sys.stderr)
    before, after = (run(commit, chosen.threads, chosen.only) for commit in commits)
    print(f"Pixels of {before.commit} and {after.commit}, {chosen.threads} threads\n\n{table(before, after)}\n")
    for combination, picture in differing(before, after, "pixels"):
        print(f"Other pixels: {picture} with {combination}")
    for part in compared_parts(before, after)[1:]:
        if differing(before, after, part):
            print(f"{text_differences(before, after, part)}\n")
    if not before.results:
        raise SystemExit(f"No combination's name holds {chosen.only!r}: nothing was compared.")
    print(summary(before, after))
    return 1 if differing(before, after, "pixels") else 0


if __name__ == "__main__":
    raise SystemExit(main())
