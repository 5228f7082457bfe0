"""End to end against the stock recipe on every sample photograph: our resizing against facexlib's, same network."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.stock import stock_helper
from lib_facerestore.engine import pixels
from lib_facerestore.models import catalogue
from lib_facerestore.models.detection.detected_rows import not_nested
from lib_facerestore.models.detection.detectors import RetinaFaceDetector
from lib_facerestore.models.weights import bundled

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
SPEC = catalogue.by_name("RetinaFace MobileNet0.25 (embedded)", "detector")
SHORT_SIDE_PX = 640


def stock_landmarks(network, rgb):
    """(N, 5, 2) in the picture, by `get_face_landmarks_5(resize=640)` at our threshold, moved to pixel centres."""
    helper = stock_helper(rgb)
    helper.face_det = SimpleNamespace(detect_faces=lambda image, _: network.detect_faces(image, SPEC.threshold))
    helper.get_face_landmarks_5(resize=SHORT_SIDE_PX)
    height, width = rgb.shape[:2]
    scale = min(height, width) / SHORT_SIDE_PX
    # stock multiplies by one scale though it cut both sides to whole pixels; exact is (x + ½)·W/w − ½ for each axis
    small = np.array(helper.all_landmarks_5) / scale
    ratio = np.array([width / int(width / scale), height / int(height / scale)])
    return (small + 0.5) * ratio - 0.5


@pytest.fixture(scope="module")
def distances():
    """Landmark distances in % of the eye distance, of every labelled photograph's faces; and the unmatched faces."""
    from facexlib.detection.retinaface import RetinaFace

    device = torch.device("cpu")
    state = bundled.convert(SPEC, bundled.locate(SPEC.bundled))
    detector = RetinaFaceDetector(SPEC, SPEC.bundled.sha256, state, device)
    network = RetinaFace(network_name="mobile0.25", device=device)
    network.load_state_dict(state)
    percent, unmatched = {}, []
    for row in json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))["photographs"]:
        rgb = pixels.read(SAMPLES / row["file"]).pixels
        stock = stock_landmarks(network.eval(), rgb)
        percent[row["file"]] = []
        first_look = detector._rows_at([rgb], SHORT_SIDE_PX)[0]  # stock knows no second one
        for found in not_nested(first_look[first_look[:, 4] > SPEC.threshold]):
            landmarks = found[5:].reshape(5, 2)
            apart = np.hypot(*(stock - landmarks).transpose(2, 0, 1))
            nearest = apart[apart.mean(axis=1).argmin()]
            eyes_px = np.hypot(*(landmarks[1] - landmarks[0]))
            if nearest.mean() > eyes_px:
                unmatched.append((row["file"], found[:4]))
            else:
                percent[row["file"]] += list(100 * nearest / eyes_px)
    return percent, unmatched


def test_our_faces_are_stocks_faces(distances):
    assert distances[1] == []


def test_landmarks_agree_with_the_stock_recipe_on_the_whole(distances):
    every = np.concatenate(list(distances[0].values()))

    assert every.size >= 5 * 40
    assert np.median(every) <= 1  # what is left is the filter: ours averages, stock's LANCZOS4 aliases


def test_landmarks_are_rarely_and_never_grossly_far_from_the_stock_recipes(distances):
    every = np.concatenate(list(distances[0].values()))

    # Equal input pixels agree within 0.001 %. The rest is the resize alone: stock's LANCZOS4 does not average, so the
    # network sees other pixels in fine grain and sometimes lets a neighbouring anchor win. Measured: 95 % of the
    # landmarks within 4.0 %, the farthest 9.4 %.
    assert np.percentile(every, 95) <= 4.5
    assert every.max() <= 11
