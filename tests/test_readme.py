"""What README and docs say of the models is what the catalogue and the tests hold; every path they name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lib_facerestore.cli.inventory import model_table
from lib_facerestore.models.catalogue.rows import MODELS

ROOT = Path(__file__).resolve().parents[1]


def text_of(name: str) -> str:
    """The file with every run of spaces and line ends as one space, so that a sentence may be wrapped anywhere."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def test_readmes_model_table_is_the_catalogue():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    _, begin, rest = readme.partition("<!-- models -->")
    table, end, _ = rest.partition("<!-- /models -->")

    assert begin
    assert end
    assert table.strip() == model_table(), "insert the output of: facerestore models --markdown"


def test_the_table_has_each_model_with_its_licence_and_the_start_of_its_hash():
    rows = model_table().splitlines()[2:]

    assert len(rows) == len(MODELS)
    for spec, row in zip(MODELS, rows):
        sha256 = (spec.remote or spec.bundled).sha256
        assert row.startswith(f"| {spec.name} |")
        assert spec.licence in row
        assert sha256[:12] in row
        assert ("one source" in row) == (spec.hash_sources == "one")


@pytest.mark.parametrize("name", ["README.md", "docs/models.md"])
def test_the_reader_is_told_that_the_official_files_were_not_run(name):
    text = text_of(name)

    assert "the official codeformer and gfpgan files were not run in this repository's tests" in text.lower()
    assert "random weights" in text  # what was proven instead


@pytest.mark.parametrize(
    "word",
    [
        "FACERESTORE_OFFLINE", "FACERESTORE_MIRROR", "FACERESTORE_ANY_HOST", "FACERESTORE_HOME", "--mirror",
        "--licence commercial", "--look-in", "--download", "facerestore fetch", "facerestore doctor",
        "half precision",
    ],
)  # fmt: skip
def test_the_models_page_explains(word):
    assert word in text_of("docs/models.md")


def test_the_speeds_are_those_that_were_measured(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.speed import plot, tables

    results = ROOT / "benchmarks" / "results"
    found = json.loads((results / "speed.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert tables.short(found) in readme
    assert (results / "speed.md").read_text(encoding="utf-8") == tables.page(found)
    assert (results / "speed.svg").read_text(encoding="utf-8") == plot.svg(found["rows"])


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
# Where a path in the text may begin: the repository, the package, or the page's own folder.
ROOTS = (ROOT, ROOT / "lib_facerestore")
OF_A_FILE = re.compile(r"[\w./-]+\.(py|md|json|toml|js|css|svg|jpg|png)")


def paths_named_in(text: str) -> set[str]:
    """Targets of links and words in code style that name a file or a folder of the repository.

    A folder lies below a folder that is there; `models/…` without a file's ending is a host's.
    """
    linked = set(re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text))
    for word in re.findall(r"`([^`/\s][^`\s]*)`", text):
        first = word.split("/")[0]
        is_ours = any((root / first).is_dir() for root in ROOTS)
        if OF_A_FILE.fullmatch(word):
            if is_ours or word.endswith((".py", ".md")):
                linked.add(word)
        elif "/" in word and is_ours and first != "models":
            linked.add(word)
    return linked


def missing(page: Path, text: str) -> set[str]:
    bases = (page.parent, *ROOTS)
    return {path for path in paths_named_in(text) if not any((base / path).exists() for base in bases)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_repository_that_a_page_names_is_there(page):
    assert missing(page, page.read_text(encoding="utf-8")) == set()


def test_a_path_that_moved_is_found_out():
    text = (
        "See `engine/gone.py`, `tests/gone/`, `gone.py`, [a page](gone.md#here); `engine/data.py`, `tests/cli/`, "
        "[README](README.md), `models/facerestore` of a host, `outputs/` too, and https://example.org/gone.md."
    )

    assert missing(ROOT / "README.md", text) == {"engine/gone.py", "tests/gone/", "gone.py", "gone.md"}
