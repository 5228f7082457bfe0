"""Words of a command line as values: each says in its own sentence what it does not take."""

from __future__ import annotations

import argparse

# Four faces take 2.7 GB of a GPU with GFPGAN in float32; a thousand is a slip of the finger.
MOST_FACES_AT_ONCE = 64


def named(text: str) -> str:
    """A name that was not left empty, as an unset variable leaves it: as a path it would be the current folder.

    Raises: argparse.ArgumentTypeError, which argparse says.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def faces_at_once(text: str) -> int:
    """A whole number of faces.

    Raises: argparse.ArgumentTypeError, which argparse says.
    """
    allowed = [str(count) for count in range(1, MOST_FACES_AT_ONCE + 1)]
    if text not in allowed:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {MOST_FACES_AT_ONCE}")
    return int(text)


def number(text: str) -> float:
    """Any number; its range is the settings' business. argparse turns the ValueError into its own sentence."""
    return float(text)
