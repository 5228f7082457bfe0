"""What public names say of themselves: whether they have a docstring, and whether it names the shapes of arrays.

A docstring *has a shape* when one of these stands in it, and on nothing else:
* a bracket of two to four sizes such as (H, W, 3), (S, S), (kS, kS, 3), (scale·H, scale·W, 3), (..., 3), (5, 2),
  (knots, 2) or (H, W, 3 or 4), or of one with a comma, (N,). One of them at least is a whole number or a symbol with a
  capital letter: (x, y), (height, width) and (left, top, right, bottom) are no shapes of arrays, nor is the range
  (0, 1), since no size is 0;
* two sizes with ×: 2×3, 512×512, H×W;
* the word shape or shapes, as in "Shapes as in `Parser`".
That the name of a type states a shape elsewhere does not count. The rule sees that a shape is named, not of what.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from house.arrows import Package

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_NUMBER, _SYMBOL = r"[1-9]\d*", r"(?:[\w.]+\s?[·*]\s?|\d*[a-z]?)[A-Z](?:\s?[/·*+−-]\s?\d+)?"
_SIZE = rf"(?:{_NUMBER}(?: (?:or|to) (?:{_NUMBER}|more))?|{_SYMBOL}|[a-z]+|\.\.\.|…)"
_BRACKET = re.compile(rf"\(({_SIZE}(?:,|(?:, {_SIZE}){{1,3}}))\)")
_TIMES = re.compile(rf"(?<![\w.])(?:{_NUMBER}|{_SYMBOL})×(?:{_NUMBER}|{_SYMBOL})(?![\w.]*\w)")
_SHAPE = re.compile(r"\bshapes?\b", re.IGNORECASE)
_ARRAYS = frozenset({"NDArray", "ndarray", "Tensor"})


@dataclass(frozen=True)
class PublicName:
    """A class, function or method that others may use."""

    place: str
    """File, line and dotted name, such as `engine/mask.py:33 feather_mask`."""
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def docstring(self) -> str:
        """ "" where there is none."""
        return ast.get_docstring(self.node) or ""


def has_shape(docstring: str) -> bool:
    """Whether the docstring names a shape, by the rule above."""
    brackets = _BRACKET.findall(docstring)
    if any(re.search(r"[A-Z1-9]", bracket) for bracket in brackets):
        return True
    return bool(_TIMES.search(docstring) or _SHAPE.search(docstring))


def public_names(package: Package) -> list[PublicName]:
    """Classes and functions of all files, and methods of public classes, none of which begins with _."""
    return [
        PublicName(f"{path}:{node.lineno} {name}", node)
        for path, tree in package.trees.items()
        for name, node in _defined(tree.body, "")
    ]


def files_without_docstring(package: Package) -> list[str]:
    """Files whose first statement is no text; empty files too."""
    return [path for path, tree in package.trees.items() if not ast.get_docstring(tree)]


def without_docstring(names: Iterable[PublicName]) -> list[str]:
    """Places of those that say nothing."""
    return [name.place for name in names if not name.docstring]


def of_arrays(package: Package, names: Iterable[PublicName]) -> list[PublicName]:
    """Functions and methods that take or give an array, or a collection of arrays, by their annotations.

    Values that hold arrays, such as a picture, are not arrays.
    """
    words = array_words(package)
    return [name for name in names if isinstance(name.node, Function) and _annotated_words(name.node) & words]


def array_words(package: Package) -> frozenset[str]:
    """NDArray, ndarray, Tensor, and the names that the package's files give to types made of these."""
    words = set(_ARRAYS)
    while True:
        new = {
            target
            for tree in package.trees.values()
            for target, value in _type_aliases(tree)
            if target not in words and _words(value) & words
        }
        if not new:
            return frozenset(words)
        words |= new


def _type_aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Name and type of each `Name: TypeAlias = type` and `Name = type[…]` of a file."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            if "TypeAlias" in ast.unparse(node.annotation):
                yield node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Subscript, ast.BinOp)):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def _defined(body: Iterable[ast.stmt], before: str) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Public definitions of a file or class with their dotted names, also those under `if` and `try`."""
    for node in body:
        if isinstance(node, (ast.ClassDef, *Function)):
            if node.name.startswith("_") or _is_repeated(node):
                continue
            yield f"{before}{node.name}", node  # type: ignore[misc]  # an async function is as good as another
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{before}{node.name}.")
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _defined([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)], before)


def _is_repeated(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is a property's setter or deleter, or one of several signatures: the docstring stands at the other."""
    words = [ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list]
    return bool({"setter", "deleter", "overload"} & set(words))


def _annotated_words(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """All names in the annotations of parameters and of what is given back."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [argument.annotation for argument in every if argument is not None] + [node.returns]
    return {word for annotation in annotations if annotation is not None for word in _words(annotation)}


def _words(annotation: ast.expr) -> set[str]:
    """Names in an annotation, the last part of dotted ones, also inside quotes."""
    words = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words |= set(re.findall(r"\w+", node.value))
    return words
