"""Downloads that cannot succeed: nothing wrong lies at the target, and one sentence says what was found."""

from __future__ import annotations

import errno
import hashlib
import http.client
import random
import shutil
import socket
import subprocess
from types import SimpleNamespace

import pytest

from helpers.web_server import cut, page, quick, status, whole
from lib_facerestore.errors import Interrupted, WeightsDamaged, WeightsUnreachable
from lib_facerestore.models.catalogue import RemoteFile
from lib_facerestore.models.fetching import fetch, transfer

CONTENT = random.Random(2).randbytes(3_000_001)
OTHER = random.Random(3).randbytes(3_000_001)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A folder that takes 1 MB: a real small disk where this process may mount one, else a failing write."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    is_mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    if not is_mounted:

        def write(stream, data):
            if stream.tell() + len(data) > 1 << 20:
                raise OSError(errno.ENOSPC, "No space left on device")
            stream.write(data)
            stream.flush()

        monkeypatch.setattr(transfer, "write", write)
        free = shutil.disk_usage(folder)._replace(free=1 << 20)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    yield folder
    if is_mounted:
        subprocess.run(["umount", str(folder)], check=True)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_server_that_stays_in_trouble_is_given_up_and_the_part_stays(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 1000), status(503)]

    with pytest.raises(WeightsUnreachable, match=r"^model\.pth could not be downloaded: 127.0.0.1 answered 503"):
        fetch(server.remote(CONTENT), tmp_path, quick())

    assert names(tmp_path) == ["model.pth.lock", "model.pth.part"]
    assert len(server.asked) == 3


def test_a_cut_body_says_how_much_came(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 1000)]

    with pytest.raises(WeightsUnreachable, match=r"ended after 1,000 of 3,000,001 bytes.*SHA-256 [0-9a-f]{64}"):
        fetch(server.remote(CONTENT), tmp_path, quick(attempts=1))

    assert not (tmp_path / "model.pth").exists()


def test_a_wrong_hash_names_both_and_keeps_the_download_apart(server, tmp_path):
    server.answers["/model.pth"] = [whole(OTHER)]
    found, expected = (hashlib.sha256(content).hexdigest()[:8] for content in (OTHER, CONTENT))

    with pytest.raises(WeightsDamaged, match=f"^model.pth is damaged: its sha256 begins {found}, expected {expected}"):
        fetch(server.remote(CONTENT), tmp_path, quick())

    assert names(tmp_path) == ["model.pth.lock", "model.pth.refused"]
    assert len(server.asked) == 1


def test_a_wrong_hash_at_the_mirror_goes_on_to_the_next_address(server, tmp_path):
    server.answers["/bad/model.pth"] = [whole(OTHER)]
    server.answers["/good/model.pth"] = [whole(CONTENT)]

    path = fetch(server.remote(CONTENT, "/bad/model.pth", "/good/model.pth"), tmp_path, quick())

    assert path.read_bytes() == CONTENT


def test_another_length_is_refused_before_the_body(server, tmp_path):
    server.answers["/model.pth"] = [whole(OTHER[:5000])]

    with pytest.raises(WeightsDamaged, match=r"127\.0\.0\.1 offers 5,000 bytes, expected 3,000,001 bytes"):
        fetch(server.remote(CONTENT), tmp_path, quick())

    assert names(tmp_path) == ["model.pth.lock"]


def test_a_web_page_is_called_a_web_page(server, tmp_path):
    server.answers["/model.pth"] = [page("<html>Please accept the terms of this hotel.</html>")]

    with pytest.raises(WeightsUnreachable, match=r"127\.0\.0\.1 sent a web page instead of the file"):
        fetch(server.remote(CONTENT), tmp_path, quick())

    assert names(tmp_path) == ["model.pth.lock"]


def test_a_missing_file_is_not_asked_for_twice(server, tmp_path):
    with pytest.raises(WeightsUnreachable, match=r"127\.0\.0\.1 answered 404 Not Found"):
        fetch(server.remote(CONTENT), tmp_path, quick())

    assert len(server.asked) == 1


def test_a_redirect_to_a_foreign_host_is_not_followed(server, tmp_path):
    server.answers["/base/model.pth"] = [status(302, Location=server.url("/store", host="localhost"))]
    server.answers["/store"] = [whole(CONTENT)]
    policy = quick(any_host=False, base_urls=(server.url("/base"),))

    with pytest.raises(
        WeightsUnreachable, match=r"127\.0\.0\.1 redirected, but localhost would be asked without https"
    ):
        fetch(RemoteFile("model.pth", (), len(CONTENT), "0" * 64), tmp_path, policy)

    assert [asked.path for asked in server.asked] == ["/base/model.pth"]


