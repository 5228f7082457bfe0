"""What the pictures of one job share: the session's job, their reports, and the sentences for the user.

Nothing is read from the host here; `warm_session` makes the session's job from the Settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib_facerestore.engine.data import Report
from lib_facerestore.engine.report import status_line
from lib_facerestore.hosts import base
from lib_facerestore.webui import warm_session

if TYPE_CHECKING:
    from lib_facerestore import session

_MOST_LINES = 8


@dataclass
class RestoreContext:
    """Shared by the pictures of one host job, one press of a button, one Extras picture or one API request.

    `restore_image` adds a report to it for each picture.
    """

    keeps_alpha: bool = True
    """Whether a PIL image's alpha is restored with it. False for generated pictures: some hosts hide text in alpha."""
    reports: list[Report] = field(default_factory=list)
    """One report for each picture that went through the session without an error, in the order of the work."""
    notices: list[str] = field(default_factory=list)
    """Sentences for the user about what was done otherwise than asked for, or failed."""
    _job: session.Job | None = None
    """None until `session_job` is called for the first time."""

    def session_job(self) -> session.Job:
        """Return the session's job. The first call begins it, with the Settings of that moment."""
        if self._job is None:
            self._job = warm_session.session().job()
        return self._job

    def say(self, sentence: str) -> None:
        """Add a sentence to the notices, unless it is there already."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def sentences(self) -> list[str]:
        """Return all sentences for the user: a status line for each picture, the notices, and the reports' warnings.

        Equal sentences come once. Of many status lines only the first few come, and a line with the number of the rest.
        """
        lines = [status_line(report) for report in self.reports]
        if len(lines) > 1:
            lines = [f"{number}/{len(lines)} {line}" for number, line in enumerate(lines, 1)]
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"… and {len(lines) - _MOST_LINES} more"]
        warnings = [warning for report in self.reports for warning in report.warnings]
        return list(dict.fromkeys([*lines, *self.notices, *warnings]))

    def status(self) -> str:
        """Return all sentences as the text below the gallery: one line for each, the extension's title before it."""
        return "\n".join(f"{base.TITLE}: {sentence}" for sentence in self.sentences())
