"""How `--help` looks: which options come first, which belong together, how wide the lines are. Adds no options."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lib_facerestore.settings import field_types, setting_info

# Longer lines are hard to read, however wide the terminal is.
_WIDEST = 100
_MACHINE = ("device", "precision", "executor", "faces_at_once", "models", "look_in", "download", "mirror", "licence")
_TITLES = {"model": "restoring", "faces": "faces", "mask": "mask", "upscale": "upscaling"}
_ORDER = ("usual options", "restoring", "faces", "mask", "upscaling", "files", "machine")


class Formatter(argparse.HelpFormatter):
    """argparse's, not wider than a book's page."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns - 2, _WIDEST)
        super().__init__(prog, max_help_position=30, width=width)


@dataclass(frozen=True)
class Layout:
    """usual: names of the options that come first, in their order. hidden: those that are taken and not shown."""

    usual: tuple[str, ...]
    hidden: frozenset[str] = frozenset()


RESTORE = Layout(
    ("output", "restorer", "fidelity", "visibility", "which_faces", "scale", "longest_side", "upscaler", "format",
     "overwrite"),
)  # fmt: skip
# Settings of faces mean nothing where faces are left alone; scripts that give them go on working.
UPSCALE = Layout(
    ("output", "scale", "longest_side", "width", "height", "upscaler", "upscale_strength", "denoise", "format",
     "overwrite"),
    frozenset(name for name in field_types() if setting_info(name).group != "upscale" and name != "keep_tone")
    | {"order", "large_faces", "faces_at_once"},
)  # fmt: skip


def sections(layout: Layout, actions: Iterable[argparse.Action]) -> list[tuple[str, Sequence[argparse.Action]]]:
    """Title and options of each part of the help; an option that nobody sorted is one of files."""
    parts: dict[str, list[argparse.Action]] = {"pictures": [], **{title: [] for title in _ORDER}}
    for action in actions:
        if action.dest not in layout.hidden:
            parts[_title(layout, action)].append(action)
    parts["usual options"].sort(key=lambda action: (*layout.usual, action.dest).index(action.dest))
    return [(title, found) for title, found in parts.items() if found]


def _title(layout: Layout, action: argparse.Action) -> str:
    name = action.dest
    if not action.option_strings:
        return "pictures"
    if name in layout.usual or name == "help":
        return "usual options"
    if name in field_types():
        title = _TITLES[setting_info(name).group]
        return title if title == "upscaling" or not layout.hidden else "upscaling"
    if name in ("no_restore", "faces"):
        return "faces"
    if name == "no_upscale":
        return "upscaling"
    return "machine" if name in _MACHINE else "files"
