"""Settings + Runtime → networks → engine: the calls that every shell makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lib_facerestore.engine.data import Picture, Result
from lib_facerestore.engine.ports import Progress, Tools
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.job import Job
from lib_facerestore.session.model_cache import ModelCache
from lib_facerestore.settings import RestoreSettings


class Session:
    """Warm networks of one process. Safe to share between threads: one run at a time, the others wait.

    A run steps aside while a host's upscaler works for it, which may call a restorer of this extension: others may run
    meanwhile, and the networks of the waiting run stay where they are.
    Where a host has a queue lock, take that one first and this one second, never the other way round.
    """

    def __init__(self, runtime: Runtime | None = None, cache: ModelCache | None = None) -> None:
        """cache: the networks of another session, to be shared with it."""
        self.runtime = runtime or Runtime()
        self._cache = cache or ModelCache()

    def job(self) -> Job:
        """A job: several pictures that share one listing of the folders of models, made now."""
        return Job(self.runtime, self._cache)

    def restore(
        self, pictures: Iterable[Picture], settings: RestoreSettings, progress: Progress | None = None
    ) -> Iterator[Result]:
        """Results in the order of the pictures, each as soon as it is finished; one picture in memory at a time.

        Raises: as `Job.restore`. Results already given stay good.
        """
        job = self.job()
        for picture in pictures:
            yield job.restore(picture, settings, progress)

    def tools(self, settings: RestoreSettings) -> Tools:
        """See `Job.tools`."""
        return self.job().tools(settings)

    @property
    def warm(self) -> tuple[tuple[str, str], ...]:
        """(role, name) of the networks that are loaded just now; does not wait for a run."""
        return self._cache.warm

    def park(self) -> None:
        """Move all networks into the machine's own memory but for those of a run that waits; a run moves them back."""
        with self._cache.turns.turn():
            self._cache.park()
        self.runtime.memory.released()

    def release(self) -> None:
        """Drop all networks but those of a run that waits; the next run loads them again."""
        with self._cache.turns.turn():
            self._cache.release()
        self.runtime.memory.released()
