"""The bench command is a thin shell: it finds the repository's benchmark, and says so where that is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lib_facerestore.cli import commands, main
from lib_facerestore.cli.exit_status import EXIT_WRONG_USE

ROOT = Path(__file__).resolve().parents[2]


def test_an_installed_package_says_in_one_sentence_what_the_command_needs(tmp_path):
    shutil.copytree(ROOT / "lib_facerestore", tmp_path / "lib_facerestore", ignore=shutil.ignore_patterns("*.pyc"))
    command = [sys.executable, "-m", "lib_facerestore", "bench", "--quick"]

    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == EXIT_WRONG_USE
    assert done.stdout == ""
    assert done.stderr == (
        "facerestore bench needs a clone of the repository, which holds benchmarks/ and samples/; run it there.\n"
    )


def test_the_package_imports_nothing_of_the_benchmark():
    code = "import sys; from lib_facerestore.cli import commands; commands.parser(); print('benchmarks' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Runs the command with a path that takes no time; the rows that it keeps."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.speed import main as benchmark

    stages = dict.fromkeys((*benchmark.tables.STAGES, "total", "cpu"), 1.0)

    def measure(scenario, restorer, variants, rounds, device):
        common = {"scenario": scenario.name, "restorer": restorer, "device": str(device), "rounds": rounds}
        numbers = {"stock": stages, "ours": stages, "ratio": 2.5, "ratios": [2.4, 2.6], "load": 0.5, "commit": "0"}
        return [
            {**common, **numbers, "variant": variant.name, "db_in_faces": 51.0, "differing_outside": 0}
            for variant in variants
        ]

    monkeypatch.setattr(benchmark, "measure", measure)

    def run(*words):
        file = tmp_path / "speed.json"
        assert main(["bench", "--json", str(file), "--device", "cpu", "--no-memory", *words]) == 0
        return json.loads(file.read_text())["rows"], file.with_suffix(".md").read_text()

    return run


def test_rows_measured_anew_replace_the_old_ones_and_the_others_stay(measured):
    first, _ = measured("--quick")
    second, page = measured("--scenario", "portrait, 512", "--restorer", "GFPGAN", "--variant", "full", "half")

    assert [row["rounds"] for row in first] == [1, 1]
    assert len(second) == 3
    assert [row["rounds"] for row in second] == [3, 1, 3]  # the portrait anew, the other scenario, the portrait in half
    assert "≥ 2: held" in page
    assert "≥ 2.7: **missed**" in page


def test_bars_are_as_long_as_the_stages_beside_the_whole_of_stock(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.speed import plot

    stock = {"detect": 1.0, "align": 0.0, "restore": 4.0, "parse": 4.0, "paste": 1.0, "other": 0.0, "total": 10.0}
    ours = {**dict.fromkeys(stock, 0.0), "restore": 2.0, "other": -0.001, "total": 2.0}
    row = {"scenario": "a < b", "restorer": "GFPGAN", "variant": "ours", "device": "cpu", "ratio": 5.0}
    others = [{**row, "variant": "ours, half"}, {**row, "restorer": "–"}]

    drawing = ElementTree.fromstring(plot.svg([{**row, "stock": stock, "ours": ours}, *others]))

    bars = [bar for bar in drawing.iter("{http://www.w3.org/2000/svg}rect") if bar.get("class")]
    px = {bar.get("class"): float(bar.get("width")) for bar in bars}
    assert len(bars) == 12  # one row of three
    assert sum(width for name, width in px.items() if name.startswith("stock")) == pytest.approx(480)
    assert px["stock parse"] == pytest.approx(2 * px["ours restore"]) == pytest.approx(192)
    assert px["ours other"] == 0
    assert "a < b" in [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]


def test_every_restorer_of_the_options_has_weights_to_run_with(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.speed import networks

    options = commands.parser().parse_args(["bench"])

    assert {"embedded"} < set(options.restorer)
    for name in set(options.restorer) - {"embedded"}:
        assert callable(networks._constructor(name))
