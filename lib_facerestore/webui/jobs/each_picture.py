"""Each picture before the host saves it: restored in place, at its own size, its record in the host's own text."""

from __future__ import annotations

import functools
from typing import Any

from lib_facerestore.errors import Interrupted
from lib_facerestore.hosts import base, files
from lib_facerestore.hosts.progress import HostProgress
from lib_facerestore.webui import infotext
from lib_facerestore.webui.border import guarded
from lib_facerestore.webui.jobs.job import Job, current_job
from lib_facerestore.webui.jobs.job_pictures import saved_text
from lib_facerestore.webui.jobs.one_picture import restore_image


def prepare(p: Any, job: Job) -> None:
    """Let the host ask for each picture's record while it writes the text; and say what this mode leaves out."""
    if job.request.settings != job.request.settings.at_own_size():
        why = "inside this script" if job.has_inner_jobs else "when restored before they are saved"
        job.context.say(f"Upscaling was left out: pictures keep their size {why}.")
    if job.has_inner_jobs and job.request.when == "after the whole job":
        job.context.say("This script puts pictures together again, so each was restored before it was handed on.")
    for key in infotext.RECORD_KEYS:
        p.extra_generation_params[key] = functools.partial(_recorded, job, key)


def restore(p: Any, pp: Any, job: Job) -> None:
    """Restore the picture that the host holds out in `pp.image`; it stays as it is where that fails.

    A press on Skip is taken back, or the host would apply it to all that follows. One from before the batch's first
    picture came here is the host's: it stays, and with it the batch as it is.
    """
    index, state = _index(p, pp), base.state()
    settings = job.request.settings.at_own_size()
    with guarded(f"restoring picture {index + 1}", job.context.say):
        if job.is_new_batch(getattr(p, "iteration", 0)):
            job.is_batch_skipped = bool(state.skipped)
            job.context.session_job().make_room()  # the host generated in between
        progress = HostProgress(state)
        try:
            outcome = restore_image(pp.image, settings, job.context, progress)
        except Interrupted:
            if job.is_batch_skipped or not progress.take_skip():
                raise
            job.context.say(f"Picture {index + 1} was skipped and is as generated.")
            return
        if not job.is_batch_skipped:
            progress.take_skip()  # pressed when nothing was left to skip
        if outcome.is_changed:
            pp.image = outcome.image()
            job.records[index] = outcome.record


def say_what_came_later(p: Any, processed: Any, job: Job) -> None:
    """Say it where another extension added or put in pictures of its own when all of ours were done."""
    known = {id(image) for image in job.seen}
    others = [image for image in processed.images if id(image) not in known]
    later = [image for image in others if saved_text(image, job.started, p) is not None]
    # One that only took the place of another, as a watermark does, is that picture still.
    is_more = len(processed.images) - len(others) + len(later) > len(job.seen)
    if later and (is_more or not files.saves_samples(p)):
        advice = "" if job.has_inner_jobs else ' "After the whole job" restores them too.'
        job.context.say(f"Pictures that another extension made after ours are as it left them.{advice}")


def _recorded(job: Job, key: str, /, **asked: Any) -> str | None:
    """The value of a key for the picture whose text the host writes; None, which it leaves out, for a grid's.

    asked: the host's local values, one of them named key too.
    """
    p, index = asked.get("p"), infotext.index_asked_for(asked)
    if p is None or index is None or current_job(p) is not job:
        return None  # the cells of a plot share one dict of parameters, also those that are not restored
    if not job.is_finished and index != p.batch_index + p.iteration * p.batch_size:
        return None  # ADetailer asks for the first text while it saves a later picture, as that was before ours
    return job.records.get(index, {}).get(key)


def _index(p: Any, pp: Any) -> int:
    """The picture's place in the job."""
    given = getattr(pp, "index", None)
    return int(p.batch_index + p.iteration * p.batch_size if given is None else given)
