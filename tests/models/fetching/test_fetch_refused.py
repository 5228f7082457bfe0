"""Downloads that are never tried: offline, foreign addresses, names that are no names. No socket is opened."""

from __future__ import annotations

import socket

import pytest

from helpers.web_server import quick
from lib_facerestore.errors import WeightsDamaged, WeightsMissing, WeightsUnknown, WeightsUnreachable
from lib_facerestore.models.catalogue import RemoteFile
from lib_facerestore.models.fetching import FetchPolicy, fetch


@pytest.fixture
def no_sockets(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://github.com/model.pth", "github.com would be asked without https"),
        ("https://github.com.example/model.pth", r"github\.com\.example is no host of the catalogue"),
        ("https://github.com@example.org/model.pth", r"example\.org is no host of the catalogue"),
        ("file:///etc/passwd", "file:// is no http or https address"),
        ("https://[broken/model.pth", "the address is not valid"),
    ],
)
def test_an_address_outside_the_catalogue_opens_no_socket(no_sockets, tmp_path, url, sentence):
    with pytest.raises(WeightsUnreachable, match=sentence):
        fetch(RemoteFile("model.pth", (url,), 5, "0" * 64), tmp_path, quick(any_host=False))


@pytest.mark.parametrize("answer", ["1", "true", "anything"])
def test_offline_opens_no_socket_and_says_what_to_put_where(no_sockets, tmp_path, monkeypatch, answer):
    monkeypatch.setenv("FACERESTORE_OFFLINE", answer)
    monkeypatch.setenv("FACERESTORE_MIRROR", "http://127.0.0.1/")
    remote = RemoteFile("model.pth", ("https://github.com/model.pth",), 376_637_898, "1009e537" + "0" * 56)

    with pytest.raises(WeightsMissing) as caught:
        fetch(remote, tmp_path, FetchPolicy.from_environment())

    assert "https://github.com/model.pth" in str(caught.value)
    assert f"put model.pth (376,637,898 bytes, SHA-256 {remote.sha256}) into {tmp_path}." in str(caught.value)
    assert names(tmp_path) == []


def test_offline_a_wrong_file_is_named_and_stays(no_sockets, tmp_path):
    (tmp_path / "model.pth").write_bytes(b"half")

    with pytest.raises(WeightsDamaged, match="it has 4 bytes, expected 5 bytes"):
        fetch(RemoteFile("model.pth", (), 5, "0" * 64), tmp_path, FetchPolicy(allowed=False))

    assert names(tmp_path) == ["model.pth"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x.pth",
        "a/b.pth",
        "a\\b.pth",
        "/etc/x.pth",
        "C:x.pth",
        "x..pth",
        "x\0.pth",
        "x.pth ",
        "é" * 150,
    ],
)
def test_a_name_that_is_more_than_a_file_name_is_refused(no_sockets, tmp_path, name):
    with pytest.raises(WeightsUnknown, match="is no plain file name"):
        fetch(RemoteFile(name, ("https://github.com/x",), 5, "0" * 64), tmp_path, quick())

    assert names(tmp_path) == []


@pytest.mark.parametrize(("text", "is_allowed"), [("", True), ("0", True), ("off", True), ("1", False), ("si", False)])
def test_only_a_clear_no_keeps_downloads_allowed(monkeypatch, text, is_allowed):
    monkeypatch.setenv("FACERESTORE_OFFLINE", text)

    assert FetchPolicy.from_environment().allowed is is_allowed
    assert FetchPolicy.from_environment(allowed=False).allowed is False


@pytest.mark.parametrize(
    ("text", "is_any"), [("", False), ("0", False), ("perhaps", False), ("1", True), ("yes", True)]
)
def test_only_a_clear_yes_allows_any_host(monkeypatch, text, is_any):
    monkeypatch.setenv("FACERESTORE_ANY_HOST", text)

    assert FetchPolicy.from_environment().any_host is is_any
