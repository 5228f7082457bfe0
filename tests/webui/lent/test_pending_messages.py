"""What ran for the host's own buttons and is kept until it can be shown, with a fake of the host's job."""

import sys
import types

import pytest

from lib_facerestore.hosts import base


@pytest.fixture
def calls(monkeypatch):
    """The store, empty, in the host's first job; gradio is not needed for it."""
    state = types.SimpleNamespace(job_timestamp="20260101000000", time_start=1.0)
    monkeypatch.setattr(base, "state", lambda: state)
    from lib_facerestore.webui.lent import pending_messages

    pending_messages.take_sentences()
    pending_messages.take_record()
    yield types.SimpleNamespace(store=pending_messages, state=state)
    sys.modules.pop("lib_facerestore.webui.lent.pending_messages", None)


def test_each_sentence_is_shown_once(calls):
    for sentence in ("one", "two", "one"):
        calls.store.say(sentence)

    assert calls.store.take_sentences() == ["one", "two"]
    assert calls.store.take_sentences() == []


def test_of_many_the_first_are_shown(calls):
    for number in range(20):
        calls.store.say(f"{number}")

    assert calls.store.take_sentences() == [*"01234567", "… and 12 more"]


def test_what_an_earlier_job_left_is_dropped(calls):
    calls.store.say("left over")
    calls.store.note_picture({"Face restore": "left over"})
    calls.state.time_start = 2.0

    assert calls.store.take_sentences() == []
    assert calls.store.take_record() is None


def test_first_record_since_the_last_text_is_the_hosts_own(calls):
    for name in ("host's", "neighbour's"):
        calls.store.note_picture({"Face restore": name})

    assert calls.store.take_record() == {"Face restore": "host's"}
    assert calls.store.take_record() is None


def test_store_is_bounded(calls):
    for number in range(5000):
        calls.store.say(str(number))

    assert calls.store.take_sentences()[-1] == "… and 992 more"
