"""`benchmarks/structure.py` on tiny packages: the arrows it sees, what is a circle, which docstrings lack shapes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = '"""What this file is for."""\n'


def package(folder, files):
    """A package named house with these files: path → source."""
    house = folder / "house"
    for path, source in files.items():
        file = house / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEXT + source, encoding="utf-8")
    return house


def run(house, *options):
    """Exit status and what the command printed."""
    command = [sys.executable, str(ROOT / "benchmarks" / "structure.py"), str(house), *options]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def figure(printed, what, column=1):
    """One cell of the table of figures."""
    (row,) = re.findall(rf"^\| {re.escape(what)} \|.*\|$", printed, re.MULTILINE)
    return row.strip("| ").split(" | ")[column]


def imports_of(printed, room):
    """What the table of arrows says that a room imports, and what it imports for types only."""
    (row,) = re.findall(
        rf"^\| {re.escape(room)} \| ([^|]*) \| ([^|]*) \|$", printed.partition("Arrows")[2], re.MULTILINE
    )
    return row


def test_two_rooms_that_import_each_other_are_a_circle(tmp_path):
    house = package(
        tmp_path,
        {
            "kitchen/stove.py": "from house.cellar.wine import bottle\n",
            "cellar/wine.py": "import house.kitchen.stove\n",
            "roof.py": "from house.kitchen import stove\n",
        },
    )

    status, printed = run(house, "--check")

    assert status == 1
    assert figure(printed, "circles of rooms") == "1: cellar ↔ kitchen"
    assert figure(printed, "arrows between rooms") == "3"


def test_circle_over_three_rooms_is_one_circle(tmp_path):
    house = package(
        tmp_path,
        {"a/x.py": "import house.b.y\n", "b/y.py": "import house.c.z\n", "c/z.py": "import house.a.x\n"},
    )

    _, printed = run(house)

    assert figure(printed, "circles of rooms") == "1: a ↔ b ↔ c"


def test_arrows_that_all_point_down_pass_the_check(tmp_path):
    house = package(tmp_path, {"a/x.py": "import house.b.y\n", "b/y.py": "", "c/z.py": "import house.a.x\n"})

    status, printed = run(house, "--check")

    assert status == 0
    assert figure(printed, "circles of rooms") == "none"


def test_import_inside_a_function_counts_and_is_told_apart(tmp_path):
    house = package(
        tmp_path,
        {"a/x.py": "def late():\n    from house.b import y\n    return y\n", "b/y.py": "from house.a.x import late\n"},
    )

    status, printed = run(house, "--check")

    assert status == 1
    assert imports_of(printed, "a") == ("(b)", "–")
    assert figure(printed, "of these only inside functions") == "1"


def test_import_for_types_alone_makes_no_circle(tmp_path):
    house = package(
        tmp_path,
        {
            "a/x.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.b.y import Y\n",
            "b/y.py": "import house.a.x\n",
        },
    )

    status, printed = run(house, "--check")

    assert status == 0
    assert imports_of(printed, "a") == ("–", "b")
    assert figure(printed, "arrows only under TYPE_CHECKING") == "1"
    assert figure(printed, "arrows between rooms") == "1"


def test_arrow_leads_to_the_folder_file_or_door_that_is_named(tmp_path):
    house = package(
        tmp_path,
        {
            "engine/data.py": "",
            "engine/faces/__init__.py": "from house.engine.faces.paste import paste_face\n",
            "engine/faces/paste.py": "from house.engine import data\n",
            "models/weights/find.py": "",
            "models/weights/__init__.py": "",
            "models/loading.py": "",
            "by_door.py": "from house.engine.faces import paste_face\n",
            "by_folder.py": "from house.models import weights\n",
            "by_file.py": "from house.models import loading\n",
            "engine/beside.py": "from .faces import paste\nfrom . import data\n",
        },
    )

    _, printed = run(house)

    assert imports_of(printed, "by_door.py") == ("engine/faces", "–")
    assert imports_of(printed, "by_folder.py") == ("models/weights", "–")
    assert imports_of(printed, "by_file.py") == ("models/loading.py", "–")
    assert imports_of(printed, "engine/beside.py") == ("engine/data.py, engine/faces", "–")
    assert imports_of(printed, "engine/faces") == ("engine/data.py", "–")


ARRAYS = """
from typing import TypeAlias
import numpy as np
from numpy.typing import NDArray
Pixels: TypeAlias = NDArray[np.uint8]
Pair: TypeAlias = tuple[Pixels, Pixels]

