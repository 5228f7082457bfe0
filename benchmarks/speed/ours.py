"""Our path: `pipeline.run`, every network warm and timed. Detections and labels are the known ones, as in stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed import networks
from benchmarks.speed.clock import Clock
from benchmarks.speed.scenes import Scenario, Scene
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed, Picture, Pixels
from lib_facerestore.engine.faces import align
from lib_facerestore.engine.ports import Tools
from lib_facerestore.models import catalogue, loading
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES, FaceParser
from lib_facerestore.models.adapters.restorers import restorer_for
from lib_facerestore.models.detection.detectors import RetinaFaceDetector
from lib_facerestore.models.executors.program import HowToRun, Tensors, Way
from lib_facerestore.models.executors.runner import Runner
from lib_facerestore.models.executors.verdicts import FAILED, Verdict, decibels
from lib_facerestore.models.networks import architectures as our_networks
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings

SETTINGS = RestoreSettings(mask="parsing", min_face_px=0)


@dataclass(frozen=True)
class Variant:
    """How ours runs. helpers: "small" is the embedded MobileNet0.25 and BiSeNet, "stock" ResNet50 and ParseNet.

    way: how the restorer runs, without asking whether the weights earned it; random ones tell nothing about that. A
    part that never runs in half precision, as CodeFormer's codes, runs in full precision of the same library.
    """

    name: str
    way: Way = Way.TORCH_FULL
    helpers: str = "small"


FULL, HALF = Variant("ours"), Variant("ours, half", Way.TORCH_HALF)
OPENVINO = Variant("ours, OpenVINO", Way.OPENVINO_FULL)
OPENVINO_HALF = Variant("ours, OpenVINO half", Way.OPENVINO_HALF)
SAME_FILES = Variant("ours, stock's files", helpers="stock")


class Forced:
    """Takes the place of a runner's verdicts: one way is the best and is not tried, the others failed."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def get(self, subject: str, way: Way, device_type: str) -> Verdict:
        return Verdict(200.0, 0.01) if way is self._way else FAILED

    def put(self, subject: str, way: Way, device_type: str, verdict: Verdict) -> None:
        if verdict.decibels == 0:
            raise RuntimeError(f"{way.name} failed; the row would be torch's")


class OurPath:
    """Our networks, warm."""

    def __init__(self, restorer: str, scenario: Scenario, variant: Variant, device: torch.device, cache: Path) -> None:
        self.clock, self._scenario, self._device = Clock(), scenario, device
        self._detector = _detector(variant, device)
        self._rows = self._detector.network.rows
        real = _restorer(restorer, variant, device, cache) if scenario.has_networks else None
        parser = _parser(variant, device) if scenario.has_networks else None
        runtime = Runtime(device=str(device))
        tools = Tools(
            self._detector, TimedRestorer(real, self.clock), TimedParser(parser, self.clock),
            face_batch=runtime.faces_at_once(device.type),
        )  # fmt: skip
        self._tools, self.restorer = tools, real

    def run(self, scene: Scene, pictures: int = 1) -> Pixels:
        """The last picture with its faces restored; the clock then holds the stages."""
        self._detector.network.rows = lambda batch, threshold: self._found(batch, threshold, scene)  # type: ignore[method-assign]
        decoded = [Picture(scene.pixels)] * pictures
        clock = self.clock
        clock.start()
        for picture in decoded:
            result = pipeline.run(picture, self._tools, SETTINGS)
            seconds = dict(result.report.seconds)
            for stage in ("detect", "align"):
                clock.seconds[stage] += seconds[stage]
            clock.seconds["paste"] += seconds["paste"] + seconds["upscale"] + seconds["restore"]
        # Masks and pasting are what is left of both stages of the report.
        clock.seconds["paste"] -= clock.seconds["restore"] + clock.seconds["parse"]
        return result.picture.pixels

    def _found(self, batch: Any, threshold: float, scene: Scene) -> list[np.ndarray]:
        if self._scenario.has_networks:
            self._rows(batch, threshold)
        height, width = scene.pixels.shape[:2]
        ratio = np.array([batch.shape[2] / width, batch.shape[1] / height])
        found = []
        for face in scene.faces:
            edges = (np.array(face.box).reshape(2, 2) * ratio).ravel()
            found.append([*edges, face.score, *((face.landmarks + 0.5) * ratio - 0.5).ravel()])
        return [np.array(found, np.float32).reshape(-1, 15)]


