"""What we keep of one job, on the host's `p` under a name of our own: several users and scripts run jobs at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib_facerestore.engine.data import Report
from lib_facerestore.engine.report import status_line
from lib_facerestore.hosts import files

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
_MOST_LINES = 8


@dataclass
class Job:
    """One job. seen: the pictures as they left our last hook. records: what was done, by the picture's index.

    owner: identity of the host's `p` that it began on. had_room_in: the host's batch after which it last made room.
    is_batch_skipped: whether the user skipped while the host generated the batch that is restored now.
    """

    owner: int
    request: Request
    has_inner_jobs: bool
    has_script: bool
    started: float = field(default_factory=files.now)
    seen: list[Any] = field(default_factory=list)
    records: dict[int, dict[str, str]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    is_finished: bool = False
    had_room_in: int = -1
    is_batch_skipped: bool = False

    @property
    def is_per_picture(self) -> bool:
        """Whether each picture is restored before it is saved, at its own size."""
        return self.has_inner_jobs or self.request.when != "after the whole job"

    def asks_for_room(self, batch: int = 0) -> bool:
        """Whether the host is to be asked for memory now: once a job, or once for each batch it generated since."""
        asks, self.had_room_in = batch != self.had_room_in, batch
        return asks

    def say(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def status(self) -> str:
        """All that the user is to read, one line each."""
        lines = [status_line(report) for report in self.reports]
        if len(lines) > 1:
            lines = [f"{number}/{len(lines)} {line}" for number, line in enumerate(lines, 1)]
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"… and {len(lines) - _MOST_LINES} more"]
        warnings = [warning for report in self.reports for warning in report.warnings]
        said = dict.fromkeys([*lines, *self.notices, *warnings])
        return "\n".join(f"Face restore: {sentence}" for sentence in said)


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
        job = Job(id(p), request, has_inner, title not in ("", OUR_GRID))
        job.notices.extend(request.notices)
    setattr(p, _NAME, job)
    return job


def of(p: Any) -> Job | None:
    """The job of `p`, if we take part in it."""
    if getattr(p, "_ad_inner", False):
        return None
    found = getattr(p, _NAME, None)
    return found if isinstance(found, Job) else None


def _script_title(p: Any) -> str:
    """Title of the selectable script that drives this job, lower case; "" for a plain one."""
    runner, args = getattr(p, "scripts", None), getattr(p, "script_args", None)
    scripts = getattr(runner, "selectable_scripts", None) or []
    chosen = args[0] if args else 0
    if not isinstance(chosen, int) or not 0 < chosen <= len(scripts):
        return ""
    return str(scripts[chosen - 1].title()).lower()
