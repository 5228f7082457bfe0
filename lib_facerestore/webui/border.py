"""The border between us and the host: no exception of ours crosses it, each becomes a sentence and a log entry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lib_facerestore.errors import FaceRestoreError, Interrupted, WeightsMissing

logger = logging.getLogger("facerestore")
_FETCH_ADVICE = "Settings, Face restore, has a button that fetches it."


@contextmanager
def guarded(doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Run the body; an error of it is said and logged, and the host goes on with what it had before.

    doing: what the sentence names, "restoring a picture". An error that we did not foresee is logged with its trace.
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
