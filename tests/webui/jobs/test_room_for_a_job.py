"""When a job asks the host for memory, which empties the host's caches. Needs no host."""

from __future__ import annotations

from lib_facerestore.webui.jobs.job import Job


def job() -> Job:
    return Job(owner=1, request=None, has_inner_jobs=False, has_script=False)  # the request says nothing of room


def test_a_whole_job_asks_once_however_many_pictures_it_has():
    running = job()

    assert [running.asks_for_room() for _ in range(5)] == [True, False, False, False, False]


def test_pictures_restored_before_they_are_saved_ask_once_a_batch_because_the_host_generated_in_between():
    running = job()

    assert [running.asks_for_room(batch) for batch in (0, 0, 1, 1, 2)] == [True, False, True, False, True]


def test_another_job_asks_for_itself():
    first, second = job(), job()

    assert first.asks_for_room()
    assert second.asks_for_room()
