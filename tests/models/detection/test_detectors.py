"""RetinaFace against facexlib's own detection with the same weights, and the clean-up around it."""

import functools

import cv2
import numpy as np
import pytest
import torch

from helpers.support import smooth_noise
from lib_facerestore.models import catalogue
from lib_facerestore.models.detection.detection_size import resize_for_detection
from lib_facerestore.models.detection.detectors import RetinaFaceDetector
from lib_facerestore.models.detection.retinaface import anchor_boxes
from lib_facerestore.models.weights import bundled

SPEC = catalogue.by_name("RetinaFace MobileNet0.25 (embedded)", "detector")
CPU = torch.device("cpu")


@functools.cache
def networks():
    """Ours and facexlib's, with one state."""
    from facexlib.detection.retinaface import RetinaFace

    state = bundled.convert(SPEC, bundled.locate(SPEC.bundled))
    stock = RetinaFace(network_name="mobile0.25", device=CPU)
    stock.load_state_dict(state)
    return RetinaFaceDetector(SPEC, SPEC.bundled.sha256, state, CPU), stock.eval()


def stock_rows(rgb, threshold):
    with torch.no_grad():
        return networks()[1].detect_faces(np.ascontiguousarray(rgb[..., ::-1]), threshold)


def assert_same_faces(ours, stock):
    assert len(ours) == len(stock) > 0
    assert np.abs(ours[:, :4] - stock[:, :4]).max() < 0.5  # px
    assert np.abs(ours[:, 5:] - stock[:, 5:]).max() < 0.5
    assert np.abs(ours[:, 4] - stock[:, 4]).max() < 1e-4


@pytest.mark.parametrize("size_wh", [(512, 384), (333, 251), (500, 640)])
def test_one_picture_gives_facexlibs_rows(photograph, size_wh):
    pixels = cv2.resize(photograph, size_wh, interpolation=cv2.INTER_AREA)

    (ours,) = networks()[0].network.rows(pixels[None], 0.5)

    assert_same_faces(ours, stock_rows(pixels, 0.5))


def test_batch_of_four_gives_facexlibs_rows_for_each(photograph):
    batch = np.stack([photograph, photograph[:, ::-1], np.roll(photograph, 40, axis=1), photograph // 2])

    ours = networks()[0].network.rows(batch, 0.5)

    assert len(ours) == 4
    for rows, pixels in zip(ours, batch):
        assert_same_faces(rows, stock_rows(pixels, 0.5))


def test_pictures_of_mixed_sizes_come_back_in_their_order(photograph):
    small = np.ascontiguousarray(photograph[:, 60:460])
    blank = np.zeros((300, 400, 3), np.uint8)
    detector = networks()[0]

    together = detector.detect([photograph, small, blank, photograph], 0.5, 384)
    alone = [detector.detect([pixels], 0.5, 384)[0] for pixels in (photograph, small, blank, photograph)]

    assert [len(faces) for faces in together] == [len(faces) for faces in alone]
    assert [bool(faces) for faces in together] == [True, True, False, True]
    for a, b in zip(together, alone):
        for face_a, face_b in zip(a, b):
            assert np.abs(face_a.landmarks - face_b.landmarks).max() < 0.01  # batches sum in another order


def test_detector_goes_on_on_the_cpu():
    detector = RetinaFaceDetector(SPEC, SPEC.bundled.sha256, bundled.convert(SPEC, bundled.locate(SPEC.bundled)), CPU)
    detector.network.device = torch.device("cuda:0")  # as far as it knows

    assert detector.fall_back()
    assert detector.network.device == CPU
    assert not detector.fall_back()


def first_pass(pixels, short_side_px):
    """The best row in the picture's pixels; `detect` may verify it, which does not matter here."""
    return networks()[0]._rows_at([pixels], short_side_px)[0][0]


def test_score_is_the_networks_whatever_the_pictures_scale(photograph):
    doubled = cv2.resize(photograph, (1024, 768), interpolation=cv2.INTER_NEAREST)

    here, there = first_pass(photograph, 384), first_pass(doubled, 384)

    # stock multiplies the whole row, score included, by the scale: 2 here
    assert there[4] == pytest.approx(here[4], abs=1e-3)
    assert here[4] == pytest.approx(stock_rows(photograph, 0.5)[0, 4], abs=1e-4)
    assert max(face.score for face in networks()[0].detect([doubled], 0.5, 384)[0]) <= 1


def test_faces_of_a_doubled_picture_lie_at_doubled_pixel_centres(photograph):
    doubled = np.repeat(np.repeat(photograph, 2, axis=0), 2, axis=1)

    here, there = first_pass(photograph, 384), first_pass(doubled, 384)

    # averaging 2×2 equal pixels gives the picture back exactly; u = 2·(x + ½) − ½ for points, 2·x for edges
    assert np.abs(there[5:] - (2 * here[5:] + 0.5)).max() < 0.01
    assert np.abs(there[:4] - 2 * here[:4]).max() < 0.01


def test_sixteen_bit_picture_gives_the_faces_of_its_eight_bit_twin(photograph):
    detector = networks()[0]

    (coarse,), (fine,) = (
        detector.detect([photograph], 0.5, 384),
        detector.detect([photograph.astype(np.uint16) * 257], 0.5, 384),
    )

    assert len(coarse) == len(fine) > 0
    assert np.array_equal(coarse[0].landmarks, fine[0].landmarks)


def test_boxes_lie_within_the_picture(photograph):
    cut = np.ascontiguousarray(photograph[70:, 190:])  # through the face

    (faces,) = networks()[0].detect([cut], 0.02, 384)

    assert faces
    for face in faces:
        left, top, right, bottom = face.box
        assert 0 <= left <= right <= cut.shape[1]
        assert 0 <= top <= bottom <= cut.shape[0]


def test_noise_without_faces_gives_none():
    assert networks()[0].detect([smooth_noise(240, 321)], 0.6, 320) == [[]]


@pytest.mark.parametrize("size_hw", [(100, 100 * 9), (37, 53), (640, 481), (1, 700)])
def test_short_side_is_reached_and_the_long_side_bounded(size_hw):
    small = resize_for_detection(np.zeros((*size_hw, 3), np.uint8), 160)

    assert min(small.shape[:2]) <= 160
    assert max(small.shape[:2]) <= 4 * 160
    assert min(small.shape[:2]) == 160 or max(small.shape[:2]) == 640
    assert small.dtype == np.uint8


def test_anchors_are_facexlibs():
    from facexlib.detection.retinaface_utils import PriorBox

    config = networks()[1].cfg
    expected = PriorBox(config, image_size=(213, 331)).forward().numpy() * [331, 213, 331, 213]

    assert anchor_boxes(213, 331).shape == expected.shape
    assert np.abs(anchor_boxes(213, 331) - expected).max() < 1e-3  # float32 of relative coordinates
