"""What hosts do today: facexlib's FaceRestoreHelper around spandrel's network, one face at a time, in float32.

Written from the public API of facexlib 0.3.0 and the settings that A1111 and Forge give it. Detections and labels are
replaced by known ones after the networks ran, so that both paths restore the same faces with the same masks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from facexlib.utils.face_restoration_helper import FaceRestoreHelper

from benchmarks.speed import networks, scenes
from benchmarks.speed.clock import Clock
from benchmarks.speed.scenes import Scenario, Scene
from lib_facerestore.engine.data import Pixels
from lib_facerestore.engine.faces import align
from lib_facerestore.models.adapters import restorers
from lib_facerestore.models.networks import architectures as our_networks

RESIZE_PX, EYE_DISTANCE_PX = 640, 5
Restore = Callable[[Pixels], Pixels]


class StockPath:
    """One warm helper and one warm network."""

    def __init__(self, restorer: str, scenario: Scenario, device: torch.device) -> None:
        self.clock, self._scenario, self._device = Clock(), scenario, device
        with tempfile.TemporaryDirectory() as folder:
            networks.write_stock_files(Path(folder))
            self._helper = FaceRestoreHelper(
                1, 512, (1, 1), "retinaface_resnet50", "png", use_parse=True, device=device, model_rootpath=folder
            )
        self._restore: Restore = lambda face: face
        if scenario.has_networks:
            model = our_networks.build(networks.restorer_state(restorer), restorer, device).model
            side_px = _native_side_px(scenario) if restorer == "embedded" else 0
            self._restore = _face_restorer(restorer, model, device, side_px)
        self._parse = self._helper.face_parse
        self._detect = self._helper.face_det.detect_faces
        self._logits = _one_hot(device)
        self._helper.face_parse = self._parsed

    def run(self, scene: Scene, pictures: int = 1) -> Pixels:
        """The last picture with its faces restored, RGB; the clock then holds the stages."""
        self._helper.face_det.detect_faces = lambda image, threshold: self._detected(image, threshold, scene)
        self.clock.start()
        for _ in range(pictures):
            pasted = self._run_one(np.ascontiguousarray(scene.pixels[..., ::-1]))
        return np.ascontiguousarray(pasted[..., ::-1])

    def _run_one(self, bgr: Pixels) -> Pixels:
        helper, clock = self._helper, self.clock
        with clock.stage("detect"):
            helper.clean_all()
            helper.read_image(bgr)
            helper.get_face_landmarks_5(only_center_face=False, resize=RESIZE_PX, eye_dist_threshold=EYE_DISTANCE_PX)
        with clock.stage("align"):
            helper.align_warp_face()
        for face in helper.cropped_faces:
            with clock.stage("restore"):
                helper.add_restored_face(self._restore(face))
        with clock.stage("paste"):
            helper.get_inverse_affine()
            pasted: Pixels = helper.paste_faces_to_input_image()
        return pasted

    def _detected(self, image: Pixels, threshold: float, scene: Scene) -> np.ndarray:
        if self._scenario.has_networks:
            self._detect(image, threshold)
        scale = min(scene.pixels.shape[:2]) / RESIZE_PX  # the helper multiplies by it
        rows = [[*face.box, face.score, *face.landmarks.ravel()] for face in scene.faces]
        return np.array(rows, np.float32).reshape(-1, 15) / scale

    def _parsed(self, face: torch.Tensor) -> tuple[torch.Tensor, SimpleNamespace]:
        with self.clock.stage("parse", inside="paste"):
            if self._scenario.has_networks:
                # The helper takes the labels to the CPU next, which waits for the network; so must the clock.
                self._parse(face)[0].argmax(dim=1).cpu()
        return self._logits, SimpleNamespace()


def _one_hot(device: torch.device) -> torch.Tensor:
    found = torch.from_numpy(networks.labels().astype(np.int64)).to(device)
    return torch.nn.functional.one_hot(found, 19).permute(2, 0, 1)[None].float()


def _native_side_px(scenario: Scenario) -> int:
    """What an upscaler that restores faces is shown: as in ours, or the pictures would not be the same."""
    scene = scenes.scene(scenario)
    crop = align.align(scene.pixels, scene.faces[0]) if scene.faces else None
    return restorers.NATIVE_SIDES_PX[0] if crop is None else restorers.native_side(crop)


def _face_restorer(name: str, model: Any, device: torch.device, side_px: int) -> Restore:
    """BGR uint8 (512, 512, 3) → the same, restored, as hosts do it; an upscaler is shown a face of that side."""

    def call(pixels: torch.Tensor) -> torch.Tensor:
        if name == "GFPGAN":
            output: torch.Tensor = model(pixels, return_rgb=False, randomize_noise=False)[0]
            return output
        return model(pixels, weight=0.5)[0] if name == "CodeFormer" else model(pixels)[0]  # type: ignore[no-any-return]

    def face_network(face: Pixels) -> Pixels:
        rgb = torch.from_numpy(np.ascontiguousarray(face[..., ::-1])).permute(2, 0, 1)[None].to(device).float()
        with torch.inference_mode():
            output = call(rgb / 127.5 - 1)[0].clamp(-1, 1).permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(np.rint((output[..., ::-1] + 1) * 127.5).astype(np.uint8))

    def upscaler(face: Pixels) -> Pixels:
        small = cv2.resize(face[..., ::-1], (side_px, side_px), interpolation=cv2.INTER_AREA)
        rgb = torch.from_numpy(np.ascontiguousarray(small)).permute(2, 0, 1)[None].to(device).float()
        with torch.inference_mode():
            output = model(rgb / 255)[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        enlarged = np.ascontiguousarray(np.rint(output[..., ::-1] * 255).astype(np.uint8))
        resized: Pixels = cv2.resize(enlarged, face.shape[1::-1], interpolation=cv2.INTER_AREA)
        return resized

    return upscaler if name == "embedded" else face_network
