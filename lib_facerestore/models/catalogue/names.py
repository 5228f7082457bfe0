"""Finds the rows that a person means by a name as typed. The rows are given; no folder is looked into."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from lib_facerestore.errors import SettingsError
from lib_facerestore.models.catalogue.spec import Kind, ModelSpec
from lib_facerestore.models.checkpoints import SUFFIXES

_EMBEDDED = "embedded"
# Marks of rows that hold a model in another form.
_FORMS = (f"({_EMBEDDED})", "(onnx)")
# Words that may be given instead of a model's name.
_OTHER_WORDS: dict[str, tuple[str, ...]] = {"restorer": ("auto", "none"), "upscaler": ("auto", "Lanczos", "none")}


def plain_name(name: str) -> str:
    """The name in lower case and without "(embedded)" and "(ONNX)"."""
    name = name.lower()
    for form in _FORMS:
        name = name.replace(form, "")
    return name.strip()


def typed_name(name: str) -> str:
    """The name as it can be typed in any shell without quotes: "GFPGAN 1.4" gives "gfpgan-1.4".

    An ONNX form is fetched by its own name: "CodeFormer (ONNX)" gives "codeformer-onnx".
    """
    return plain_name(name.lower().replace("(onnx)", "onnx")).replace(" ", "-")


def exactly(name: str, specs: Iterable[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The rows whose name is the given one; case, "(embedded)" and "(ONNX)" do not matter."""
    wanted = name.lower().strip()
    return tuple(spec for spec in specs if wanted in (spec.name.lower(), plain_name(spec.name)))


def matching(name: str, specs: Iterable[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The rows that a person may mean by the name, in the order given; () where none fits.

    The first of these rules that fits any row decides:
    the name itself; the name, or the name of its file, with other spaces, dots, dashes or the v of a version; the first
    words of an official name, which stand for its family; the last words of a name, where only one model ends so.
    """
    specs = tuple(specs)
    words = _words(name)
    found = exactly(name, specs)
    if found or not words:
        return found
    if _EMBEDDED in words:
        words = [word for word in words if word != _EMBEDDED]
        specs = tuple(spec for spec in specs if _EMBEDDED in _words(spec.name))
    wanted = "".join(words)
    return (
        tuple(spec for spec in specs if wanted in _spellings(spec))
        or tuple(spec for spec in specs if spec.file is None and wanted in _beginnings(spec))
        or _the_one_that_ends(wanted, specs)
    )


def unknown_name(role: Kind | str, name: str, specs: Iterable[ModelSpec], others: Sequence[str] = ()) -> SettingsError:
    """Make the error for a name that no row has; it lists the nearest names, or all of them where none is near.

    others: names that may be given too, beside those of the rows.
    """
    known = [*_OTHER_WORDS.get(role, ()), *(spec.name for spec in specs), *others]
    near = difflib.get_close_matches(name.lower(), [known_name.lower() for known_name in known], 3, 0.4)
    shown = [known_name for known_name in known if known_name.lower() in near]
    if not shown or len(shown) == len(known):
        return SettingsError(role, name, "one of " + ", ".join(known))
    return SettingsError(role, name, f"one of {', '.join(shown)} (near matches; there are {len(known)} names in all)")


def _words(text: str) -> list[str]:
    """The words of a name in lower case: runs of letters or digits.

    The ending of a file of weights and the v of a version such as v1.4 are dropped, but for .onnx, which tells two
    forms of one model apart. A path has no words.
    """
    text = text.lower().strip().replace("+", " plus ")
    stem = text[: -len(PurePath(text).suffix)] if text.endswith(SUFFIXES) else text
    return [] if "/" in stem or "\\" in stem else re.findall(r"[^\W_]+", re.sub(r"v(?=\d+[._-]\d)", "", stem))


def _spellings(spec: ModelSpec) -> set[str]:
    """The row's name and the names of its file, each as its words without anything between them."""
    names = (plain_name(spec.name), *spec.file_names, *([spec.file.name] if spec.file else []))
    return {"".join(_words(name)) for name in names}


def _beginnings(spec: ModelSpec) -> set[str]:
    """The first words of the row's name, without the whole name."""
    words = _words(plain_name(spec.name))
    return {"".join(words[:count]) for count in range(1, len(words))}


def _the_one_that_ends(wanted: str, specs: Iterable[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The rows whose name ends with these words, where they are one model (official, embedded or both), else ().

    A number alone is not enough: it would pick a version of a model that was not named.
    """
    ends = tuple(spec for spec in specs if wanted in _endings(spec))
    is_one = len({plain_name(spec.name) for spec in ends}) == 1
    return ends if is_one and not wanted.isdecimal() else ()


def _endings(spec: ModelSpec) -> set[str]:
    """The last words of the row's name, without the whole name."""
    words = _words(plain_name(spec.name))
    return {"".join(words[first:]) for first in range(1, len(words))}
