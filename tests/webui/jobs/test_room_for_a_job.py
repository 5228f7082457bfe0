"""After which of its batches the host is asked for memory, where pictures are restored before they are saved."""

from __future__ import annotations

from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.job import Job


def job() -> Job:
    request = None  # says nothing of batches
    return Job(owner=1, request=request, has_inner_jobs=False, has_script=False, context=RestoreContext())


def test_each_batch_is_new_once_because_the_host_generated_in_between():
    running = job()

    assert [running.is_new_batch(batch) for batch in (0, 0, 1, 1, 2)] == [True, False, True, False, True]


def test_another_job_counts_batches_for_itself():
    first, second = job(), job()

    assert first.is_new_batch(0)
    assert second.is_new_batch(0)
