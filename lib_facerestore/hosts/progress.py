"""Shows restoration in the host's progress bar, text and live preview, and reads its stop buttons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lib_facerestore.errors import Interrupted
from lib_facerestore.hosts import base


@contextmanager
def text_put_back(state: Any) -> Iterator[None]:
    """Run the body, then restore the progress bar's text; hosts leave a text there until the next job.

    state: the host's `shared.state`.
    """
    before = getattr(state, "textinfo", None)
    try:
        yield
    finally:
        state.textinfo = before


class HostProgress:
    """The progress of one picture, shown in the host's bar; see `engine.ports.Progress`."""

    def __init__(self, state: Any, title: str = "") -> None:
        """state: the host's `shared.state`. title: the beginning of each text, "picture 2/4, " or ""."""
        self._state, self._title = state, title

    def check(self) -> None:
        """Stop where the user pressed Interrupt or Skip.

        "Stop after this picture" does not stop here; see `JobProgress.is_to_end`.
        Raises: Interrupted.
        """
        if self._state.interrupted or self._state.skipped:
            raise Interrupted

    def step(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` units of `what` are finished, as the bar's text and its steps."""
        self._state.textinfo = f"{base.TITLE}: {self._title}{what} {done}/{total}"
        self._state.sampling_steps = total
        self._state.sampling_step = done

    def take_skip(self) -> bool:
        """Whether the user pressed Skip and not Interrupt; a press is reported once and then cleared."""
        skipped = bool(self._state.skipped) and not self._state.interrupted
        if skipped:
            self._state.skipped = False
        return skipped


class JobProgress:
    """The host's progress bar while the pictures of one job are restored, and the stop buttons pressed meanwhile."""

    def __init__(self, state: Any, pictures: int) -> None:
        """Add the pictures to the bar. state: the host's `shared.state`. pictures: how many will be restored."""
        self._state, self._pictures = state, pictures
        # Pressed during generation: the pictures that were still generated are restored like any others.
        self._was_ending = bool(getattr(state, "stopping_generation", False))
        state.skipped = False
        state.current_latent = None  # else the host would draw the last latent over the preview at the next poll
        if pictures > 1:
            state.job_count = max(state.job_count, 0) + pictures

    def picture(self, number: int) -> HostProgress:
        """The progress of the picture of that number, counted from 1; its number becomes the bar's text."""
        title = f"picture {number}/{self._pictures}, " if self._pictures > 1 else ""
        self._state.textinfo = f"{base.TITLE}: {title.rstrip(', ')}" if title else base.TITLE
        return HostProgress(self._state, title)

    def finished_one(self) -> None:
        """Move the bar on by one picture."""
        if self._pictures > 1:
            self._state.nextjob()

    def show(self, image: Any) -> None:
        """Show a picture in the live preview. image: a small PIL image, because the host encodes it at every poll."""
        self._state.assign_current_image(image)

    @property
    def is_to_end(self) -> bool:
        """Whether the user wants no further picture: Interrupt, or "stop after this picture" since this job began."""
        ending = bool(getattr(self._state, "stopping_generation", False)) and not self._was_ending
        return bool(self._state.interrupted) or ending
