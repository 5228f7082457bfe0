"""Finding faces without restoring any: the faces, the reason for each that would be left alone, the detector alone."""

import cv2

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture
from lib_facerestore.models import loading
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings


def sizes_picture(root):
    return pixels.read(root / "samples" / "photographs" / "montage_sizes.jpg")


def third(picture):
    """At a third of its size, where restoring its largest faces takes a ninth of the time."""
    height, width = picture.pixels.shape[:2]
    return Picture(cv2.resize(picture.pixels, (width // 3, height // 3), interpolation=cv2.INTER_AREA))


def test_faces_and_reasons_are_those_of_a_restoration(session, request):
    picture = third(sizes_picture(request.config.rootpath))
    settings = RestoreSettings(min_face_px=20, max_faces=2, mask="landmarks")

    found = session.job().find_faces(picture, settings)

    (result,) = session.restore([picture], settings)
    assert len(found.faces) == len(result.report.faces) > 3
    assert [(face.index, face.box, face.score) for face in found.faces] == [
        (face.index, face.box, face.score) for face in result.report.faces
    ]
    assert {report.index: report.reason for report in found.reports} == {
        face.index: face.reason for face in result.report.faces if face.outcome == "skipped"
    }
    assert len(found.crops) == result.report.count("restored") == 2


def test_only_the_detector_is_loaded(runtime, request, monkeypatch):
    def refuse(*_):
        raise AssertionError("a restorer was loaded")

    monkeypatch.setattr(loading, "load_restorer", refuse)
    session = Session(runtime)

    session.job().find_faces(sizes_picture(request.config.rootpath), RestoreSettings())

    assert [role for role, _ in session.warm] == ["detector"]


def test_aligned_input_is_looked_at_like_any_other(session, request):
    picture = sizes_picture(request.config.rootpath)

    whole = session.job().find_faces(picture, RestoreSettings(aligned_input=True))

    assert [face.box for face in whole.faces] == [
        face.box for face in session.job().find_faces(picture, RestoreSettings()).faces
    ]
