"""Restore each picture before the host saves it: in its place, at its own size.

The host saves the restored picture only, and writes the record of the restoration into its infotext.
"""

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
from lib_facerestore.webui.jobs.restore_image import restore_image


def prepare(p: Any, job: Job) -> None:
    """Prepare a job whose pictures are restored before they are saved.

    p: the host's job. Functions among its parameters give the host each picture's record while it writes the infotext.
    The user is told which settings this mode does not use.
    """
    if job.request.settings != job.request.settings.at_own_size():
        why = "inside this script" if job.has_inner_jobs else "when restored before they are saved"
        job.context.say(f"Upscaling was left out: pictures keep their size {why}.")
    if job.has_inner_jobs and job.request.when == "after the whole job":
        job.context.say("This script puts pictures together again, so each was restored before it was handed on.")
    for key in infotext.RECORD_KEYS:
        p.extra_generation_params[key] = functools.partial(_recorded, job, key)


def restore(p: Any, pp: Any, job: Job) -> None:
    """Restore `pp.image` and put the result in its place; where that fails `pp.image` stays and the user is told why.

    p: the host's job. pp: the host's holder of one picture.
    A press of Skip while a picture is restored skips that picture only: the host's flag is cleared, because the host
    would skip everything that follows. A press during the generation of the batch belongs to the host: the flag stays
    set, and no picture of that batch is restored.
    """
    index, state = _index(p, pp), base.state()
    settings = job.request.settings.at_own_size()
    with guarded(f"restoring picture {index + 1}", job.context.say):
        if job.is_new_batch(getattr(p, "iteration", 0)):
            job.is_batch_skipped = bool(state.skipped)
            job.context.session_job().make_room()  # the host has used the device to generate this batch
        progress = HostProgress(state)
        try:
            outcome = restore_image(pp.image, settings, job.context, progress)
        except Interrupted:
            if job.is_batch_skipped or not progress.take_skip():
                raise
            job.context.say(f"Picture {index + 1} was skipped and is as generated.")
            return
        if not job.is_batch_skipped:
            progress.take_skip()  # a press after the last step of this picture must not skip what follows
        if outcome.is_changed:
            pp.image = outcome.image()
            job.records[index] = outcome.record


def say_what_came_later(p: Any, processed: Any, job: Job) -> None:
    """Tell the user if another extension added pictures, or replaced some, after this extension's last hook.

    p: the host's job. processed: the host's result of it. Where the host saves the job's pictures, a picture that only
    replaces another one is not mentioned.
    """
    known = {id(image) for image in job.seen}
    others = [image for image in processed.images if id(image) not in known]
    later = [image for image in others if saved_text(image, job.started, p) is not None]
    # A picture that only takes another one's place, such as one with a watermark, is made from the restored one.
    is_more = len(processed.images) - len(others) + len(later) > len(job.seen)
    if later and (is_more or not files.saves_samples(p)):
        advice = "" if job.has_inner_jobs else ' "After the whole job" restores them too.'
        job.context.say(f"Pictures that another extension made after ours are as it left them.{advice}")


def _recorded(job: Job, key: str, /, **asked: Any) -> str | None:
    """Return a key's value in the record of the picture whose infotext the host writes; None leaves the key out.

    None is returned for grids, pictures that did not change, and infotexts of another job.
    asked: the local variables of the host's function that writes infotexts. One of them is named `key` too, so that
    this function takes its own by position only.
    """
    p, index = asked.get("p"), infotext.index_asked_for(asked)
    if p is None or index is None or current_job(p) is not job:
        return None  # all cells of a plot share one dict of parameters, including cells that are not restored
    if not job.is_finished and index != p.batch_index + p.iteration * p.batch_size:
        # ADetailer asks for the first picture's infotext when it saves a later picture as it was before its own work.
        # What it saves then is not restored.
        return None
    return job.records.get(index, {}).get(key)


def _index(p: Any, pp: Any) -> int:
    """Return the number of the picture in the whole job, from 0; hosts without `pp.index` tell it by the batch."""
    given = getattr(pp, "index", None)
    return int(p.batch_index + p.iteration * p.batch_size if given is None else given)
