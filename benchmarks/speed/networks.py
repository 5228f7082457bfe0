"""Networks of real size with random weights: a network's speed does not depend on what its weights are.

The embedded ones are the trained ones. Labels that both paths take for what the parser found are made here too.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lib_facerestore.models import weights
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.runtime import Runtime

EMBEDDED = "Real-ESRGAN x4plus (embedded)"
State = dict[str, torch.Tensor]


@functools.cache
def restorer_state(name: str) -> State:
    """Weights of the restorer: random ones, always the same, or the embedded trained ones."""
    if name == "embedded":
        runtime = Runtime(device="cpu")
        return weights.load(weights.resolve(weights.choose(EMBEDDED, "restorer", runtime), runtime), runtime)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        return dict(_constructor(name)().state_dict())


def _constructor(name: str) -> Callable[[], Any]:
    if name == "GFPGAN":
        from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean

        return GFPGANv1Clean
    if name == "RestoreFormer":
        from spandrel.architectures.RestoreFormer.__arch.restoreformer_arch import RestoreFormer

        return RestoreFormer
    from spandrel_extra_arches.architectures.CodeFormer.__arch.codeformer import CodeFormer

    return functools.partial(CodeFormer, dim_embd=512, n_head=8, n_layers=9, codebook_size=1024, latent_size=256)


@functools.cache
def helper_state(name: str) -> State:
    """Random weights of facexlib's RetinaFace ResNet50, ParseNet or BiSeNet."""
    from facexlib.detection.retinaface import RetinaFace
    from facexlib.parsing.bisenet import BiSeNet
    from facexlib.parsing.parsenet import ParseNet

    makers: dict[str, Callable[[], Any]] = {
        "ResNet50": lambda: RetinaFace(network_name="resnet50", device=torch.device("cpu")),
        "ParseNet": lambda: ParseNet(in_size=512, out_size=512, parsing_ch=19),
        "BiSeNet": lambda: BiSeNet(num_class=19),
    }
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(2)
        return dict(makers[name]().state_dict())


def write_stock_files(folder: Path) -> None:
    """The two files that facexlib's helper looks for, so that it fetches nothing."""
    for name, file in (("ResNet50", "detection_Resnet50_Final.pth"), ("ParseNet", "parsing_parsenet.pth")):
        torch.save(helper_state(name), folder / file)


def labels(classes: tuple[str, ...] = PARSENET_CLASSES) -> NDArray[np.uint8]:
    """What both paths take for the parser's answer, 512×512: skin and hair, neck below, background around."""
    found = np.zeros((512, 512), np.uint8)
    cv2.rectangle(found, (190, 400), (320, 511), classes.index("neck"), -1)
    cv2.ellipse(found, (256, 220), (190, 200), 0, 0, 360, classes.index("hair"), -1)
    cv2.ellipse(found, (256, 290), (150, 190), 0, 0, 360, classes.index("skin"), -1)
    return found
