"""Our progress in the host's bar, text and live preview, and the user's stop buttons back to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lib_facerestore.errors import Interrupted


@contextmanager
def text_put_back(state: Any) -> Iterator[None]:
    """Run the body, then put back what the bar said before; hosts leave a text there until the next job."""
    before = getattr(state, "textinfo", None)
    try:
        yield
    finally:
        state.textinfo = before


class HostProgress:
    """See `engine.ports.Progress`. state: the host's; title: what stands before each text, "picture 2/4, " or ""."""

    def __init__(self, state: Any, title: str = "") -> None:
        self._state, self._title = state, title

    def check(self) -> None:
        """Raises: Interrupted after Interrupt or Skip; "stop after this picture" is heeded between pictures only."""
        if self._state.interrupted or self._state.skipped:
            raise Interrupted

    def step(self, done: int, total: int, what: str) -> None:
        """Show it as text and as steps of one unit of the bar."""
        self._state.textinfo = f"Face restore: {self._title}{what} {done}/{total}"
        self._state.sampling_steps = total
        self._state.sampling_step = done

    def take_skip(self) -> bool:
        """Whether the user skipped the picture just now, and did not interrupt; asking takes the press back."""
        skipped = bool(self._state.skipped) and not self._state.interrupted
        if skipped:
            self._state.skipped = False
        return skipped


class JobProgress:
    """The bar while a whole job's pictures are worked on, and what the user pressed since it began."""

    def __init__(self, state: Any, pictures: int) -> None:
        self._state, self._pictures = state, pictures
        # Pressed during generation: the pictures that came of it are to be finished like any others.
        self._was_ending = bool(getattr(state, "stopping_generation", False))
        state.skipped = False
        state.current_latent = None  # else the next poll would draw the last latent over our preview
        if pictures > 1:
            state.job_count = max(state.job_count, 0) + pictures

    def picture(self, number: int) -> HostProgress:
        """Progress of one picture, counted from 1."""
        title = f"picture {number}/{self._pictures}, " if self._pictures > 1 else ""
        self._state.textinfo = f"Face restore: {title.rstrip(', ')}" if title else "Face restore"
        return HostProgress(self._state, title)

    def finished_one(self) -> None:
        """Move the bar on by one picture."""
        if self._pictures > 1:
            self._state.nextjob()

    def show(self, image: Any) -> None:
        """Show a picture in the live preview. image: a PIL image, small, because it is encoded at every poll."""
        self._state.assign_current_image(image)

    @property
    def is_to_end(self) -> bool:
        """Whether no further picture is to be begun."""
        ending = bool(getattr(self._state, "stopping_generation", False)) and not self._was_ending
        return bool(self._state.interrupted) or ending
