"""Records in files' texts and back again: the controls stand as they stood, and nothing is said that did not happen."""

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lib_facerestore.engine.data import FaceReport, Report
from lib_facerestore.settings import RestoreSettings, field_types, setting_default
from lib_facerestore.webui import infotext

ENTRY = re.compile(r'([^:,"]+): ("(?:\\.|[^"\\])*"|[^,]*)(?:, |$)')
UPSCALED: dict[str, Any] = {"upscaler": "Real-ESRGAN x2plus", "scale": 2.0, "upscale_strength": 0.5}


def report(*outcomes, restorer="CodeFormer", fidelity=0.5, **more):
    """What ran on a picture that was upscaled, with one face for each outcome."""
    faces = tuple(FaceReport(index, (0, 0, 9, 12), 0.9, outcome) for index, outcome in enumerate(outcomes))
    return Report(faces, restorer=restorer, fidelity=fidelity, upscaler="Real-ESRGAN x2plus", tiles=1, **more)


def pasted(text):
    """The settings that the controls have when the text was pasted."""
    found = {key: value.strip('"') for key, value in ENTRY.findall(text)}
    controls = {name: name for name in field_types()}
    (_, is_on), *pairs = infotext.fields(cast(Any, SimpleNamespace)(enabled="enabled", fields=controls))
    assert is_on(found)
    return RestoreSettings(**{name: read(found) for name, read in pairs})


@pytest.mark.parametrize("outcomes", [(), ("skipped", "skipped"), ("skipped", "failed")])
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"restorer": "CodeFormer", "fidelity": 0.7},
        {"restorer": "GFPGAN 1.4", "visibility": 0.4, "min_face_px": 500, "keep_tone": "off"},
        {"restorer": "GFPGAN 1.4", "which_faces": "largest", "mask": "feather", "mask_feather": 3.0},
        {"restorer": "CodeFormer", "second_restorer": "GFPGAN 1.4", "second_visibility": 0.5},
        {"restorer": "a, b: mine", "detection_threshold": 0.9},
    ],
)
def test_picture_without_a_restored_face_keeps_the_controls(outcomes, chosen):
    settings = RestoreSettings(**UPSCALED, **chosen)

    text = infotext.appended("", infotext.record(report(*outcomes), settings))

    assert pasted(text) == settings
    assert text.endswith(f"Face restore faces: 0/{len(outcomes)}")


def test_controls_do_not_depend_on_what_the_report_knows_of_models_that_did_not_run():
    settings = RestoreSettings(restorer="CodeFormer", fidelity=0.7, **UPSCALED)
    knows_nothing = report("skipped", restorer="", fidelity=None)

    assert infotext.record(knows_nothing, settings) == infotext.record(report("skipped"), settings)


@pytest.mark.parametrize("visibility", [0.0, 0.5])
def test_second_model_is_kept_though_it_was_not_to_be_seen(visibility):
    settings = RestoreSettings(
        restorer="CodeFormer", second_restorer="GFPGAN 1.4", second_visibility=visibility, **UPSCALED
    )
    ran = report("restored", second_restorer="GFPGAN 1.4" if visibility else "")

    assert pasted(infotext.appended("", infotext.record(ran, settings))) == settings


def test_restored_picture_names_the_model_that_ran():
    settings = RestoreSettings(**UPSCALED)

    record = infotext.record(report("restored", "skipped"), settings)

    assert infotext.appended("", record).startswith(
        "Face restore: CodeFormer, Face restore weight: 0.5, Face restore visibility: 1, Face restore upscaler: "
    )
    assert record["Face restore faces"] == "1/2"


def test_picture_that_was_only_upscaled_names_no_model():
    settings = RestoreSettings(restorer="none", second_restorer="GFPGAN 1.4", min_face_px=500, **UPSCALED)
    ran = report(restorer="", fidelity=None, looked_for_faces=False)

    record = infotext.record(ran, settings)

    assert pasted(infotext.appended("", record)) == RestoreSettings(restorer="none", **UPSCALED)
    assert infotext.FACES_KEY not in record


def test_picture_that_nothing_was_done_to_has_no_record():
    assert infotext.record(Report(restorer="CodeFormer"), RestoreSettings(restorer="CodeFormer")) == {}


def test_default_of_every_setting_is_what_a_text_that_does_not_name_it_means():
    assert pasted("Face restore: auto") == RestoreSettings(**{name: setting_default(name) for name in field_types()})
