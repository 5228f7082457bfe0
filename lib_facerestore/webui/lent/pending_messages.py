"""Sentences and records of this extension's entries in the host's lists, kept until a hook of the job takes them.

The host calls such an entry with a picture only, so that the entry does not know the job's `p` or its page.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from lib_facerestore.hosts import base

_MOST_LINES = 8
_MOST_KEPT = 1000
_lock = threading.Lock()
# Each with `base.running_job()` of the moment when it was kept; those of an earlier job are dropped when one is taken.
_sentences: list[tuple[object, str]] = []
_records: list[tuple[object, Mapping[str, str]]] = []


def say(sentence: str) -> None:
    """Keep a sentence for the status of the job that runs now."""
    with _lock:
        _sentences.append((base.running_job(), sentence))
        del _sentences[:-_MOST_KEPT]


def note_picture(record: Mapping[str, str]) -> None:
    """Keep the record of a picture for its infotext; {} where the picture did not change."""
    with _lock:
        _records.append((base.running_job(), record))
        del _records[:-_MOST_KEPT]


def take_sentences() -> list[str]:
    """Return the sentences of the running job that were not taken yet, each once, and forget all that are kept.

    Of many only the first few are returned, and a line with the number of the others.
    """
    with _lock:
        said = [sentence for job, sentence in _sentences if job == base.running_job()]
        _sentences.clear()
    said = list(dict.fromkeys(said))
    if len(said) > _MOST_LINES:
        said[_MOST_LINES:] = [f"… and {len(said) - _MOST_LINES} more"]
    return said


def take_record() -> Mapping[str, str] | None:
    """Return the running job's first record since the last call and forget all that are kept; None where there is none.

    The first is the one of the host's own "Restore faces"; later ones come from other extensions that call the entry.
    """
    with _lock:
        found = [record for job, record in _records if job == base.running_job()]
        _records.clear()
    return found[0] if found else None
