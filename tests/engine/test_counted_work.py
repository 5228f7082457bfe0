"""How much work a run does, counted and not timed: network calls, operations on the whole canvas, bytes copied.

Each number is what the recipe needs. One that grows means that a picture became slower for everybody.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from helpers.stock import oval_labels
from helpers.support import CountingMemory, FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine.data import Face, ModelUsed, Picture
from lib_facerestore.engine.ports import Tools
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.job_tools import JobTools
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

# Crop, restored crop (512×512×3 float32 each) and mask (512×512) of one face, all kept until the picture is finished.
FACE_BYTES = 512 * 512 * 4 * (3 + 3 + 1)


class CountingDetector(FakeDetector):
    """Notes how many pictures each call gets."""

    def __init__(self, *faces: Face) -> None:
        super().__init__(*faces)
        self.calls: list[int] = []

    def detect(self, pictures, threshold, short_side_px):
        self.calls.append(len(pictures))
        return super().detect(pictures, threshold, short_side_px)


class CountingParser:
    """Gives every face the same labels and counts the faces."""

    used = ModelUsed("parser", "fake parser", "2" * 64)
    classes = PARSENET_CLASSES
    device = "cpu"

    def __init__(self) -> None:
        self.faces = 0

    def fall_back(self) -> bool:
        return False

    def avoid(self, device: str, problem: str) -> None:
        raise AssertionError("no device fails here")

    def parse(self, faces):
        self.faces += len(faces)
        return [oval_labels() for _ in faces]


@dataclass
class Work:
    """What one run did.

    on_canvas: OpenCV functions that wrote something as large as the canvas. copied: bytes of arrays that were copied or
    converted whole. canvas_copies: how many of those were as large as the canvas. peak: bytes allocated at once.
    """

    on_canvas: list[str] = field(default_factory=list)
    copied: int = 0
    canvas_copies: int = 0
    peak: int = 0


@contextmanager
def counting(canvas: np.ndarray) -> Iterator[Work]:
    """Count what happens inside, for a canvas of that many bytes."""
    work = Work()

    def seen(frame, event, function):
        array = getattr(function, "__self__", None)
        if event == "c_call" and isinstance(array, np.ndarray) and function.__name__ in ("copy", "astype"):
            work.copied += array.nbytes
            work.canvas_copies += array.nbytes >= canvas.nbytes

    def watched(name, function):
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            if isinstance(result, np.ndarray) and result.nbytes >= canvas.nbytes:
                work.on_canvas.append(name)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name, function in vars(cv2).copy().items():
            if type(function).__name__ == "builtin_function_or_method":
                patch.setattr(cv2, name, watched(name, function))
        tracemalloc.start()
        sys.setprofile(seen)
        try:
            yield work
        finally:
            sys.setprofile(None)
            work.peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()


@dataclass
class Done:
    """A run, its fakes and its work."""

    work: Work
    canvas: np.ndarray
    restorer: FakeRestorer
    parser: CountingParser
    detector: CountingDetector
    memory: CountingMemory


def run(size_hw: tuple[int, int], faces: list[Face], pictures: int = 1) -> Done:
    """Pictures of that size with those faces in them, as a session restores them with a parser, four faces at once."""
    canvas = cv2.resize(smooth_noise(size_hw[0] // 4, size_hw[1] // 4, sigma=2), size_hw[::-1])
    memory = CountingMemory()
    done = Done(Work(), canvas, FakeRestorer(), CountingParser(), CountingDetector(*faces), memory)
    session = Session(Runtime(device="cpu", memory=memory))
    tools = Tools(done.detector, done.restorer, done.parser, face_batch=4)
    with pytest.MonkeyPatch.context() as patch, counting(canvas) as done.work:
        patch.setattr(JobTools, "tools", lambda self, settings, grows: tools)
        for result in session.restore([Picture(canvas)] * pictures, RestoreSettings(mask="parsing")):
            assert result.report.count("restored") == len(faces)
            del result
    return done


def group(count: int) -> list[Face]:
    """Faces of 150–290 px in a picture of 2310×1732 px."""
    return [face_at(250 + 550 * (i % 4), 300 + 500 * (i // 4), 150 + 20 * i, 9 * i, i) for i in range(count)]


@pytest.fixture(scope="module")
def eight() -> Done:
    return run((1732, 2310), group(8))


def test_eight_faces_need_two_calls_of_the_network(eight):
    assert eight.detector.calls == [1]
    assert [len(batch) for batch in eight.restorer.batches] == [4, 4]
    assert eight.parser.faces == 8


def test_no_operation_of_opencv_writes_a_whole_canvas(eight):
    assert eight.work.on_canvas == []


def test_the_canvas_is_copied_once_and_never_converted(eight):
    assert eight.work.canvas_copies == 1
    # Each face: its part of the canvas, a look at its mask, its bands; 2 MB where it is 290 px large.
    assert eight.work.copied <= eight.canvas.nbytes + 8 * 2_000_000


def test_memory_grows_by_one_canvas_and_the_faces_alone(eight):
    above = eight.work.peak - eight.canvas.nbytes - 8 * FACE_BYTES

    assert above < eight.canvas.nbytes  # a canvas in float32 would be four times that


def test_a_picture_without_faces_runs_no_face_network():
    done = run((1732, 2310), [])

    assert done.detector.calls == [1]
    assert done.restorer.batches == []
    assert done.parser.faces == 0
    assert done.work.on_canvas == []
    assert done.work.canvas_copies == 1


def test_a_portrait_is_one_call_of_each_network():
    done = run((640, 512), [face_at(250, 300, 420)])

    assert (done.detector.calls, done.restorer.batches, done.parser.faces) == ([1], [[0]], 1)
    assert done.work.canvas_copies == 1


def test_a_job_of_four_pictures_asks_the_host_for_room_once_and_detects_each_picture_once():
    done = run((640, 512), [face_at(250, 300, 300)], pictures=4)

    assert done.memory.calls == ["room on cpu"]  # and nothing leaves the device during a run
    assert done.detector.calls == [1, 1, 1, 1]
    assert done.restorer.batches == [[0]] * 4  # never faces of two pictures together: the bytes would depend on both


def test_the_count_sees_a_paste_over_the_whole_canvas():
    canvas = smooth_noise(300, 400)

    with counting(canvas) as work:
        whole = cv2.warpAffine(canvas.astype(np.float32), np.eye(2, 3), (400, 300))

    assert whole.shape == canvas.shape
    assert work.on_canvas == ["warpAffine"]
    assert (work.canvas_copies, work.copied) == (1, canvas.nbytes)
    assert work.peak >= canvas.nbytes * 4
