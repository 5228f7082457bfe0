"""What ran of ours for the host's own buttons, kept until it can be shown: such a call knows neither job nor page."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from lib_facerestore.hosts import base

_MOST_LINES = 8
_MOST_KEPT = 1000
_lock = threading.Lock()
# Each with the host's job that it belongs to; what is left of an earlier job is dropped.
_sentences: list[tuple[object, str]] = []
_records: list[tuple[object, Mapping[str, str]]] = []


def say(sentence: str) -> None:
    """Keep a sentence for the user of the job that runs now."""
    with _lock:
        _sentences.append((base.running_job(), sentence))
        del _sentences[:-_MOST_KEPT]


def note_picture(record: Mapping[str, str]) -> None:
    """Keep what was done to a picture, for its text; {} where nothing was."""
    with _lock:
        _records.append((base.running_job(), record))
        del _records[:-_MOST_KEPT]


def take_sentences() -> list[str]:
    """All that was said in this job and not taken yet; of many the first few and how many more."""
    with _lock:
        said = [sentence for job, sentence in _sentences if job == base.running_job()]
        _sentences.clear()
    said = list(dict.fromkeys(said))
    if len(said) > _MOST_LINES:
        said[_MOST_LINES:] = [f"… and {len(said) - _MOST_LINES} more"]
    return said


def take_record() -> Mapping[str, str] | None:
    """What was done to the first picture of this job since the last call; None where none was restored for the host.

    Of several that came since then the others were asked for by somebody else, after the host's own.
    """
    with _lock:
        found = [record for job, record in _records if job == base.running_job()]
        _records.clear()
    return found[0] if found else None
