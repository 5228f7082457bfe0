"""Settings + Runtime → tools → engine: loads what the settings name, keeps it warm, lets it go."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from lib_facerestore.engine import comparison, pipeline
from lib_facerestore.engine.comparison import FaceVariants
from lib_facerestore.engine.data import Picture, Prepared, Result
from lib_facerestore.engine.ports import Detector, NoProgress, Parser, Progress, Restorer, Tools, Upscaler
from lib_facerestore.engine.upscaling import background
from lib_facerestore.errors import (
    ModelError,
    OutOfMemory,
    SettingsError,
    WeightsDamaged,
    WeightsError,
    WeightsMissing,
    WeightsUnknown,
)
from lib_facerestore.models import loading, weights
from lib_facerestore.models.catalogue import Kind, ModelSpec, names
from lib_facerestore.models.weights import FoundWeights
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.turns import Key, Turns
from lib_facerestore.settings import RestoreSettings, setting_default

if TYPE_CHECKING:
    import torch

Tool = TypeVar("Tool")
LANCZOS = "lanczos"
# What a host is asked to free on its device: the weights of a detector, two restorers and a parser (1 GB together) and
# the activations of four faces, 2.7 GB with GFPGAN in float32. Upscalers fit their tiles to what is free.
_ROOM_BYTES = 4 << 30
# Networks of one role that stay on the device, as many as one job uses, and that are kept in all, the others of them in
# main memory: six of the largest restorers take 2.2 GB.
_MOST_ON_DEVICE, _MOST_WARM = 2, 6


class Session:
    """Warm networks of one process. Safe to share between threads: one run at a time, the others wait.

    A run steps aside while a host's upscaler works for it, which may call a restorer of ours: others may run meanwhile,
    and the networks of the waiting run stay where they are.
    Where a host has a queue lock, take that one first and this one second, never the other way round.
    """

    def __init__(self, runtime: Runtime | None = None) -> None:
        self.runtime = runtime or Runtime()
        self._turns = Turns()
        self._warm: dict[Key, tuple[Any, FoundWeights]] = {}

    def under(self, runtime: Runtime) -> Session:
        """A session of another runtime that shares networks and turns with this one, which stays as it is.

        runtime: one that `has_networks_of` this session's own.
        """
        sharing = copy.copy(self)  # of the references: lock and networks are the same
        sharing.runtime = runtime
        return sharing

    def _for_a_job(self) -> Session:
        """This session with the folders of models as they are now, which are looked through this one time."""
        return self.under(weights.listed(self.runtime))

    def restore(
        self,
        pictures: Iterable[Picture],
        settings: RestoreSettings,
        progress: Progress | None = None,
        asks_for_room: bool = True,
    ) -> Iterator[Result]:
        """Results in the order of the pictures, each as soon as it is finished; one picture in memory at a time.

        asks_for_room: whether the host is asked for memory first, which empties its caches; once for a whole job.
        Raises: WeightsError, ModelError, Interrupted. Results already given stay good.
        """
        progress = progress or NoProgress()
        if asks_for_room:
            self.runtime.memory.make_room(_ROOM_BYTES, str(self._device()))
        job = self._for_a_job()
        for picture in pictures:
            progress.check()
            with self._at_work():
                result = pipeline.run(picture, job._tools_for(picture, settings), settings, progress)
            yield result

    def find_faces(self, picture: Picture, settings: RestoreSettings) -> Prepared:
        """The faces of a picture, and the reason for each that `restore` would leave alone; loads the detector only.

        The picture is looked at even where the settings take it whole for one aligned face.
        Raises: WeightsError, ModelError.
        """
        device = self._device()
        self.runtime.memory.make_room(_ROOM_BYTES, str(device))
        used: list[FoundWeights] = []
        with self._at_work():
            detector = self._for_a_job()._detector(device, used)
            tools = Tools(detector=detector, restorer=None, device=str(device))
            prepared = pipeline.prepare(picture, tools, replace(settings, aligned_input=False))
        return replace(prepared, ran=replace(prepared.ran, warnings=_once(_notices(used), prepared.ran.warnings)))

    @property
    def warm(self) -> tuple[tuple[str, str], ...]:
        """(role, name) of the networks that are loaded just now; does not wait for a run."""
        return tuple((str(key[0]), str(key[1])) for key in list(self._warm))

    def face_variants(
        self,
        picture: Picture,
        settings: RestoreSettings,
        restorers: Sequence[str],
        fidelities: Sequence[float],
        progress: Progress | None = None,
    ) -> FaceVariants:
        """Each chosen face of a picture restored in several ways, to be looked at side by side; nothing is pasted.

        settings: say which faces; their own restorer and everything about upscaling is not used.
        Raises: WeightsError for a missing detector, Interrupted; what one restorer lacks stands in its variant.
        """
        device = self._device()
        settings = replace(settings.at_own_size(), restorer="none", upscaler="none", aligned_input=False)
        self.runtime.memory.make_room(_ROOM_BYTES, str(device))
        used: list[FoundWeights] = []
        with self._at_work():
            job = self._for_a_job()
            tools = replace(job.tools(settings), detector=job._detector(device, used))
            one_by_one = functools.partial(job._restorers, restorers, device, used)
            made = comparison.restore_variants(
                picture, tools, settings, one_by_one, fidelities, progress or NoProgress()
            )
        return replace(made, warnings=_once(_notices(used), made.warnings))

    def tools(self, settings: RestoreSettings) -> Tools:
        """The networks that every picture needs, loaded at the first call.

        Where a side is asked for, only pictures that grow need an upscaler that enlarges: it has only to be there.
        What the device has no memory for is on the CPU, and the warnings say so.
        Raises: SettingsError for unknown names; WeightsError; OutOfMemory where the CPU has none either.
        """
        job = self._for_a_job()
        if not settings.has_side:
            return job._loaded(settings)
        for name in (settings.upscaler, settings.second_upscaler):
            if name.lower() not in ("auto", LANCZOS, "none") and (spec := job._upscaler_row(name)) is not None:
                weights.need(spec, job.runtime)
        return job._loaded(settings.at_own_size())

    def _tools_for(self, picture: Picture, settings: RestoreSettings) -> Tools:
        """The networks for one picture: one that enlarges only where it grows."""
        if background.grows(settings, picture.size_hw):
            return self._loaded(settings)
        return self.tools(settings.at_own_size())

    def _loaded(self, settings: RestoreSettings) -> Tools:
        """All networks that the settings name, for a picture that grows where they ask for a size above its own.

        Raises: as `tools`.
        """
        device = self._device()
        used: list[FoundWeights] = []
        notes: list[str] = []
        restores = settings.restorer != "none"
        detector = parser = first = second = None
        if restores:
            first = self._restorer(settings.restorer, device, used)
            second = (
                None if settings.second_restorer == "none" else self._restorer(settings.second_restorer, device, used)
            )
            detector = None if settings.aligned_input else self._detector(device, used)
            parser = self._parser(settings, device, used)
        upscaler = second_upscaler = None
        if settings.scale <= 1 and not settings.has_side:
            upscaler = self._cleaner(settings, device, used, notes)
        else:
            upscaler = self._upscaler(settings.upscaler, settings, device, used, notes)
            if settings.second_upscaler.lower() == LANCZOS:
                second_upscaler = loading.lanczos()
            elif settings.second_upscaler != "none":
                second_upscaler = self._upscaler(settings.second_upscaler, settings, device, used, notes)
        return Tools(
            detector=detector,
            restorer=first,
            parser=parser,
            second_restorer=second,
            upscaler=upscaler,
            second_upscaler=second_upscaler,
            warnings=_once(_notices(used), notes),
            device=str(device),
            face_batch=self.runtime.faces_at_once(device.type),
        )

    def park(self) -> None:
        """Move all networks into the machine's own memory but for those of a run that waits; a run moves them back."""
        with self._turns.turn():
            self._to_main_memory(self._warm)
        self.runtime.memory.released()

    def release(self) -> None:
        """Drop all networks but those of a run that waits; the next run loads them again."""
        with self._turns.turn():
            # In place: sessions made by `under` share the dictionary.
            for key in set(self._warm) - self._turns.needed:
                del self._warm[key]
        self.runtime.memory.released()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """One run at a time, with NumPy as a fresh process has it: a host may have made underflow an error."""
        with self._turns.turn(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield

    def _device(self) -> torch.device:
        from lib_facerestore.models.networks import devices

        return devices.resolve(self.runtime.device)

    def _kept_warm(
        self,
        key: Key,
        used: list[FoundWeights],
        device: torch.device,
        load: Callable[[torch.device], tuple[Tool, FoundWeights]],
    ) -> Tool:
        """The tool of that key, loaded if it is not warm; `used` grows by its weights, with a notice if on the CPU."""
        import torch

        try:
            tool, found = self._on_device(key, device, load)
        except OutOfMemory as error:
            if device.type == "cpu":
                raise
            tool, found = self._on_device(key, torch.device("cpu"), load)
            found = replace(found, notice=f"{found.notice} {error} It went on on the CPU.".strip())
        used.append(found)
        self._turns.note(key)
        return tool

    def _on_device(
        self,
        key: Key,
        device: torch.device,
        load: Callable[[torch.device], tuple[Tool, FoundWeights]],
    ) -> tuple[Tool, FoundWeights]:
        """Raises: OutOfMemory."""
        kept = self._warm.pop(key, None)
        self._make_way(key[0])
        self._warm[key] = kept or load(device)  # last, as the one used last
        tool, found = self._warm[key]
        tool.move(device)  # back from the CPU, where it was parked or where memory ran out
        return cast(Tool, tool), found

    def _make_way(self, role: object) -> None:
        """Before one more of a role is used: drop those not used for longest, move others to main memory."""
        older = [key for key in self._warm if key[0] == role and key not in self._turns.needed]
        for key in older[: 1 - _MOST_WARM]:
            del self._warm[key]
        self._to_main_memory(older[1 - _MOST_WARM : 1 - _MOST_ON_DEVICE])

    def _to_main_memory(self, keys: Iterable[Key]) -> None:
        """Move these networks off the device, but for those that a waiting run goes on with."""
        import torch

        needed = self._turns.needed
        for key in keys:
            if key not in needed:
                self._warm[key][0].move(torch.device("cpu"))

    def _detector(self, device: torch.device, used: list[FoundWeights]) -> Detector:
        spec = self._chosen("auto", "detector")
        return self._kept_warm(
            ("detector", spec.name), used, device, lambda device: loading.load_detector(spec, self.runtime, device)
        )

    def _restorer(self, name: str, device: torch.device, used: list[FoundWeights]) -> Restorer:
        def load(spec: ModelSpec) -> Restorer:
            key = ("restorer", spec.name)
            return self._kept_warm(key, used, device, lambda device: loading.load_restorer(spec, self.runtime, device))

        if name.lower() != "auto":
            return load(self._chosen(name, "restorer"))
        return _first_that_loads(weights.present("restorer", self.runtime), used, load)

    def _restorers(
        self, names: Sequence[str], device: torch.device, used: list[FoundWeights]
    ) -> Iterator[tuple[str, Restorer | str]]:
        """Each with its name, or why there is none. Only one of them is on the device at a time."""
        for name in names:
            try:
                restorer = self._restorer(name, device, used)
            except (SettingsError, WeightsError, ModelError) as error:
                yield name, str(error)
                continue
            yield name, restorer
            if len(names) > 1:
                self._to_main_memory(list(self._warm)[-1:])  # the one used last

    def _parser(self, settings: RestoreSettings, device: torch.device, used: list[FoundWeights]) -> Parser | None:
        """A parser where the mask is to be parsed; under "auto" only where its file is present already."""
        if settings.mask not in ("auto", "parsing"):
            return None
        try:
            spec = self._chosen("auto", "parser")
        except WeightsMissing:
            if settings.mask == "auto":
                return None
            if not self.runtime.downloads_allowed:
                raise WeightsMissing(
                    "every face parser", f"{self.runtime.how_to_fetch('parsenet')} Or choose another mask."
                ) from None
            spec = self._chosen("parsenet", "parser")
        return self._kept_warm(
            ("parser", spec.name), used, device, lambda device: loading.load_parser(spec, self.runtime, device)
        )

    def _upscaler(
        self, name: str, settings: RestoreSettings, device: torch.device, used: list[FoundWeights], notes: list[str]
    ) -> Upscaler | None:
        """None stands for the plain Lanczos resize."""
        if name.lower() in (LANCZOS, "none"):
            return None

        def load(spec: ModelSpec) -> Upscaler:
            twin = self._twin(spec, settings, notes)
            denoise = settings.denoise if twin is not None else 1.0
            return self._kept_warm(
                ("upscaler", spec.name, denoise),
                used,
                device,
                lambda device: loading.load_upscaler(spec, twin, denoise, self.runtime, device),
            )

        if name.lower() != "auto":
            spec = self._upscaler_row(name)
            return loading.load_other_upscaler(name, self.runtime, self._turns.aside) if spec is None else load(spec)
        try:
            specs = weights.present("upscaler", self.runtime)
        except WeightsMissing:
            return None
        return _first_that_loads(specs, used, load)

    def _upscaler_row(self, name: str) -> ModelSpec | None:
        """Our row of that name, also where the host names the same file; None for what only the host can run.

        Raises: SettingsError for a name that neither knows; WeightsMissing when auto finds none.
        """
        try:
            return self._chosen(name, "upscaler")
        except SettingsError:
            others = self.runtime.other_upscalers
            if name not in others.names():
                raise
            file = others.file(name)
            return None if file is None else weights.rows_by_file("upscaler", self.runtime).get(file.resolve())

    def _cleaner(
        self, settings: RestoreSettings, device: torch.device, used: list[FoundWeights], notes: list[str]
    ) -> Upscaler | None:
        """The upscaler for a picture that keeps its size: one of factor 1 that was chosen by name, else none.

        A user's own file has to be loaded to know its factor.
        """
        name = settings.upscaler
        if name.lower() in ("auto", LANCZOS, "none"):
            return None
        spec = self._upscaler_row(name)
        if spec is None or spec.scale > 1:  # a host does not tell which of its upscalers clean
            return None
        weights_used, remarks = list[FoundWeights](), list[str]()
        upscaler = self._upscaler(name, settings, device, weights_used, remarks)
        if not background.cleans(upscaler):
            return None
        used += weights_used
        notes += remarks
        return upscaler

    def _twin(self, spec: ModelSpec, settings: RestoreSettings, notes: list[str]) -> ModelSpec | None:
        """The checkpoint that the denoise strength mixes in; says where a strength that was asked for has no effect."""
        if spec.twin:
            twin = self._chosen(spec.twin, "upscaler")
            if weights.is_present(twin, self.runtime) or self.runtime.downloads_allowed:
                return twin
            lacking = f"The denoise strength had no effect: {twin.name}, which it mixes in, is missing."
            notes.append(f"{lacking} {self.runtime.how_to_fetch(names.typed_name(twin.name))}")
        elif settings.denoise != setting_default("denoise"):
            notes.append(f"The denoise strength had no effect: {spec.name} has no twin to mix with.")
        return None

    def _chosen(self, name: str, kind: Kind) -> ModelSpec:
        return weights.choose(name, kind, self.runtime)


def _first_that_loads(specs: Sequence[ModelSpec], used: list[FoundWeights], load: Callable[[ModelSpec], Tool]) -> Tool:
    """The tool of the first row, or of the next where that is a user's own file that cannot be loaded.

    The notice of the weights that are used says which files were passed over, and why. load: makes `used` grow by one.
    Raises: what load raises for a row of the catalogue, or for the last row.
    """
    passed_over: list[str] = []
    for spec in specs[:-1]:
        try:
            tool = load(spec)
            break
        except (WeightsDamaged, WeightsUnknown) as error:
            if spec.file is None:
                raise
            passed_over.append(f"{error} Another model was used.")
    else:
        tool = load(specs[-1])
    used[-1] = replace(used[-1], notice=" ".join(filter(None, [*passed_over, used[-1].notice])))
    return tool


def _notices(used: Iterable[FoundWeights]) -> list[str]:
    """What a person should know of the weights that were used."""
    return [found.notice for found in used if found.notice]


def _once(*sentences: Iterable[str]) -> tuple[str, ...]:
    """All of them in order, each once."""
    return tuple(dict.fromkeys(itertools.chain(*sentences)))