class Canvas:
    \"\"\"Holds pixels.\"\"\"

    def give(self) -> "Pixels":
        \"\"\"The pixels.\"\"\"

    def __init__(self, pixels: Pixels) -> None:
        pass

    @property
    def place(self) -> int:
        \"\"\"Where it is.\"\"\"

    @place.setter
    def place(self, place: int) -> None:
        pass

def halves(whole: int) -> Pair:
    \"\"\"Both halves at (x, y), resized to (height, width), values in (0, 1).\"\"\"

def _private(pixels: Pixels):
    pass

def count(pixels: list[np.ndarray]):
    return len(pixels)

def no_array(canvas: Canvas) -> int:
    \"\"\"Not of arrays.\"\"\"
"""


def test_public_names_without_docstring_or_shape_are_listed(tmp_path):
    house = package(tmp_path, {"canvas.py": ARRAYS})

    _, printed = run(house, "--list")

    listed = [line.split()[-1] for line in printed.splitlines() if line.startswith("- canvas.py:")]
    assert listed == ["count", "Canvas.give", "halves", "count"]
    # Canvas, give, place once, halves, count, no_array.
    assert figure(printed, "public names") == "6"
    assert figure(printed, "public names without a docstring") == "1"
    assert figure(printed, "public functions of arrays") == "3"
    assert figure(printed, "public functions of arrays without a shape") == "3"


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        ("Pixels (H, W, 3) RGB.", "0"),
        ("Squares (kS, kS, 3) in [0, 1].", "0"),
        ("All (scale·H, scale·W, 3) of it.", "0"),
        ("Points (5, 2) and an affine.", "0"),
        ("Scores (N,) of rows.", "0"),
        ("Samples (H, W, 3 or 4) as read.", "0"),
        ("The affine, 2×3.", "0"),
        ("Shapes as in `Parser`.", "0"),
        ("A point (x, y) in px.", "1"),
        ("Cut to (height, width).", "1"),
        ("A box (left, top, right, bottom) of the picture.", "1"),
        ("Values in (0, 1), 4× as large.", "1"),
        ("Faces (22 px, minimum 24).", "1"),
        ("", "1"),
    ],
)
def test_shape_is_what_the_rule_says(tmp_path, words, lacking):
    source = f'import numpy as np\ndef f(a: np.ndarray) -> None:\n    """Takes an array. {words}"""\n'
    house = package(tmp_path, {"f.py": source})

    _, printed = run(house)

    assert figure(printed, "public functions of arrays without a shape") == lacking


def test_commit_before_stands_beside_what_is_there_now(tmp_path):
    house = package(tmp_path, {"a/x.py": "import house.b.y\n", "b/y.py": "import house.a.x\n"})
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "house"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "a circle"], check=True)
    (house / "b" / "y.py").write_text(TEXT, encoding="utf-8")

    status, printed = run(house, "--before", "HEAD", "--check")

    assert status == 0  # the circle was, and is no more
    assert figure(printed, "circles of rooms", 1) == "1: a ↔ b"
    assert figure(printed, "circles of rooms", 2) == "none"
    assert run(house, "--at", "HEAD", "--check")[0] == 1
    worktrees = subprocess.run([*git, "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(worktrees.splitlines()) == 1
