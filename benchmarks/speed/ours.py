"""Our path: `session.restore`, every network warm and timed. Detections and labels are the known ones, as in stock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed import networks
from benchmarks.speed.clock import Clock
from benchmarks.speed.scenes import Scenario, Scene
from lib_facerestore.engine.data import Crop, FloatPixels, ModelUsed, Picture, Pixels
from lib_facerestore.engine.faces import align
from lib_facerestore.engine.ports import Tools
from lib_facerestore.models import catalogue, loading
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES, FaceParser
from lib_facerestore.models.adapters.restorers import restorer_for
from lib_facerestore.models.detection.detectors import RetinaFaceDetector
from lib_facerestore.models.networks import architectures as our_networks
from lib_facerestore.models.networks.precision import Precision, verdict_key
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

SETTINGS = RestoreSettings(mask="parsing", min_face_px=0)


@dataclass(frozen=True)
class Variant:
    """How ours runs. helpers: "small" is the embedded MobileNet0.25 and BiSeNet, "stock" ResNet50 and ParseNet.

    is_half: half precision, without asking whether the weights earned it; random ones tell nothing about that.
    """

    name: str
    helpers: str = "small"
    is_half: bool = False


FULL, HALF = Variant("ours"), Variant("ours, half", is_half=True)
SAME_FILES = Variant("ours, stock's files", helpers="stock")


class OurPath:
    """One warm session."""

    def __init__(self, restorer: str, scenario: Scenario, variant: Variant, device: torch.device, cache: Path) -> None:
        self.clock, self._scenario, self._device = Clock(), scenario, device
        self._detector = _detector(variant, device)
        self._rows = self._detector.network.rows
        real = _restorer(restorer, variant, device, cache) if scenario.has_networks else None
        parser = _parser(variant, device) if scenario.has_networks else None
        runtime = Runtime(device=str(device))
        tools = Tools(
            self._detector, TimedRestorer(real, self.clock), TimedParser(parser, self.clock), device=str(device),
            face_batch=runtime.faces_at_once(device.type),
        )  # fmt: skip
        self._session = Session(runtime)
        self._session.tools = lambda settings: tools  # type: ignore[method-assign]

    def run(self, scene: Scene, pictures: int = 1) -> Pixels:
        """The last picture with its faces restored; the clock then holds the stages."""
        self._detector.network.rows = lambda batch, threshold: self._found(batch, threshold, scene)  # type: ignore[method-assign]
        decoded = [Picture(scene.pixels)] * pictures
        clock = self.clock
        clock.start()
        for result in self._session.restore(decoded, SETTINGS):
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
    sha256 = name.ljust(64, "0")
    (cache / "half.json").write_text(json.dumps({verdict_key(sha256, device): True}))
    precision = Precision("half" if variant.is_half else "full", sha256, cache)
    return restorer_for(
        name, sha256, our_networks.build(networks.restorer_state(name), name, device), device, precision
    )
