"""Every feature on every kind of host; the table in docs/hosts.md.

Run `PYTHONPATH=tests python tests/webui/test_host_matrix.py [a1111 forge …] [--new]` to write the table anew,
or some of its columns, or only the rows that it does not have yet.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from helpers.host_features import FEATURES
from helpers.running_host import EXTENSIONS, REAL_FOLDER, ROOT, make_portrait, start_kind, start_real
from stub_host.process import ENVIRONMENTS

DOCUMENT = ROOT / "docs" / "hosts.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- /matrix -->"
TITLES = {
    "a1111": "A1111", "forge": "Forge", "reforge": "reForge", "classic": "Classic", "neo": "Neo", "sdnext": "SD.Next",
}  # fmt: skip
LOOKING = {"looking_extension": EXTENSIONS / "looking_extension"}
# Not tried on a WebUI that somebody uses: it would have to be started with a flag that lets its API restart it.
ONLY_ON_STUBS = ("Reload UI",)
KINDS = ["real"] if os.environ.get(REAL_FOLDER) else list(ENVIRONMENTS)


def started(kind, folder, portrait):
    """The stub as a kind, or the real WebUI, with the neighbour that looks."""
    environment = {"FACERESTORE_PHOTO": str(portrait)}
    if kind == "real":
        return start_real(os.environ[REAL_FOLDER], extra=LOOKING, environment=environment)
    host = start_kind(kind, folder, extra=LOOKING, environment=environment)
    host.outputs = folder / Path(host.call("/looked")["outputs"]).parts[0]
    return host


def column(host, portrait, left_out=()):
    """What each feature does on a host, but for some. An exception of a check is its cell."""
    cells = {}
    for feature in FEATURES:
        if feature.name in left_out:
            continue
        try:
            cells[feature.name] = feature.check(host, portrait)
        except Exception as error:
            cells[feature.name] = f"FAILS: {type(error).__name__}: {str(error).strip().splitlines()[:1]}"
    return cells


def committed():
    """The columns of the page, by title."""
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = text.split(BEGIN)[1].split(END)[0].strip().splitlines()
    if not lines:
        return {}
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {title: {row[0]: row[number] for row in rows} for number, title in enumerate(head) if number}


def table(columns):
    """The table in Markdown. columns: cells by feature, by title of the host."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for feature in FEATURES:
        lines.append(
            f"| {feature.name} | " + " | ".join(cells.get(feature.name, "") for cells in columns.values()) + " |"
        )
    return "\n".join(lines) + "\n"


# The one whose gradio the tests of variants leave to `make test-long`; see MOSTLY_FORGE.
IN_MAKE_TEST = ("a1111", "real")


@pytest.mark.parametrize(
    "kind", [kind if kind in IN_MAKE_TEST else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]
)
def test_each_kind_of_host_does_what_the_page_tells(kind, tmp_path, portrait):
    with started(kind, tmp_path, portrait) as host:
        is_forge = "backend.memory_management" in host.call("/looked")["modules"]
        title = TITLES.get(kind, "Forge" if is_forge else "A1111")
        left_out = ONLY_ON_STUBS if kind == "real" else ()
        found = column(host, portrait, left_out)

    assert found == {name: cell for name, cell in committed()[title].items() if name not in left_out}
    assert [cell for cell in found.values() if cell.startswith("FAILS")] == []


def write(kinds, only_new):
    """Run the features on these kinds and put what was seen into the page, all else staying."""
    measured = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        portrait = make_portrait(folder / "portrait.png")
        for kind in kinds:
            with started(kind, folder / kind, portrait) as host:
                known = {name: cell for name, cell in committed().get(TITLES[kind], {}).items() if cell and only_new}
                measured[TITLES[kind]] = {**known, **column(host, portrait, known)}
    columns = {**committed(), **measured}
    shown = {title: columns[title] for title in TITLES.values() if title in columns}
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table(shown) + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    write([word for word in sys.argv[1:] if word != "--new"] or ENVIRONMENTS, "--new" in sys.argv)
