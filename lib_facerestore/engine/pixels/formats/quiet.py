"""Decoders without their own words on the terminal, and the error that says in ours what they cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


class Unreadable(Exception):
    """A file that cannot be read; the text goes on after the file's name: "is damaged: …"."""


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV without log lines on the terminal; its errors become exceptions or a result of None all the same."""
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    if logging is None:  # not in every build of OpenCV
        yield
        return
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
