"""`facerestore fetch` against a web server on this machine, with a catalogue of small files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import socket

import pytest
import torch

from helpers.support import put_catalogue
from helpers.web_server import status, whole
from lib_facerestore.cli import main
from lib_facerestore.models import catalogue

ARCFACE = "recognition_arcface_ir_se50.pth"
WANTED_FOR_GFPGAN = ["GFPGANv1.4.pth", "detection_Resnet50_Final.pth", "parsing_parsenet.pth"]


def content_of(name: str) -> bytes:
    """A small checkpoint, another one for each file."""
    stream = io.BytesIO()
    torch.save({"name": torch.frombuffer(bytearray(name.encode()), dtype=torch.uint8)}, stream)
    return stream.getvalue()


CONTENT = {spec.remote.name: content_of(spec.remote.name) for spec in catalogue.MODELS if spec.remote}


def small(spec):
    if spec.remote is None:
        return spec
    content = CONTENT[spec.remote.name]
    remote = dataclasses.replace(spec.remote, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return dataclasses.replace(spec, remote=remote, size_bytes=len(content))


@pytest.fixture
def server(server, monkeypatch, tmp_path):
    """The shared one, with every file of a catalogue that it makes small."""
    monkeypatch.setenv("FACERESTORE_HOME", str(tmp_path))
    put_catalogue(monkeypatch, tuple(small(spec) for spec in catalogue.MODELS))
    server.answers |= {f"/weights/{name}": [whole(content)] for name, content in CONTENT.items()}
    return server


def fetch(server, *arguments):
    """The command with this machine's mirror; the official places would be asked only where it fails."""
    return main(["fetch", *arguments, "--mirror", server.url("/weights")])


def there(tmp_path):
    """Names of the whole and right files in our folder."""
    paths = [path for form in ("*.pth", "*.onnx") for path in (tmp_path / "models").glob(form)]
    return sorted(path.name for path in paths if path.read_bytes() == CONTENT[path.name])


def asked(server):
    return sorted(request.path.rpartition("/")[2] for request in server.asked)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["codeformer"], ["codeformer.pth"]),
        (["gfpgan"], ["GFPGANv1.4.pth"]),  # the newest of a family
        (["gfpgan 1.3", "ParseNet"], ["GFPGANv1.3.pth", "parsing_parsenet.pth"]),
        (["Real-ESRGAN x4plus"], ["RealESRGAN_x4plus.pth"]),
        (["realesr-general-x4v3.pth"], ["realesr-general-x4v3.pth"]),
        (["codeformer", "CodeFormer"], ["codeformer.pth"]),
        (["codeformer-onnx", "gpen"], ["codeformer.onnx", "gpen_bfr_512.onnx"]),
        (["retinaface"], ["detection_Resnet50_Final.pth"]),
        (["--for", "gfpgan"], WANTED_FOR_GFPGAN),
        (["--for", "codeformer"], ["codeformer.pth", *WANTED_FOR_GFPGAN[1:]]),
    ],
)
def test_what_is_named_is_fetched_and_nothing_else(server, tmp_path, capsys, names, files):
    code = fetch(server, *names)

    assert code == 0
    assert there(tmp_path) == files
    assert asked(server) == files
    said = capsys.readouterr().out.splitlines()
    assert sorted(line.rpartition("/")[2] for line in said) == files


FOR_OTHER_USE = {"codeformer.pth", *(f"gpen_bfr_{side}.onnx" for side in (256, 512, 1024, 2048))}
SECOND_FORMS = {"codeformer.onnx", "gfpgan_1.4.onnx"}


@pytest.mark.parametrize(("licence", "missing"), [("any", set()), ("commercial", FOR_OTHER_USE)])
def test_all_fetches_what_the_licence_mode_shows_and_a_command_can_use(server, tmp_path, licence, missing):
    code = fetch(server, "--all", "--licence", licence)

    assert code == 0
    assert set(there(tmp_path)) == set(CONTENT) - missing - {ARCFACE} - SECOND_FORMS
    assert not {ARCFACE, *SECOND_FORMS} & set(asked(server))


def test_a_model_that_no_command_uses_can_be_fetched_by_its_name(server, tmp_path):
    code = fetch(server, "arcface")

    assert code == 0
    assert there(tmp_path) == [ARCFACE]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(server, "codeformer")

    code = fetch(server, "codeformer")

    assert code == 0
    assert asked(server) == ["codeformer.pth"]


def test_a_damaged_file_is_moved_aside_said_and_fetched_again(server, tmp_path, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "codeformer.pth").write_bytes(CONTENT["codeformer.pth"][:-50])

    code = fetch(server, "codeformer")

    assert code == 0
    assert there(tmp_path) == ["codeformer.pth"]
    assert (tmp_path / "models" / "codeformer.pth.damaged").is_file()
    assert "codeformer.pth was damaged: " in capsys.readouterr().err


def test_a_users_own_file_stays_with_a_notice(server, tmp_path, capsys):
    (tmp_path / "models").mkdir()
    own = content_of("my own training, which is longer than the released file" * 9)
    (tmp_path / "models" / "codeformer.pth").write_bytes(own)

    code = fetch(server, "codeformer")

    assert code == 0
    assert (tmp_path / "models" / "codeformer.pth").read_bytes() == own
    assert "codeformer.pth is not the released file" in capsys.readouterr().err
    assert server.asked == []


def test_one_that_fails_does_not_stop_the_others(server, tmp_path, monkeypatch, capsys):
    server.answers["/weights/GFPGANv1.4.pth"] = [status(404)]
    for spec in catalogue.MODELS:  # no official place, so that the test stays on this machine
        if spec.remote:
            object.__setattr__(spec.remote, "urls", ())

    code = fetch(server, "gfpgan", "parsenet")

    said = capsys.readouterr()
    assert code == 1
    assert there(tmp_path) == ["parsing_parsenet.pth"]
    assert said.err.startswith("GFPGANv1.4.pth could not be downloaded: 127.0.0.1 answered 404")
    assert "ParseNet: " in said.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["codeformr"], "The setting model cannot be 'codeformr': it must be one of CodeFormer"),
        (["parsenet", "gfpgan 1.5"], "it must be one of GFPGAN 1.4, GFPGAN 1.3, GFPGAN 1.2"),
        (["codeformer", "--licence", "commercial"], "cannot be 'codeformer'"),
        (["../codeformer.pth"], "cannot be '../codeformer.pth'"),
        ([], "or use --all or --for"),
    ],
)
def test_an_unknown_name_is_wrong_use_and_fetches_nothing(server, tmp_path, capsys, arguments, sentence):
    code = fetch(server, *arguments)

    assert code == 2
    assert sentence in capsys.readouterr().err
    assert server.asked == []
    assert there(tmp_path) == []


def test_offline_no_socket_is_opened_and_each_file_is_said_with_its_place(server, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setenv("FACERESTORE_OFFLINE", "1")
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)

    code = fetch(server, "--for", "gfpgan")

    lines = capsys.readouterr().err.splitlines()
    assert code == 1
    assert len(lines) == 3
    for line, name in zip(lines, WANTED_FOR_GFPGAN):
        assert line.startswith(f"The weights of {name} are missing. Downloads are switched off. Download it from https")
        assert line.endswith(f"into {tmp_path / 'models'}.")
    assert server.asked == []
