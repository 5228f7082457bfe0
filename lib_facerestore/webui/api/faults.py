"""Turn errors into an HTTP status and a sentence for the caller, without any path of the server in it."""

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

# The first class that fits gives the status. All other errors, such as missing weights, no memory, or a press of the
# stop button, are none of the request's: the server cannot do it now.
_STATUSES: tuple[tuple[type[FaceRestoreError], int], ...] = (
    (PictureTooLarge, 413),
    (PictureError, 400),
    (SettingsError, 422),
)
_CANNOT_NOW = 503
_UNFORESEEN = 500
# An absolute path of Linux, macOS or Windows with at least one folder; not the path in an address such as https://….
_PATH = re.compile(r"(?<![\w:/.\\])(?:[A-Za-z]:[\\/]|\\\\|/)(?:[^\s'\"<>|:*?,;()\\/]+[\\/])+")
_LONGEST_SENTENCE = 600
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Fault:
    """What a caller is told of an error."""

    status: int
    """The status of HTTP, 400 or higher."""
    sentence: str
    """What happened and what to do; names no folder of the server."""


def fault(error: Exception, doing: str, runtime: Runtime) -> Fault:
    """Return what the caller is told of an error.

    An error that is no FaceRestoreError is written into the log with its trace; the caller reads only that it happened
    in `doing`, such as "restoring picture 2". runtime: knows the folders that are taken out of sentences.
    """
    if not isinstance(error, FaceRestoreError):
        logger.error("%s failed", doing, exc_info=error)
        return Fault(_UNFORESEEN, f"An error in {doing}; the log of the server has the details.")
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), _CANNOT_NOW)
    return Fault(status, _shortened(_for_callers(error) or without_paths(str(error), runtime)))


def without_paths(text: str, runtime: Runtime) -> str:
    """Return the text with the names of files in place of their paths; what UTF-8 cannot hold is escaped."""
    for folder in sorted(_folders(runtime), key=len, reverse=True):
        text = text.replace(f"{folder}{os.sep}", "").replace(folder, Path(folder).name)
    return _PATH.sub("", text).encode("utf-8", "backslashreplace").decode("utf-8")


def _for_callers(error: FaceRestoreError) -> str:
    """Return a sentence for API callers in place of the error's own; "" where the error's own fits.

    The error's own may advise to use the command line or the page, or repeat a long value of the request.
    """
    if isinstance(error, WeightsMissing):
        return f"The weights of {error.name} are missing. GET /facerestore/models lists what can be used and fetched."
    if isinstance(error, UnknownSetting):
        hint = f" Did you mean {error.allowed.replace(', ', ' or ')}?" if error.allowed else ""
        return f"There is no setting named {_short_repr(error.field)}.{hint}"
    if isinstance(error, SettingsError):
        return f"The setting {error.field} cannot be {_short_repr(error.value)}: it must be {error.allowed}."
    return ""


def _shortened(text: str) -> str:
    """Return at most _LONGEST_SENTENCE characters of the text."""
    return text if len(text) <= _LONGEST_SENTENCE else f"{text[:_LONGEST_SENTENCE]}…"


def _short_repr(value: object) -> str:
    """Return at most _LONGEST_VALUE characters of the value's repr."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _folders(runtime: Runtime) -> set[str]:
    """Return the folders of the server that sentences may name, without any root of a file system."""
    known = [runtime.models_folder, runtime.cache_folder, *runtime.folders, base.models_path()]
    known += [Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(__file__).resolve().parents[2]]
    return {str(folder) for path in known for folder in (path, path.resolve()) if len(folder.parts) > 1}
