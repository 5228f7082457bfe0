"""What the pictures of one job share: models chosen once, reports and sentences for the user. Knows no host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib_facerestore.engine.data import Report
from lib_facerestore.engine.report import status_line
from lib_facerestore.webui import warm_session

if TYPE_CHECKING:
    from lib_facerestore import session

_MOST_LINES = 8


@dataclass
class RestoreContext:
    """One for each job, press of a button, file in Extras or call of the API; `restore_image` adds to it."""

    keeps_alpha: bool = True
    """False for generated pictures, in whose alpha some hosts hide the text."""
    reports: list[Report] = field(default_factory=list)
    """One for each picture that was worked on, in order."""
    notices: list[str] = field(default_factory=list)
    """Sentences about what could not be done as asked for."""
    _job: session.Job | None = None

    def session_job(self) -> session.Job:
        """The session's job behind this one, begun at the first call, as the Settings say then."""
        if self._job is None:
            self._job = warm_session.session().job()
        return self._job

    def say(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def sentences(self) -> list[str]:
        """What was done to each picture, then all notices and warnings, each once."""
        lines = [status_line(report) for report in self.reports]
        if len(lines) > 1:
            lines = [f"{number}/{len(lines)} {line}" for number, line in enumerate(lines, 1)]
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"… and {len(lines) - _MOST_LINES} more"]
        warnings = [warning for report in self.reports for warning in report.warnings]
        return list(dict.fromkeys([*lines, *self.notices, *warnings]))

    def status(self) -> str:
        """All sentences, a line for each, as they stand below the gallery."""
        return "\n".join(f"Face restore: {sentence}" for sentence in self.sentences())
