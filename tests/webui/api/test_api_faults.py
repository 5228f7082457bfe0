"""Errors to statuses and sentences: each kind has its status, and no sentence tells where a file lies."""

from pathlib import Path

import pytest

from lib_facerestore.errors import (
    FaceRestoreError,
    InferenceFailed,
    Interrupted,
    OutOfMemory,
    PictureError,
    PictureTooLarge,
    SettingsError,
    WeightsDamaged,
    WeightsMissing,
    WeightsUnknown,
    WeightsUnreachable,
)
from lib_facerestore.hosts import base
from lib_facerestore.runtime import Runtime
from lib_facerestore.webui.api.faults import fault, without_paths

MODELS = Path("/srv/web ui/models")
OURS = MODELS / "facerestore"
RUNTIME = Runtime(models_folder=OURS, cache_folder=OURS / "converted", folders=(MODELS / "GFPGAN",))


@pytest.fixture(autouse=True)
def _host(monkeypatch):
    monkeypatch.setattr(base, "models_path", lambda: MODELS)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PictureTooLarge("Picture 1", "has too many pixels."), 413),
        (PictureError("Picture 1", "is damaged."), 400),
        (SettingsError("scale", 9, "a number from 1 to 8"), 422),
        (WeightsMissing("codeformer.pth", f"Put it into {OURS}.", (OURS, MODELS / "GFPGAN")), 503),
        (WeightsDamaged(OURS / "a.pth", "it is short", "all of it", f"Rename the folder {OURS / 'a.pth'}."), 503),
        (WeightsUnreachable("a.pth", f"the disk of {OURS} is full", f"Make room in {OURS}."), 503),
        (WeightsUnknown(OURS / "a.pth", "fits no network."), 503),
        (OutOfMemory("GFPGAN 1.4", "cuda:0", 1 << 30), 503),
        (InferenceFailed("GFPGAN 1.4", "error in /home/somebody/venv/lib/torch/nn.py"), 503),
        (Interrupted(), 503),
        (ValueError(f"cannot open {OURS / 'a.pth'}"), 500),
        (OSError(28, "No space left on device", str(OURS / "a.pth")), 500),
    ],
)
def test_error_has_its_status_and_tells_no_path(error, status):
    found = fault(error, "restoring", RUNTIME)

    assert found.status == status
    assert "/" not in found.sentence.replace("GET /facerestore/models", "")
    assert "web ui" not in found.sentence
    if isinstance(error, FaceRestoreError):
        assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"x: {OURS}/a b.pth is here", "x: a b.pth is here"),
        (f"kept in {MODELS}, not in {OURS}", "kept in models, not in facerestore"),
        ("see https://github.com/a/b/c.pth and image/png, 1/2", "see https://github.com/a/b/c.pth and image/png, 1/2"),
        ("'/var/lib/x/c.pth' and (/opt/y/d.pth)", "'c.pth' and (d.pth)"),
        (r"C:\Users\ann\models\a.pth is damaged", "a.pth is damaged"),
        (r"\\server\share\a.pth", "a.pth"),
        ("a \ud800 b", "a \\ud800 b"),
    ],
)
def test_paths_become_file_names(text, shown):
    assert without_paths(text, RUNTIME) == shown


def test_long_sentence_is_cut():
    assert len(fault(PictureError("Picture 1", "x" * 5000), "restoring", RUNTIME).sentence) < 700
