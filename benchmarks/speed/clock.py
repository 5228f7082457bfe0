"""Seconds by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("detect", "align", "restore", "parse", "paste", "other")


class Clock:
    """Adds up what each stage of one run took; what no stage took is "other"."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._started, self._cpu_started = time.perf_counter(), time.process_time()

    def start(self) -> None:
        """Begin a run."""
        self.seconds.clear()
        self._started, self._cpu_started = time.perf_counter(), time.process_time()

    def stop(self) -> dict[str, float]:
        """The run's stages, its "total", and "cpu": processor seconds, which other programs hardly change."""
        total, cpu = time.perf_counter() - self._started, time.process_time() - self._cpu_started
        found = {stage: self.seconds[stage] for stage in STAGES if stage != "other"}
        return {**found, "other": total - sum(found.values()), "total": total, "cpu": cpu}

    @contextmanager
    def stage(self, name: str, inside: str = "") -> Iterator[None]:
        """Time what happens; `inside` names the stage that is being timed around it, which then counts less."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.seconds[name] += seconds
        if inside:
            self.seconds[inside] -= seconds
