"""The status line word for word, and the report as plain data."""

import json

import pytest

from helpers.support import FakeDetector, FakeRestorer, face_at
from lib_facerestore.engine import pipeline
from lib_facerestore.engine.data import FaceReport, ModelUsed, Report
from lib_facerestore.engine.ports import Tools
from lib_facerestore.engine.report import status_line, to_plain, total_seconds
from lib_facerestore.settings import RestoreSettings


def faces(*outcomes):
    """Reports of (outcome, reason)."""
    return tuple(FaceReport(i, (1, 2, 33, 44), 0.98766, *pair) for i, pair in enumerate(outcomes))


DONE, SMALL = ("restored", ""), ("skipped", "22 px, minimum 32")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            Report(faces(DONE, DONE, SMALL), (), "CodeFormer", 0.5, device="cuda:0", seconds=(("a", 0.4), ("b", 0.01))),
            "3 faces: 2 restored, 1 skipped (22 px, minimum 32) · CodeFormer, weight 0.5 · 0.41 s · cuda:0",
        ),
        (
            Report(faces(DONE), (), "GFPGAN 1.4", None, 0.75, device="cpu", seconds=(("restore", 3.2),)),
            "1 face: 1 restored · GFPGAN 1.4, visibility 0.75 · 3.20 s · cpu",
        ),
        (
            Report(faces(DONE), (), "CodeFormer", 0.0, device="cpu"),
            "1 face: 1 restored · CodeFormer, weight 0 · 0.00 s · cpu",
        ),
        (Report(device="cpu", restorer="CodeFormer"), "no face found · 0.00 s · cpu"),
        (
            Report(faces(SMALL, ("failed", "It broke.")), (), "CodeFormer", device="cpu"),
            "2 faces: 1 skipped (22 px, minimum 32), 1 failed (It broke.) · 0.00 s · cpu",
        ),
        (
            Report(faces(DONE, ("restored", "not seen at visibility 0")), (), "CodeFormer", upscaler="NET", tiles=1),
            "2 faces: 2 restored (1 not seen at visibility 0) · CodeFormer · NET ×1, 1 tile · 0.00 s",
        ),
        (Report(face_upscaler="NET", tiles=2), "no face found · NET for large faces, 2 tiles · 0.00 s"),
        (
            Report(upscaler="A", second_upscaler="B", face_upscaler="A", tiles=9, looked_for_faces=False, scale=2.5),
            "A mixed with B ×2.5, 9 tiles · 0.00 s",
        ),
        (Report(faces(SMALL, SMALL)), "2 faces: 2 skipped (22 px, minimum 32) · 0.00 s"),
        (
            Report(faces(*[("skipped", f"reason {i}") for i in range(5)])),
            "5 faces: 5 skipped (reason 0; reason 1; reason 2; 2 more reasons) · 0.00 s",
        ),
    ],
    ids=[
        "design",
        "visibility",
        "weight 0",
        "none",
        "failed",
        "not seen",
        "large face",
        "mixed",
        "same reason",
        "many reasons",
    ],
)
def test_status_line_reads(report, line):
    assert status_line(report) == line


def test_status_line_of_a_run_says_what_happened(picture):
    settings = RestoreSettings(min_face_px=55)
    tools = Tools(FakeDetector(face_at(90, 120, 120), face_at(430, 130, 100, 0, 1)), FakeRestorer())
    prepared = pipeline.prepare(picture, tools, settings)

    result = pipeline.finish(prepared, pipeline.choose_all(prepared, settings), tools, settings)

    line = status_line(result.report)
    assert line.startswith("2 faces: 1 restored, 1 skipped (50 px, minimum 55) · fake restorer · ")
    assert line.endswith(" s · cpu")


def test_report_of_a_run_names_its_tools_and_mask(picture):
    tools = Tools(FakeDetector(face_at(90, 120, 120)), FakeRestorer())
    settings = RestoreSettings(fidelity=0.3, visibility=0.6)
    prepared = pipeline.prepare(picture, tools, settings)

    report = pipeline.finish(prepared, pipeline.choose_all(prepared, settings), tools, settings).report

    assert [model.name for model in report.models] == ["fake detector", "fake restorer"]
    assert (report.mask, report.visibility) == ("landmarks", 0.6)
    assert report.fidelity is None  # the fake has none, so none is claimed
    assert [stage for stage, _ in report.seconds] == ["detect", "align", "restore", "upscale", "paste"]


def test_plain_report_survives_json_with_short_numbers():
    report = Report(
        faces(DONE),
        (ModelUsed("restorer", "CodeFormer", "1009e537"),),
        "CodeFormer",
        0.5,
        device="cpu",
        seconds=(("detect", 0.123456), ("paste", 0.2)),
        warnings=("The CPU was used.",),
    )

    plain = json.loads(json.dumps(to_plain(report)))

    assert plain["seconds"] == {"detect": 0.1235, "paste": 0.2}
    assert plain["faces"][0]["score"] == 0.9877
    assert plain["faces"][0]["box"] == [1, 2, 33, 44]
    assert plain["models"] == [{"role": "restorer", "name": "CodeFormer", "sha256": "1009e537"}]
    assert plain["status"] == "1 face: 1 restored · CodeFormer, weight 0.5 · 0.32 s · cpu"
    assert plain["warnings"] == ["The CPU was used."]


def test_plain_seconds_of_two_runs_are_those_of_both():
    report = Report(seconds=(("restore", 1.0), ("upscale", 0.5), ("restore", 0.25), ("upscale", 2.0)))

    plain = to_plain(report)

    assert plain["seconds"] == {"restore": 1.25, "upscale": 2.5}
    assert sum(plain["seconds"].values()) == total_seconds(report)


def test_seconds_of_all_stages_are_added():
    assert total_seconds(Report(seconds=(("a", 1.5), ("b", 0.25)))) == 1.75
