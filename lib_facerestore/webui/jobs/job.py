"""What we keep of one job, on the host's `p` under a name of our own: several users and scripts run jobs at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib_facerestore.hosts import files
from lib_facerestore.webui.jobs.context import RestoreContext

if TYPE_CHECKING:
    from lib_facerestore.webui.jobs.request import Request

_NAME = "_facerestore_job"
# Selectable scripts that hand each inner job's pictures on as they are; all others put them together again, so that
# pictures must keep their size and their place. By title, lower case.
OUR_GRID = "face restore grid"
# The last two are SD.Next's names for the first two.
_SCRIPTS_WITH_WHOLE_JOBS = frozenset(
    ["x/y/z plot", "prompts from file or textbox", OUR_GRID, "xyz grid script", "prompts from file"]
)


@dataclass
class Job:
    """One job of the host in which this extension takes part."""

    owner: int
    """Identity of the host's `p` that the job began on."""
    request: Request
    has_inner_jobs: bool
    """Whether a script puts the pictures of several inner jobs together."""
    has_script: bool
    """Whether any selectable script drives the job, except this extension's grid."""
    context: RestoreContext
    started: float = field(default_factory=files.now)
    """When the job began, in seconds, as file times are."""
    seen: list[Any] = field(default_factory=list)
    """The pictures as they left this extension's last hook."""
    records: dict[int, Mapping[str, str]] = field(default_factory=dict)
    """What was done to each picture that changed, by its index."""
    is_finished: bool = False
    batch: int = -1
    """The host's batch whose pictures are restored now."""
    is_batch_skipped: bool = False
    """Whether the user skipped while the host generated that batch."""

    @property
    def is_per_picture(self) -> bool:
        """Whether each picture is restored before it is saved, at its own size."""
        return _is_per_picture(self.request, self.has_inner_jobs)

    def is_new_batch(self, batch: int) -> bool:
        """Whether the host generated another batch since the last call."""
        is_new, self.batch = batch != self.batch, batch
        return is_new


def is_on_a_copy(p: Any) -> bool:
    """Whether `p` is a copy on which ADetailer calls our first hook once more, in the middle of a job of ours."""
    job = getattr(p, _NAME, None)
    return isinstance(job, Job) and job.owner != id(p) and not job.is_finished


def begin(p: Any, request: Request) -> Job | None:
    """A new job on `p`, or none where nothing is to be done; jobs that ADetailer runs inside another are not ours."""
    job = None
    if request.is_on and not getattr(p, "_ad_inner", False):
        title = _script_title(p)
        has_inner = bool(title) and title not in _SCRIPTS_WITH_WHOLE_JOBS
        context = RestoreContext(keeps_alpha=_is_per_picture(request, has_inner), notices=list(request.notices))
        job = Job(id(p), request, has_inner, title not in ("", OUR_GRID), context)
    setattr(p, _NAME, job)
    return job


def current_job(p: Any) -> Job | None:
    """The job of `p`, if we take part in it."""
    if getattr(p, "_ad_inner", False):
        return None
    found = getattr(p, _NAME, None)
    return found if isinstance(found, Job) else None


def _is_per_picture(request: Request, has_inner_jobs: bool) -> bool:
    return has_inner_jobs or request.when != "after the whole job"


def _script_title(p: Any) -> str:
    """Title of the selectable script that drives this job, lower case; "" for a plain one."""
    runner, args = getattr(p, "scripts", None), getattr(p, "script_args", None)
    scripts = getattr(runner, "selectable_scripts", None) or []
    chosen = args[0] if args else 0
    if not isinstance(chosen, int) or not 0 < chosen <= len(scripts):
        return ""
    return str(scripts[chosen - 1].title()).lower()
