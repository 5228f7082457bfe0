"""The house's structure as Markdown tables: rooms, arrows, circles, lengths of files, what docstrings leave out.

python benchmarks/structure.py [FOLDER]            a package's folder; default: this repository's lib_facerestore
python benchmarks/structure.py --at COMMIT         the same folder at that commit
python benchmarks/structure.py --before COMMIT     that commit and now, side by side
--list names what is counted. --check exits with 1 where rooms import each other in a circle.

A folder with Python files is a room. In a folder that has sub-folders each file counts alone, `engine/data.py`. An
arrow is a pair of rooms of which the first imports the second, at the top of a file or inside a function; `from a
import b` leads to b where b is a file or a folder, else to the door of a, its `__init__.py`. Imports under
`if TYPE_CHECKING` are counted apart and make no circle. When a shape counts as named: benchmarks/house/docstrings.py.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from house import arrows, docstrings
from house.arrows import Arrow, Package
from house.commits import checked_out, git

ROOT = Path(__file__).resolve().parents[1]
LONG_FILE_LINES = 200


@dataclass(frozen=True)
class House:
    """All that the tables say of one state of a package."""

    title: str
    lines: Mapping[str, int]
    """Path in the package → number of lines."""
    rooms: Sequence[str]
    arrows: frozenset[Arrow]
    circles: Sequence[Sequence[str]]
    circles_of_files: Sequence[Sequence[str]]
    public_names: int
    undocumented: Sequence[str]
    undocumented_files: Sequence[str]
    array_functions: int
    shapeless: Sequence[str]

    @classmethod
    def of(cls, folder: Path, title: str) -> House:
        """Read the package in that folder."""
        package = Package.of(folder)
        names = docstrings.public_names(package)
        of_arrays = docstrings.of_arrays(package, names)
        between = arrows.arrows_between_rooms(package)
        return cls(
            title,
            {path: len((folder / path).read_text(encoding="utf-8").splitlines()) for path in package.trees},
            arrows.rooms(package),
            frozenset(between),
            arrows.circles(between),
            arrows.circles(arrows.arrows_between_files(package)),
            len(names),
            docstrings.without_docstring(names),
            docstrings.files_without_docstring(package),
            len(of_arrays),
            [name.place for name in of_arrays if not docstrings.has_shape(name.docstring)],
        )

    def pairs(self, *when: str) -> set[tuple[str, str]]:
        """The pairs of rooms that are imported at one of these times."""
        return {(arrow.source, arrow.target) for arrow in self.arrows if arrow.when in when}


def figures(house: House) -> dict[str, str]:
    """What is counted → the figure."""
    lines = house.lines
    longest = max(lines, key=lambda path: lines[path])
    at_loading, running = house.pairs("loading"), house.pairs("loading", "running")
    return {
        "files": str(len(lines)),
        "folders with files": str(len({arrows.folder_of(path) for path in lines})),
        "most files in a folder": str(max(count for count, _, _ in folders(house).values())),
        "median file, lines": f"{statistics.median(lines.values()):g}",
        "longest file, lines": f"{lines[longest]} ({longest})",
        f"files over {LONG_FILE_LINES} lines": str(sum(count > LONG_FILE_LINES for count in lines.values())),
        "rooms": str(len(house.rooms)),
        "arrows between rooms": str(len(running)),
        "of these only inside functions": str(len(running - at_loading)),
        "arrows only under TYPE_CHECKING": str(len(house.pairs("typing") - running)),
        "circles of rooms": _circles(house.circles),
        "circles of single files": _circles(house.circles_of_files),
        "public names": str(house.public_names),
        "public names without a docstring": str(len(house.undocumented)),
        "files without a docstring": str(len(house.undocumented_files)),
        "public functions of arrays": str(house.array_functions),
        "public functions of arrays without a shape": str(len(house.shapeless)),
    }


def folders(house: House) -> dict[str, tuple[int, int, str]]:
    """Folder → number of files, lines of the longest one, its name."""
    found: dict[str, list[str]] = {}
    for path in house.lines:
        found.setdefault(arrows.folder_of(path) or ".", []).append(path)
    longest = {folder: max(paths, key=lambda path: house.lines[path]) for folder, paths in found.items()}
    return {
        folder: (len(found[folder]), house.lines[path], path.rpartition("/")[2]) for folder, path in longest.items()
    }


def _circles(found: Sequence[Sequence[str]]) -> str:
    return "none" if not found else f"{len(found)}: " + "; ".join(" ↔ ".join(members) for members in found)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def side_by_side(houses: Sequence[House]) -> str:
    """The figures and the folders of all houses, a column or two for each."""
    columns = [figures(house) for house in houses]
    counted = table(
        ["what", *(house.title for house in houses)], ([key, *(c[key] for c in columns)] for key in columns[0])
    )
    by_folder = [folders(house) for house in houses]
    head = ["folder"]
    for house in houses:
        head += [f"files, {house.title}", f"longest, {house.title}"]
    rows = []
    for folder in sorted({name for found in by_folder for name in found}):
        row = [folder]
        for found in by_folder:
            count, lines, name = found.get(folder, (0, 0, ""))
            row += [str(count), f"{lines} ({name})"] if count else ["–", "–"]
        rows.append(row)
    return f"{counted}\n\n{table(head, rows)}"


def arrow_table(house: House) -> str:
    """Each room with the rooms it imports; in brackets those that it imports only inside functions."""
    at_loading, running = house.pairs("loading"), house.pairs("loading", "running")
    only_typing = house.pairs("typing") - running
    rows = []
    for room in house.rooms:
        imported = [f"{b}" if (a, b) in at_loading else f"({b})" for a, b in sorted(running) if a == room]
        for_types = [b for a, b in sorted(only_typing) if a == room]
        rows.append([room, ", ".join(imported) or "–", ", ".join(for_types) or "–"])
    title = f"Arrows, {house.title}; (only inside functions)"
    return f"{title}\n\n{table(['room', 'imports', 'only for types'], rows)}"


def lists(house: House) -> str:
    """The places behind the figures."""
    parts = {
        "public names without a docstring": house.undocumented,
        "files without a docstring": house.undocumented_files,
        "public functions of arrays without a shape": house.shapeless,
    }
    texts = [
        f"{title}, {house.title}: {len(places)}\n" + "".join(f"- {place}\n" for place in places)
        for title, places in parts.items()
    ]
    return "\n".join(texts)


def options() -> argparse.Namespace:
    """The command line's words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "lib_facerestore")
    parser.add_argument("--at", metavar="COMMIT", help="read the folder as it is in this commit")
    parser.add_argument("--before", metavar="COMMIT", help="show this commit beside it")
    parser.add_argument("--list", action="store_true", help="name what lacks a docstring or a shape")
    parser.add_argument("--check", action="store_true", help="exit with 1 where there is a circle of rooms")
    return parser.parse_args()


def read(folder: Path, commit: str | None) -> House:
    """The house as it is, or as it is in that commit of the repository that the folder is in."""
    if commit is None:
        return House.of(folder, "now")
    top = Path(git(folder, "rev-parse", "--show-toplevel"))
    with checked_out(top, commit) as tree:
        return House.of(tree / folder.resolve().relative_to(top.resolve()), commit)


def main() -> int:
    """Print the tables; 1 where --check finds a circle."""
    chosen = options()
    houses = [read(chosen.folder, chosen.before)] if chosen.before else []
    houses.append(read(chosen.folder, chosen.at))
    print(side_by_side(houses))
    for house in houses:
        print(f"\n{arrow_table(house)}")
        if chosen.list:
            print(f"\n{lists(house)}")
    return 1 if chosen.check and houses[-1].circles else 0


if __name__ == "__main__":
    raise SystemExit(main())
