"""This extension's state for one job of the host. It is an attribute of the host's `p`.

It is not kept on the script object, because all users and tabs share that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib_facerestore.hosts import base, files
from lib_facerestore.webui.jobs.context import RestoreContext

if TYPE_CHECKING:
    from lib_facerestore.webui.jobs.request import Request

_NAME = "_facerestore_job"
GRID_SCRIPT = f"{base.TITLE} grid"
"""Title of this extension's selectable script."""
# Selectable scripts, by title in lower case, that pass the pictures of each inner job on as they are. Any other script
# may compose a new picture from them, for which they must keep their size and their place.
# The last two are SD.Next's names of the first two.
_SCRIPTS_WITH_WHOLE_JOBS = frozenset(
    ["x/y/z plot", "prompts from file or textbox", GRID_SCRIPT.lower(), "xyz grid script", "prompts from file"]
)


@dataclass
class Job:
    """One job of the host in which this extension takes part."""

    owner: int
    """`id` of the host's `p` on which the job began; a copy of `p` has another one."""
    request: Request
    """What the user or the API caller asked for."""
    has_inner_jobs: bool
    """Whether a selectable script drives the job that may compose a picture from those of several inner jobs."""
    has_script: bool
    """Whether any selectable script drives the job, except this extension's grid."""
    context: RestoreContext
    """The reports and sentences of the job's pictures."""
    started: float = field(default_factory=files.now)
    """When the job began, in seconds on the clock of file times."""
    seen: list[Any] = field(default_factory=list)
    """The pictures, as PIL images, as they were after this extension's hook for single pictures."""
    records: dict[int, Mapping[str, str]] = field(default_factory=dict)
    """Number of a picture in the job, from 0 → its record; only pictures that changed."""
    is_finished: bool = False
    """Whether this extension's last hook of the job is done."""
    batch: int = -1
    """Number of the batch whose pictures the host hands over now; -1 before the first."""
    is_batch_skipped: bool = False
    """Whether the user pressed Skip while the host generated that batch."""

    @property
    def is_per_picture(self) -> bool:
        """Whether each picture is restored before it is saved, at its own size."""
        return _is_per_picture(self.request, self.has_inner_jobs)

    def is_new_batch(self, batch: int) -> bool:
        """Return whether the batch is another one than at the last call, and remember it."""
        is_new, self.batch = batch != self.batch, batch
        return is_new


def is_on_a_copy(p: Any) -> bool:
    """Return whether `p` is a copy of a running job's `p`; ADetailer calls this extension's first hook on such a copy.

    The job's state must not begin anew then.
    """
    job = getattr(p, _NAME, None)
    return isinstance(job, Job) and job.owner != id(p) and not job.is_finished


def begin(p: Any, request: Request) -> Job | None:
    """Begin a job on the host's `p` and return it; return None where the extension is off.

    Jobs that ADetailer runs inside another job (`p._ad_inner`) get none: only the outer job's pictures are restored.
    """
    job = None
    if request.is_on and not getattr(p, "_ad_inner", False):
        title = _script_title(p)
        has_inner = bool(title) and title not in _SCRIPTS_WITH_WHOLE_JOBS
        context = RestoreContext(keeps_alpha=_is_per_picture(request, has_inner), notices=list(request.notices))
        job = Job(id(p), request, has_inner, title not in ("", GRID_SCRIPT.lower()), context)
    setattr(p, _NAME, job)
    return job


def current_job(p: Any) -> Job | None:
    """Return the job that `begin` made for the host's `p`; None where this extension takes no part."""
    if getattr(p, "_ad_inner", False):
        return None
    found = getattr(p, _NAME, None)
    return found if isinstance(found, Job) else None


def _is_per_picture(request: Request, has_inner_jobs: bool) -> bool:
    """Return whether each picture is restored before it is saved, by the user's choice or because a script needs it."""
    return has_inner_jobs or request.when != "after the whole job"


def _script_title(p: Any) -> str:
    """Return the title, in lower case, of the selectable script that drives this job; "" where none does."""
    runner, args = getattr(p, "scripts", None), getattr(p, "script_args", None)
    scripts = getattr(runner, "selectable_scripts", None) or []
    chosen = args[0] if args else 0
    if not isinstance(chosen, int) or not 0 < chosen <= len(scripts):
        return ""
    return str(scripts[chosen - 1].title()).lower()
