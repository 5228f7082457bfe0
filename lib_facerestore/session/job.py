"""The pictures of one job, one after the other, with models chosen from one listing of the folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np

from lib_facerestore.engine import comparison, pipeline, sizes
from lib_facerestore.engine.comparison import FaceComparison
from lib_facerestore.engine.data import Picture, Prepared, Result
from lib_facerestore.engine.ports import NoProgress, Progress, Restorer, Tools
from lib_facerestore.engine.ran import once
from lib_facerestore.engine.upscaling import background, is_scale_1
from lib_facerestore.errors import DeviceLost
from lib_facerestore.models import devices, weights
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.job_tools import JobTools
from lib_facerestore.session.model_cache import ModelCache
from lib_facerestore.session.model_choice import ModelChoice, is_named
from lib_facerestore.settings import RestoreSettings

# What a host is asked to free on its device: the weights of a detector, two restorers and a parser (1 GB together) and
# the activations of four faces, 2.7 GB with GFPGAN in float32. Upscalers fit their tiles to what is free.
_ROOM_BYTES = 4 << 30
T = TypeVar("T")


class Job:
    """One job of a session: its pictures share the listing of the folders, and one request for room on the device."""

    def __init__(self, runtime: Runtime, cache: ModelCache) -> None:
        """Lists the folders of models now."""
        self.runtime = weights.listed(runtime)
        self._cache = cache
        self._tools = JobTools(ModelChoice(self.runtime), cache, devices.torch_device(runtime.device))
        self._has_room = False

    def make_room(self) -> None:
        """Ask the host to free memory on the device, which empties its caches; a job does so before its first picture.

        Called once more where the host has used the device since then.
        """
        self._has_room = True
        if self._cache.is_lost(self._tools.device):
            return
        self.runtime.memory.make_room(_ROOM_BYTES, str(self._tools.device))

    def restore(self, picture: Picture, settings: RestoreSettings, progress: Progress | None = None) -> Result:
        """The finished picture and the report of what ran.

        Raises: WeightsError, ModelError, SettingsError, Interrupted.
        """
        progress = progress or NoProgress()
        if not self._has_room:
            self.make_room()
        progress.check()
        with self._turn():
            return self._once_more(lambda: self._restored(picture, settings, progress))

    def _restored(self, picture: Picture, settings: RestoreSettings, progress: Progress) -> Result:
        """See `restore`. Raises: DeviceLost too."""
        plan = background.size_plan(picture.size_hw, settings)
        grows = plan is not None and sizes.enlarges(picture.size_hw, plan.resized_hw)
        tools = self._tools.tools(settings, grows)
        if plan is None and is_scale_1(tools.upscaler):
            plan = background.size_plan(picture.size_hw, settings, tools.upscaler)  # it has work at any size
        return pipeline.run_to(picture, tools, settings, plan, progress)

    def find_faces(self, picture: Picture, settings: RestoreSettings) -> Prepared:
        """The faces of a picture, and the reason for each that `restore` would leave alone; loads the detector only.

        The picture is looked at even where the settings take it whole for one aligned face.
        Raises: WeightsError, ModelError.
        """
        self.make_room()
        with self._turn():
            notices, prepared = self._once_more(lambda: self._prepared(picture, settings))
        warnings = once((*notices, *prepared.ran.warnings))
        return replace(prepared, ran=replace(prepared.ran, warnings=warnings))

    def _prepared(self, picture: Picture, settings: RestoreSettings) -> tuple[tuple[str, ...], Prepared]:
        """What loading the detector had to say, and the faces. Raises: DeviceLost too."""
        detector = self._tools.detector()
        tools = Tools(detector=detector.tool, restorer=None)
        return detector.notices, pipeline.prepare(picture, tools, replace(settings, aligned_input=False))

    def compare_faces(
        self,
        picture: Picture,
        settings: RestoreSettings,
        restorers: Sequence[str],
        fidelities: Sequence[float],
        progress: Progress | None = None,
    ) -> FaceComparison:
        """Each chosen face of a picture restored in several ways, to be looked at side by side; nothing is pasted.

        settings: say which faces; their own restorer and everything about upscaling is not used.
        Raises: WeightsError for a missing detector, Interrupted; what one restorer lacks stands in its variant.
        """
        settings = replace(settings.at_own_size(), restorer="none", upscaler="none", aligned_input=False)
        self.make_room()
        with self._turn():
            return self._once_more(
                lambda: self._compared(picture, settings, restorers, fidelities, progress or NoProgress())
            )

    def _compared(
        self,
        picture: Picture,
        settings: RestoreSettings,
        restorers: Sequence[str],
        fidelities: Sequence[float],
        progress: Progress,
    ) -> FaceComparison:
        """See `compare_faces`. Raises: DeviceLost too."""
        notices: list[str] = []

        def one_by_one() -> Iterator[tuple[str, Restorer | str]]:
            for name, loaded in self._tools.restorers(restorers):
                if isinstance(loaded, str):
                    yield name, loaded
                else:
                    notices.extend(loaded.notices)
                    yield name, loaded.tool

        detector = self._tools.detector()
        tools = replace(self._tools.tools(settings, grows=False), detector=detector.tool)
        made = comparison.compare_restorers(picture, tools, settings, one_by_one, fidelities, progress)
        return replace(made, warnings=once((*detector.notices, *notices, *made.warnings)))

    def tools(self, settings: RestoreSettings) -> Tools:
        """The networks that every picture needs, loaded at the first call.

        Where a side is asked for, only pictures that grow need an upscaler that enlarges: it has only to be there.
        What the device failed with or has no memory for is on the CPU, and the warnings say so.
        Raises: SettingsError for unknown names; WeightsError; OutOfMemory where the CPU has none either.
        """
        with self._turn():
            if not settings.has_side:
                return self._once_more(lambda: self._tools.tools(settings, grows=settings.scale > 1))
            for name in (settings.upscaler, settings.second_upscaler):
                spec = self._tools.choice.upscaler_row(name) if is_named(name) else None
                if spec is not None:
                    weights.resolve(spec, self.runtime)
            return self._once_more(lambda: self._tools.tools(settings, grows=False))

    def _once_more(self, call: Callable[[], T]) -> T:
        """What the call gives; made again, with all networks on the CPU, where a device does not give its ones back."""
        try:
            return call()
        except DeviceLost as error:
            self._cache.lose(error)
        # Outside of the handler, which would keep what the failed call holds.
        return call()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One run at a time, with NumPy as a fresh process has it: a host may have made underflow an error."""
        with self._cache.turns.turn(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield
