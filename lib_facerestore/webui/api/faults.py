"""Errors to HTTP statuses and sentences that tell a caller what to do and nothing of where files lie on the server."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.errors import (
    FaceRestoreError,
    PictureError,
    PictureTooLarge,
    SettingsError,
    UnknownSetting,
    WeightsMissing,
)
from lib_facerestore.hosts import base
from lib_facerestore.runtime import Runtime
from lib_facerestore.webui.border import logger

# The first that fits. What is left are missing or damaged weights, memory that ran out, a network's failure and the
# stop button: the request was right, and the server cannot do it now.
_STATUSES: tuple[tuple[type[FaceRestoreError], int], ...] = (
    (PictureTooLarge, 413),
    (PictureError, 400),
    (SettingsError, 422),
)
_CANNOT_NOW = 503
_UNFORESEEN = 500
# An absolute path of Linux, macOS or Windows with at least one folder; not the path of an address.
_PATH = re.compile(r"(?<![\w:/.\\])(?:[A-Za-z]:[\\/]|\\\\|/)(?:[^\s'\"<>|:*?,;()\\/]+[\\/])+")
_LONGEST_SENTENCE = 600
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Fault:
    """What a caller is told of an error. status: HTTP's."""

    status: int
    sentence: str


def fault(error: Exception, doing: str, runtime: Runtime) -> Fault:
    """The fault of an error; one that we did not foresee goes into the log with its trace, and only there.

    doing: what an unforeseen error's sentence names, "restoring picture 2".
    """
    if not isinstance(error, FaceRestoreError):
        logger.error("%s failed", doing, exc_info=error)
        return Fault(_UNFORESEEN, f"An error in {doing}; the log of the server has the details.")
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), _CANNOT_NOW)
    return Fault(status, _shortened(_own_words(error) or without_paths(str(error), runtime)))


def without_paths(text: str, runtime: Runtime) -> str:
    """The text with file names in place of paths, and fit for UTF-8."""
    for folder in sorted(_folders(runtime), key=len, reverse=True):
        text = text.replace(f"{folder}{os.sep}", "").replace(folder, Path(folder).name)
    return _PATH.sub("", text).encode("utf-8", "backslashreplace").decode("utf-8")


def _own_words(error: FaceRestoreError) -> str:
    """A sentence without the advice or the long value that the error's own one has; "" where that one is right."""
    if isinstance(error, WeightsMissing):
        return f"The weights of {error.name} are missing. GET /facerestore/models lists what can be used and fetched."
    if isinstance(error, UnknownSetting):
        hint = f" Did you mean {error.allowed.replace(', ', ' or ')}?" if error.allowed else ""
        return f"There is no setting named {_shown(error.field)}.{hint}"
    if isinstance(error, SettingsError):
        return f"The setting {error.field} cannot be {_shown(error.value)}: it must be {error.allowed}."
    return ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SENTENCE else f"{text[:_LONGEST_SENTENCE]}…"


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"


def _folders(runtime: Runtime) -> set[str]:
    """Where things lie here, none of which is a root of the file system."""
    known = [runtime.models_folder, runtime.cache_folder, *runtime.folders, base.models_path()]
    known += [Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(__file__).resolve().parents[2]]
    return {str(folder) for path in known for folder in (path, path.resolve()) if len(folder.parts) > 1}
