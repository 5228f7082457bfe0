"""The networks of one job: what its settings mean, taken from the cache or loaded into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from lib_facerestore.engine.ports import Detector, Restorer, Tools, Upscaler
from lib_facerestore.engine.ran import once
from lib_facerestore.engine.upscaling import is_scale_1
from lib_facerestore.errors import (
    ModelError,
    RuntimeMissing,
    SettingsError,
    WeightsDamaged,
    WeightsError,
    WeightsUnknown,
)
from lib_facerestore.models import devices, loading, weights
from lib_facerestore.models.catalogue import Kind, ModelSpec
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.session.model_cache import Loaded, ModelCache, ModelKey
from lib_facerestore.session.model_choice import LANCZOS, ModelChoice
from lib_facerestore.settings import RestoreSettings

if TYPE_CHECKING:
    import torch

Tool = TypeVar("Tool")


@dataclass(frozen=True)
class JobTools:
    """Loads the networks of one job. Used while the job has the turn."""

    choice: ModelChoice
    cache: ModelCache
    device: torch.device
    _files: dict[ModelSpec, str | None] = field(default_factory=dict)
    """Identities of the files, each looked up once in a job."""
    _broken: dict[tuple[Kind, ModelSpec], WeightsError] = field(default_factory=dict)
    """Users' own files that could not be loaded for a role in this job, and why."""

    def tools(self, settings: RestoreSettings, grows: bool) -> Tools:
        """All networks that the settings name.

        grows: whether the picture becomes larger; one that does not needs only an upscaler that cleans.
        Raises: SettingsError for unknown names; WeightsError; OutOfMemory where the CPU has none either.
        """
        first = second = detector = parser = None
        if settings.restorer != "none":
            first = self.restorer(settings.restorer)
            second = None if settings.second_restorer == "none" else self.restorer(settings.second_restorer)
            detector = None if settings.aligned_input else self.detector()
            row = self.choice.parser(settings)
            parser = None if row is None else self._get("parser", row, loading.load_parser)
        if grows:
            upscaler, second_upscaler = self._upscaler(settings.upscaler, settings), self._second_upscaler(settings)
        else:
            upscaler, second_upscaler = self._cleaner(settings), None
        all_loaded = (first, second, detector, parser, upscaler, second_upscaler)
        return Tools(
            detector=_tool(detector),
            restorer=_tool(first),
            parser=_tool(parser),
            second_restorer=_tool(second),
            upscaler=_tool(upscaler),
            second_upscaler=_tool(second_upscaler),
            warnings=once(sentence for loaded in all_loaded if loaded for sentence in loaded.notices),
            face_batch=self._face_batch(first),
        )

    def _face_batch(self, restorer: Loaded[Restorer] | None) -> int:
        """Most faces at once where the restorer runs now."""
        import torch

        is_on_cpu = restorer is not None and str(restorer.tool.device) == "cpu"
        device = torch.device("cpu") if is_on_cpu else self.device
        return devices.most_faces(device, self.choice.runtime.faces_at_once(device.type))

    def detector(self) -> Loaded[Detector]:
        """The detector. Raises: WeightsError; OutOfMemory."""
        return self._get("detector", self.choice.detector(), loading.load_detector)

    def restorer(self, name: str) -> Loaded[Restorer]:
        """The restorer of that name; for "auto" the first that loads.

        Raises: SettingsError for an unknown name; WeightsError; ModelError.
        """
        return self._first_that_loads(
            "restorer",
            self.choice.restorers(name),
            lambda spec: self._get("restorer", spec, loading.load_restorer),
        )

    def restorers(self, names: Sequence[str]) -> Iterator[tuple[str, Loaded[Restorer] | str]]:
        """Each with its name, or why there is none. Only one of several is on the device at a time."""
        for name in names:
            try:
                loaded = self.restorer(name)
            except (SettingsError, WeightsError, ModelError) as error:
                yield name, str(error)
                continue
            yield name, loaded
            if len(names) > 1:
                self.cache.park_last()

    def _upscaler(self, name: str, settings: RestoreSettings) -> Loaded[Upscaler] | None:
        """None stands for the plain resize."""
        specs = self.choice.upscalers(name)
        if specs is None:
            return Loaded(loading.load_other_upscaler(name, self.choice.runtime, self.cache.turns.aside))
        return self._first_that_loads("upscaler", specs, lambda spec: self._mixed(spec, settings)) if specs else None

    def _second_upscaler(self, settings: RestoreSettings) -> Loaded[Upscaler] | None:
        """The plain resize is one too: it is mixed with the first."""
        if settings.second_upscaler.lower() == LANCZOS:
            return Loaded(loading.lanczos())
        return self._upscaler(settings.second_upscaler, settings)

    def _cleaner(self, settings: RestoreSettings) -> Loaded[Upscaler] | None:
        """The upscaler of factor 1 for a picture that keeps its size, where one was chosen by name."""
        spec = self.choice.cleaner(settings.upscaler)
        if spec is None:
            return None
        loaded = self._mixed(spec, settings)
        return loaded if is_scale_1(loaded.tool) else None

    def _mixed(self, spec: ModelSpec, settings: RestoreSettings) -> Loaded[Upscaler]:
        """The upscaler of a row, with the checkpoint that the denoise strength mixes in."""
        partner = self.choice.partner(spec, settings)
        denoise = 1.0 if partner.spec is None else settings.denoise
        files = (spec,) if partner.spec is None or denoise == 1 else (spec, partner.spec)
        key = ModelKey("upscaler", spec.name, tuple(self._file(one) for one in files), (denoise,))

        def load(device: torch.device) -> Loaded[Upscaler]:
            return _loaded(loading.load_upscaler(spec, partner.spec, denoise, self.choice.runtime, device))

        loaded = self._as_wanted(self.cache.get(key, self.device, load))
        return replace(loaded, notices=(*partner.notices, *loaded.notices))

    def _first_that_loads(
        self, role: Kind, specs: Sequence[ModelSpec], load: Callable[[ModelSpec], Loaded[Tool]]
    ) -> Loaded[Tool]:
        """The network of the first row, or of the next where that is a user's own file that cannot be loaded.

        Any row is passed over whose file is run by a program that is not installed. The notices say which files were
        passed over, and why. Each of them is tried once in a job.
        Raises: what load raises for a row of the catalogue, or for the last row.
        """
        passed_over: list[str] = []
        for spec in specs[:-1]:
            try:
                if (role, spec) in self._broken:
                    raise self._broken[role, spec]
                loaded = load(spec)
                break
            except (WeightsDamaged, WeightsUnknown, RuntimeMissing) as error:
                if spec.file is None and not isinstance(error, RuntimeMissing):
                    raise
                self._broken[role, spec] = error
                passed_over.append(f"{error} Another model was used.")
        else:
            loaded = load(specs[-1])
        return replace(loaded, notices=(*passed_over, *loaded.notices))

    def _get(self, role: Kind, spec: ModelSpec, load: Callable[..., tuple[Tool, FoundWeights]]) -> Loaded[Tool]:
        """The network of one row. load: from `models.loading`; takes row, runtime and device."""
        key = ModelKey(role, spec.name, (self._file(spec),))

        def load_now(device: torch.device) -> Loaded[Tool]:
            return _loaded(load(spec, self.choice.runtime, device))

        return self._as_wanted(self.cache.get(key, self.device, load_now))

    def _as_wanted(self, loaded: Loaded[Tool]) -> Loaded[Tool]:
        """The network, told how this job wants it run; another job may have wanted something else."""
        if isinstance(loaded.tool, loading.RunsAsWanted):
            loaded.tool.run_as(loading.how_to_run(self.choice.runtime))
        return loaded

    def _file(self, spec: ModelSpec) -> str | None:
        """Identity of the weights' file, which is fetched now where it is missing and may be. Raises: WeightsError."""
        if spec not in self._files:
            identity = weights.file_identity(spec, self.choice.runtime)
            if identity is None:
                identity = weights.path_identity(weights.resolve(spec, self.choice.runtime).path)
            self._files[spec] = identity
        return self._files[spec]


def _loaded(given: tuple[Tool, FoundWeights]) -> Loaded[Tool]:
    tool, found = given
    return Loaded(tool, (found.notice,) if found.notice else ())


def _tool(loaded: Loaded[Tool] | None) -> Tool | None:
    return None if loaded is None else loaded.tool