class TimedRestorer:
    """A restorer that adds its time to the clock; without a real one it gives the crops back."""

    def __init__(self, real: Any, clock: Clock) -> None:
        self._real, self._clock = real, clock
        self.used = real.used if real else ModelUsed("restorer", "none", "0" * 64)
        self.has_fidelity = bool(real and real.has_fidelity)
        self.crop_kernel = real.crop_kernel if real else "linear"
        self.crop_side_px = real.crop_side_px if real else align.CROP_SIDE_PX

    @property
    def device(self) -> object:
        return self._real.device if self._real else "cpu"

    def restore(self, crops: Sequence[Crop], fidelity: float) -> list[FloatPixels]:
        with self._clock.stage("restore"):
            return self._real.restore(crops, fidelity) if self._real else [crop.pixels for crop in crops]

    def fall_back(self) -> bool:
        return False

    def avoid(self, device: str, problem: str) -> None:
        """It never falls back."""


class TimedParser:
    """A parser that adds its time to the clock and then gives the known labels."""

    classes = PARSENET_CLASSES

    def __init__(self, real: FaceParser | None, clock: Clock) -> None:
        self._real, self._clock, self._labels = real, clock, networks.labels()
        self.used = real.used if real else ModelUsed("parser", "none", "0" * 64)

    @property
    def device(self) -> object:
        return self._real.device if self._real else "cpu"

    def parse(self, faces: Sequence[FloatPixels]) -> list[np.ndarray]:
        with self._clock.stage("parse"):
            if self._real:
                self._real.parse(faces)
        return [self._labels for _ in faces]


def _detector(variant: Variant, device: torch.device) -> RetinaFaceDetector:
    if variant.helpers == "stock":
        spec = catalogue.by_name("RetinaFace ResNet50", "detector")
        return RetinaFaceDetector(spec, "0" * 64, networks.helper_state("ResNet50"), device)
    spec = catalogue.by_name("RetinaFace MobileNet0.25 (embedded)", "detector")
    return loading.load_detector(spec, Runtime(device=str(device)), device)[0]  # type: ignore[return-value]


def _parser(variant: Variant, device: torch.device) -> FaceParser:
    name = "ParseNet" if variant.helpers == "stock" else "BiSeNet"
    return FaceParser(name.lower(), name, "0" * 64, networks.helper_state(name), device)  # type: ignore[arg-type]


def _restorer(name: str, variant: Variant, device: torch.device, cache: Path) -> Any:
    how = HowToRun("half" if variant.way.is_half else "full", "openvino" if variant.way.is_openvino else "torch", cache)
    state = networks.restorer_state(name)
    restorer = restorer_for(name, name.ljust(64, "0"), our_networks.build(state, name, device), device, how)
    for runner in restorer._runners:
        runner._verdicts = Forced(_possible(runner, variant.way))
    return restorer


def _possible(runner: Runner, way: Way) -> Way:
    if way.is_half and not runner._program.may_be_half:
        return Way.OPENVINO_FULL if way.is_openvino else Way.TORCH_FULL
    return way


def agreement(path: OurPath, crop: Crop) -> tuple[float, tuple[str, ...]]:
    """dB of the path's restorer against itself in torch and full precision; and the ways that its parts ran in."""
    forced = path.restorer.restore([crop], 0.5)[0]
    ways = tuple(runner.used.name for runner in path.restorer._runners)
    verdicts = [runner._verdicts for runner in path.restorer._runners]
    for runner in path.restorer._runners:
        runner._verdicts = Forced(Way.TORCH_FULL)
    # Another object, whose codes are not kept.
    again = Crop(crop.face, crop.pixels, crop.affine)
    full = path.restorer.restore([again], 0.5)[0]
    for runner, kept in zip(path.restorer._runners, verdicts):
        runner._verdicts = kept
    pair: tuple[Tensors, Tensors] = ((torch.from_numpy(forced),), (torch.from_numpy(full),))
    return decibels(*pair, value_range=1.0), ways
