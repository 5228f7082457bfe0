"""Who imports whom in a package: rooms, the arrows between them, and circles. Reads syntax trees, imports nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

When = Literal["loading", "running", "typing"]
"""When an import runs: while its file is loaded, when a function is called, or never (`if TYPE_CHECKING`)."""


@dataclass(frozen=True)
class Arrow:
    """One file imports another one of the package. Both are paths in it, such as `engine/data.py`."""

    source: str
    target: str
    when: When


@dataclass(frozen=True)
class Package:
    """The Python files of a folder that can be imported under the folder's name."""

    name: str
    trees: Mapping[str, ast.Module]
    """Path in the folder, such as `engine/data.py` → syntax tree."""

    @classmethod
    def of(cls, folder: Path) -> Package:
        """All files below the folder.

        Raises: FileNotFoundError where there is none; SyntaxError.
        """
        files = sorted(folder.rglob("*.py"))
        if not files:
            raise FileNotFoundError(f"{folder} holds no Python file. Name the folder of a package.")
        sources = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}
        return cls(folder.name, {path: ast.parse(source, path) for path, source in sources.items()})

    def file_of(self, module: str) -> str | None:
        """The file that is loaded under that dotted name; None for a name of another package or inside a file."""
        first, *rest = module.split(".")
        if first != self.name:
            return None
        for path in ("/".join([*rest, "__init__.py"]), "/".join(rest) + ".py"):
            if path in self.trees:
                return path
        return None

    def node_of(self, path: str) -> str:
        """The room that a file belongs to: its folder, or the file alone where the folder has sub-folders."""
        folder = folder_of(path)
        beginning = f"{folder}/" if folder else ""
        has_rooms = any(other.startswith(beginning) and folder_of(other) != folder for other in self.trees)
        return path if has_rooms or not folder else folder


def folder_of(path: str) -> str:
    """The folder of a path in a package; "" for the package's own."""
    return path.rpartition("/")[0]


def arrows_between_files(package: Package) -> list[Arrow]:
    """Every import of one file of the package by another, as often as it is written."""
    found = []
    for path, tree in package.trees.items():
        for node, when in _imports(tree, "loading"):
            targets = {_file_named(package, name) for name in _modules_named(package, path, node)}
            found += [Arrow(path, target, when) for target in targets - {path} if target is not None]
    return found


def arrows_between_rooms(package: Package) -> set[Arrow]:
    """Each pair of rooms once for each time when it is imported, without what a room imports of itself."""
    between = set()
    for arrow in arrows_between_files(package):
        source, target = package.node_of(arrow.source), package.node_of(arrow.target)
        if source != target:
            between.add(Arrow(source, target, arrow.when))
    return between


def rooms(package: Package) -> list[str]:
    """All nodes. An `__init__.py` that only says what its folder is for counts with nothing and is left out."""
    nodes = {package.node_of(path) for path, tree in package.trees.items() if not _is_empty_door(path, tree)}
    return sorted(nodes)


def circles(arrows: Iterable[Arrow]) -> list[list[str]]:
    """Groups of two or more nodes that all lead to each other by imports that run; what only types need counts not."""
    leads_to: dict[str, set[str]] = {}
    for arrow in arrows:
        if arrow.when != "typing":
            leads_to.setdefault(arrow.source, set()).add(arrow.target)
    reached = {node: _reached_from(node, leads_to) for node in leads_to}
    groups = {
        tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
        for node in leads_to
        if node in reached[node]
    }
    return sorted(list(group) for group in groups if len(group) > 1)


def _reached_from(start: str, leads_to: Mapping[str, set[str]]) -> set[str]:
    """All nodes at the end of a way of at least one arrow."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = leads_to.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _imports(node: ast.AST, when: When) -> Iterator[tuple[ast.Import | ast.ImportFrom, When]]:
    """Each import statement below the node with the time when it runs."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield node, when
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for guarded in node.body:
            yield from _imports(guarded, "typing")
        for other in node.orelse:
            yield from _imports(other, when)
    else:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, "running" if is_function and when == "loading" else when)


def _modules_named(package: Package, path: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The dotted names that a statement may load; of `from a import b` that is `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        own = [package.name, *path.split("/")[:-1]]
        base = ".".join([*own[: len(own) - node.level + 1], *filter(None, [node.module])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _file_named(package: Package, module: str) -> str | None:
    """The file of `a.b` where b is a file or a folder, else that of a, whose name b is."""
    return package.file_of(module) or package.file_of(module.rpartition(".")[0])


def _is_empty_door(path: str, tree: ast.Module) -> bool:
    is_prose = all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)
    return path.endswith("__init__.py") and is_prose