ADDRESSES = ("https://github.com/a/model.pth", "https://huggingface.co/b/model.pth")
NO_ROUTES = [
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    OSError(errno.ENETUNREACH, "Network is unreachable"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    OSError("Tunnel connection failed: 403 Forbidden"),
]


@pytest.fixture
def line(monkeypatch):
    """A line whose every connection fails with what the test puts in `error`; `asked` holds the hosts."""
    monkeypatch.setenv("no_proxy", "*")
    state = SimpleNamespace(error=None, asked=[])

    def connect(connection):
        state.asked.append(connection.host)
        raise state.error

    monkeypatch.setattr(http.client.HTTPSConnection, "connect", connect)
    return state


@pytest.mark.parametrize("error", NO_ROUTES, ids=str)
def test_without_a_route_each_address_is_asked_once_and_the_file_can_be_put_there_by_hand(line, tmp_path, error):
    line.error = error
    remote = RemoteFile("model.pth", ADDRESSES, 3_000_001, "1009e537" * 8)

    with pytest.raises(WeightsUnreachable) as caught:
        fetch(remote, tmp_path, quick(backoff_s=60.0))  # a second try would take a minute

    said = str(caught.value)
    assert line.asked == ["github.com", "huggingface.co"]
    assert said.startswith("model.pth could not be downloaded: github.com cannot be reached (")
    assert said.endswith(
        f"Run again to go on, or download it from {ADDRESSES[0]} and put model.pth (3,000,001 bytes, "
        f"SHA-256 {remote.sha256}) into {tmp_path}."
    )


@pytest.mark.parametrize(
    "error",
    [TimeoutError("timed out"), ConnectionResetError(104, "Connection reset by peer"),
     OSError("Tunnel connection failed: 429 Too Many Requests")],
    ids=str,
)  # fmt: skip
def test_what_may_be_over_in_a_moment_is_tried_again(line, tmp_path, error):
    line.error = error

    with pytest.raises(WeightsUnreachable):
        fetch(RemoteFile("model.pth", ADDRESSES[:1], 5, "0" * 64), tmp_path, quick(attempts=3))

    assert line.asked == ["github.com"] * 3


def test_a_line_that_is_lost_in_the_middle_is_tried_again(server, tmp_path, monkeypatch):
    server.answers["/model.pth"] = [cut(CONTENT, 1000), whole(CONTENT)]
    connect, lost = http.client.HTTPConnection.connect, []

    def connect_or_fail(connection):
        if len(server.asked) == 1 and not lost:  # after the body broke, the network is away once
            lost.append(True)
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        connect(connection)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", connect_or_fail)

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert lost == [True]
    assert path.read_bytes() == CONTENT


def test_a_closed_port_is_asked_once_and_named(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    remote = RemoteFile("model.pth", (f"http://127.0.0.1:{port}/model.pth",), 5, "0" * 64)

    with pytest.raises(WeightsUnreachable, match=r"127\.0\.0\.1 cannot be reached .*5 bytes, SHA-256 0{64}"):
        fetch(remote, tmp_path, quick(backoff_s=60.0))


def test_too_little_room_is_said_before_anything_is_asked(server, small_disk):
    with pytest.raises(
        WeightsUnreachable, match=r"70,108,865 bytes are needed in .*small and 1,0\d\d,\d{3} bytes are f"
    ):
        fetch(server.remote(CONTENT), small_disk, quick())  # 3,000,001 + 64 MiB

    assert server.asked == []


def test_a_disk_that_fills_up_on_the_way_is_given_back(server, small_disk, monkeypatch):
    server.answers["/model.pth"] = [whole(CONTENT)]
    plenty = shutil.disk_usage(small_disk)._replace(free=1 << 40)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: plenty)

    with pytest.raises(WeightsUnreachable, match=r"the disk of .*small is full \(3,000,001 bytes are needed\)"):
        fetch(server.remote(CONTENT), small_disk, quick())

    assert names(small_disk) == ["model.pth.lock"]


def test_stop_ends_a_download_at_once_and_keeps_the_part(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT)]
    done = [0]

    def check():
        if done[0] > 500_000:
            raise Interrupted

    with pytest.raises(Interrupted):
        fetch(server.remote(CONTENT), tmp_path, quick(), lambda now, total: done.__setitem__(0, now), check)

    assert 500_000 < (tmp_path / "model.pth.part").stat().st_size < len(CONTENT)
    assert not (tmp_path / "model.pth").exists()
