"""Keeps this extension's exceptions from the host: each becomes a sentence for the user and an entry in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lib_facerestore.errors import FaceRestoreError, Interrupted, WeightsMissing
from lib_facerestore.hosts import base

logger = logging.getLogger("facerestore")
_FETCH_ADVICE = f"Settings, {base.TITLE}, has a button that fetches it."


@contextmanager
def guarded(doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Run the body; where it raises an exception, tell the user and go on behind the body.

    doing: what the body does, such as "restoring a picture"; names it in log and sentence. say: called with the
    sentence for the user. Interrupted is not logged; an exception that is no FaceRestoreError is logged with its trace.
    What the body was to return or change keeps its value from before.
    """
    try:
        yield
    except Interrupted as stop:
        say(str(stop))
    except FaceRestoreError as error:
        logger.warning("%s: %s", doing, error)
        is_missing = isinstance(error, WeightsMissing) and "Settings" not in str(error)
        say(f"{error} {_FETCH_ADVICE}" if is_missing else str(error))
    except Exception as error:
        logger.exception("%s failed", doing)
        cause = f"{type(error).__name__}: {error}"
        say(f"An error in {doing} left the picture as it was: {cause}. The log has the details.")
