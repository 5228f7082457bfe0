"""The report says what ran: networks, masks, devices and tiles, whatever was asked for."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

from helpers.stock import oval_labels
from helpers.support import FakeDetector, FakeRestorer, face_at, smooth_noise
from lib_facerestore.engine import pipeline, sizes
from lib_facerestore.engine.data import ModelUsed, Picture
from lib_facerestore.engine.ports import CropKernel, Tools, UpscaledPixels
from lib_facerestore.engine.report import status_line
from lib_facerestore.errors import InferenceFailed, OutOfMemory
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES
from lib_facerestore.settings import RestoreSettings

SMALL, OTHER = face_at(150, 120, 120, index=0), face_at(380, 260, 110, index=1)
LARGE = face_at(260, 180, 300)  # its place is 600 px where the picture is doubled


class Network:
    """Notes where it gave a result; has no memory on its first device as often as it is told to, then moves."""

    def __init__(self, name, role, device="cpu", refusals=0, failing=()):
        self.used, self.device, self.refusals = ModelUsed(role, name, "5" * 64), device, refusals
        self.failing, self.calls, self.gave = set(failing), 0, []

    def note(self):
        self.calls += 1
        if self.refusals and self.device != "cpu":
            self.refusals -= 1
            raise OutOfMemory(self.used.name, self.device)
        if self.calls in self.failing:
            raise InferenceFailed(self.used.name, "it was told to")
        self.gave.append(self.device)

    def fall_back(self):
        was, self.device = self.device, "cpu"
        return was != "cpu"

    def avoid(self, device, problem):
        raise AssertionError("no device fails here")


class Detector(Network):
    default_threshold = 0.5

    def __init__(self, *faces, **more):
        super().__init__("detector", "detector", **more)
        self.faces = faces

    def detect(self, pictures, threshold, short_side_px):
        self.note()
        return [list(self.faces) for _ in pictures]


class Restorer(Network):
    has_fidelity = True
    crop_kernel: CropKernel = "linear"
    crop_side_px = 512

    def __init__(self, name="first", **more):
        super().__init__(name, "restorer", **more)

    def restore(self, crops, fidelity):
        self.note()
        return [1 - crop.pixels for crop in crops]


class Parser(Network):
    classes = PARSENET_CLASSES

    def __init__(self, **more):
        super().__init__("parser", "parser", **more)

    def parse(self, faces):
        self.note()
        return [oval_labels() for _ in faces]


class Upscaler(Network):
    def __init__(self, name="upscaler", scale=2, **more):
        super().__init__(name, "upscaler", **more)
        self.scale = scale

    def upscale(self, pixels, progress):
        self.note()
        larger = np.repeat(np.repeat(pixels, self.scale, 0), self.scale, 1)
        return UpscaledPixels(255 - larger if larger.dtype == np.uint8 else larger, 3, self.device)


def run(picture, tools, **chosen):
    return pipeline.run(picture, tools, RestoreSettings(**chosen)).report


def names(report):
    return [model.name for model in report.models]


def test_without_a_face_only_the_detector_ran(picture):
    tools = Tools(Detector(), Restorer(), Parser(), second_restorer=Restorer("second"))

    report = run(picture, tools)

    assert names(report) == ["detector"]
    assert (report.restorer, report.second_restorer, report.fidelity, report.mask) == ("", "", None, "")
    assert report.asked_restorer == "first"


def test_faces_that_are_left_alone_name_no_restorer(picture):
    report = run(picture, Tools(Detector(SMALL), Restorer(), Parser()), min_face_px=500)

    assert names(report) == ["detector"]
    assert (report.restorer, report.asked_restorer) == ("", "first")


def test_a_restorer_that_failed_on_every_face_was_called_and_restored_nothing(picture):
    report = run(picture, Tools(Detector(SMALL), Restorer(failing={1})))

    assert names(report) == ["detector", "first"]
    assert (report.restorer, report.fidelity, report.asked_restorer) == ("", None, "first")


def test_second_visibility_zero_names_no_second_restorer(picture):
    tools = Tools(Detector(SMALL), Restorer(), second_restorer=Restorer("second"))

    report = run(picture, tools, second_visibility=0.0)

    assert report.second_restorer == ""
    assert names(report) == ["detector", "first"]
    assert "second" not in status_line(report)


def test_a_second_pass_whose_faces_all_failed_is_not_said_to_have_followed(picture):
    tools = Tools(Detector(SMALL, OTHER), Restorer(), second_restorer=Restorer("second", failing={1, 2, 3}))

    report = run(picture, tools)

    assert (report.restorer, report.second_restorer) == ("first", "")
    assert "then second" not in status_line(report)
    assert names(report) == ["detector", "first", "second"]  # it was called
    sentence = "Face 1 shows the first pass only. second failed: it was told to."
    assert report.warnings[0] == sentence


def test_no_pass_is_claimed_for_a_face_that_shows_none(picture):
    tools = Tools(Detector(SMALL), Restorer(), second_restorer=Restorer("second", failing={1}))

    report = run(picture, tools, visibility=0.0)

    assert report.warnings == ("Face 1 shows no pass. second failed: it was told to.",)


@pytest.mark.parametrize(
    ("failing", "mask", "has_parsed"),
    [((), "parsing", True), ({1, 2}, "landmarks", False), ({2}, "parsing, landmarks", True)],
)
def test_the_masks_are_those_that_were_made(picture, failing, mask, has_parsed):
    report = run(picture, Tools(Detector(SMALL, OTHER), Restorer(), Parser(failing=failing)))

    assert report.mask == mask
    assert ("parser" in names(report)) == has_parsed


def test_the_device_is_where_networks_ran(picture):
    report = run(picture, Tools(Detector(SMALL, device="mps"), Restorer(device="mps")))

    assert report.device == "mps"
    assert status_line(report).endswith(" s · mps")


@pytest.mark.parametrize(
    ("restorer", "devices"),
    [
        ({"device": "cuda:0"}, "cuda:0"),
        ({"device": "cuda:0", "refusals": 1}, "cuda:0, cpu"),  # the detector stays where it was
        ({"device": "cuda:1"}, "cuda:0, cuda:1"),
    ],
)
def test_devices_after_a_fall_back_are_both(picture, restorer, devices):
    tools = Tools(Detector(SMALL, device="cuda:0"), Restorer(**restorer))

    report = run(picture, tools)

    assert report.device == devices
    assert status_line(report).endswith(f" s · {devices}")


@pytest.mark.parametrize("order", ["one pass", "restore first", "upscale first"])
def test_devices_of_every_order_are_those_of_both_runs(picture, order):
    tools = Tools(Detector(SMALL, device="cuda:0"), Restorer(device="cuda:0"), upscaler=Upscaler())

    report = run(picture, tools, scale=2, order=order)

    assert set(report.device.split(", ")) == {"cuda:0", "cpu"}


def test_a_plain_resize_ran_on_no_device(picture):
    report = run(picture, Tools(None, None), scale=2, restorer="none")

    assert (report.device, report.upscaler, report.models) == ("", "Lanczos", ())
    assert status_line(report).endswith(" s")


@pytest.mark.parametrize(("visibility", "reason"), [(0.0, "not seen at visibility 0"), (0.5, "")])
def test_a_face_that_nobody_sees_says_so(picture, visibility, reason):
    report = run(picture, Tools(Detector(SMALL), Restorer()), visibility=visibility)

    assert [(face.outcome, face.reason) for face in report.faces] == [("restored", reason)]
    assert ("1 restored (not seen at visibility 0) · " in status_line(report)) == bool(reason)


def test_a_face_that_only_the_second_pass_shows_is_seen(picture):
    report = run(picture, Tools(Detector(SMALL), Restorer(), second_restorer=Restorer("second")), visibility=0.0)

    assert [(face.outcome, face.reason) for face in report.faces] == [("restored", "")]


def test_visibility_and_fidelity_are_those_that_faces_were_given(picture):
    settings = RestoreSettings(visibility=1.0, fidelity=0.5)
    tools = Tools(Detector(SMALL), Restorer())
    prepared = pipeline.prepare(picture, tools, settings)
    choices = pipeline.choose_all(prepared, RestoreSettings(visibility=0.25, fidelity=0.75))

    report = pipeline.finish(prepared, choices, tools, settings).report

    assert (report.visibility, report.fidelity) == (0.25, 0.75)


def test_strength_zero_with_a_large_face_names_the_upscaler_for_the_face_alone(picture):
    report = run(picture, Tools(Detector(LARGE), Restorer(), upscaler=Upscaler()), scale=2, upscale_strength=0.0)

    assert (report.upscaler, report.face_upscaler, report.tiles) == ("Lanczos", "upscaler", 3)
    assert names(report) == ["detector", "first", "upscaler"]
    assert " · Lanczos ×2, upscaler for large faces, 3 tiles · " in status_line(report)


def test_strength_zero_without_a_large_face_names_no_upscaler(picture):
    report = run(picture, Tools(Detector(SMALL), Restorer(), upscaler=Upscaler()), scale=2, upscale_strength=0.0)

    assert (report.upscaler, report.face_upscaler, report.tiles) == ("Lanczos", "", 0)
    assert names(report) == ["detector", "first"]


def test_a_second_upscaler_that_ran_alone_is_named_as_the_second(picture):
    tools = Tools(None, None, second_upscaler=Upscaler("second"))

    report = run(picture, tools, scale=2, restorer="none")

    assert (report.upscaler, report.second_upscaler) == ("Lanczos", "second")
    assert names(report) == ["second"]
    assert status_line(report).startswith("Lanczos mixed with second ×2, 3 tiles · ")


@pytest.mark.parametrize("visibility", [0.0, 0.5])
def test_a_second_upscaler_is_named_only_where_it_is_mixed_in(picture, visibility):
    tools = Tools(None, None, upscaler=Upscaler(), second_upscaler=Upscaler("second"))

    report = run(picture, tools, scale=2, restorer="none", second_upscaler_visibility=visibility)

    assert report.second_upscaler == ("second" if visibility else "")
    assert names(report) == (["upscaler", "second"] if visibility else ["upscaler"])


def test_a_cleaner_at_strength_zero_did_nothing(picture):
    cleaner = Upscaler("cleaner", scale=1)

    report = run(picture, Tools(None, None, upscaler=cleaner), restorer="none", upscale_strength=0.0)

    assert (report.upscaler, report.models, report.tiles, cleaner.calls) == ("", (), 0, 0)


def combinations():
    """A fixed choice of all that may be asked for together."""
    every = itertools.product(
        [(), (SMALL,), (LARGE, OTHER)],
        [0.0, 1.0],
        [None, (), {1}, {1, 2, 3, 4}],
        [None, (), {1}, {1, 2, 3, 4}],
        [(), {1}, {1, 2, 3}],
        [0.0, 0.6],
        [(1, 1), (2, 1), (1, 2), (2, 2)],
        ["one pass", "restore first", "upscale first"],
        [0, 1],
    )
    return random.Random(14).sample(list(every), 90)


def test_every_combination_reports_what_ran_and_nothing_else(picture):
    small = Picture(smooth_noise(300, 430))
    for faces, visibility, second, parser, failing, strength, scales, order, refusals in combinations():
        networks: dict[str, Any] = {
            "detector": Detector(*faces, device="cuda:0"),
            "restorer": Restorer(failing=failing, device="cuda:0", refusals=refusals),
            "second_restorer": None if second is None else Restorer("second", failing=second, device="cuda:1"),
            "parser": None if parser is None else Parser(failing=parser, device="cuda:2", refusals=refusals),
            "upscaler": Upscaler(scale=scales[0], device="cuda:3"),
        }

        report = run(
            small, Tools(**networks), visibility=visibility, upscale_strength=strength, scale=scales[1], order=order
        )

        there = [network for network in networks.values() if network is not None]
        ran = {n.used.name for n in there if n.gave or (n.calls and n.used.role == "restorer")}
        assert set(names(report)) == ran
        assert {name for name in report.device.split(", ") if name} == {d for n in there for d in n.gave}
        assert report.restorer in ("", "first")
        assert bool(report.restorer) == bool(networks["restorer"].gave)
        assert bool(report.second_restorer) == bool(second is not None and networks["second_restorer"].gave)
        assert ("parsing" in report.mask) == bool(parser is not None and networks["parser"].gave)
        assert report.tiles == 3 * len(networks["upscaler"].gave)
        assert (report.upscaler == "upscaler" or report.face_upscaler != "") == (report.tiles > 0)


@pytest.mark.parametrize("order", ["one pass", "restore first", "upscale first"])
@pytest.mark.parametrize("asked", [{"scale": 2}, {"width": 700}, {"width": 200}])
def test_the_size_is_decided_once_for_each_picture(picture, order, asked, monkeypatch):
    decided, target_size = [], sizes.target_size
    monkeypatch.setattr(sizes, "target_size", lambda *rest: decided.append(rest) or target_size(*rest))
    tools = Tools(FakeDetector(SMALL), FakeRestorer(), upscaler=Upscaler())

    result = pipeline.run(picture, tools, RestoreSettings(order=order, **asked))

    assert len(decided) == 1
    assert result.plan.final_hw == result.picture.size_hw
