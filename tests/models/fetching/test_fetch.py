"""Downloads that end with the right file, whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from helpers.web_server import cut, quick, status, whole
from lib_facerestore.models.catalogue import RemoteFile
from lib_facerestore.models.fetching import FetchPolicy, fetch

CONTENT = random.Random(1).randbytes(300_007)


def in_another_process(remote, folder, timeout_s=20.0):
    program = (
        "import json, sys; from pathlib import Path\n"
        "from lib_facerestore.models.fetching import FetchPolicy, fetch\n"
        "from lib_facerestore.models.catalogue import RemoteFile\n"
        "name, urls, size, sha256, folder, timeout_s = json.loads(sys.argv[1])\n"
        "fetch(RemoteFile(name, tuple(urls), size, sha256), Path(folder), "
        "FetchPolicy(True, any_host=True, timeout_s=timeout_s))\n"
    )
    row = [remote.name, remote.urls, remote.size_bytes, remote.sha256, str(folder), timeout_s]
    return subprocess.Popen([sys.executable, "-c", program, json.dumps(row)], env={**os.environ, "no_proxy": "*"})


def test_a_whole_file_arrives_with_progress_and_leaves_no_part(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT)]
    seen = []

    path = fetch(server.remote(CONTENT), tmp_path / "new" / "folder", quick(), lambda *row: seen.append(row))

    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, 300_007)
    assert seen[-1] == (300_007, 300_007)
    assert seen == sorted(seen)
    assert not path.with_name("model.pth.part").exists()


def test_a_cut_download_goes_on_where_it_ended(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 100_000), whole(CONTENT)]

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert path.read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, "bytes=100000-"]


def test_a_server_without_ranges_starts_the_file_again(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 100_000), whole(CONTENT, has_ranges=False)]

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert path.read_bytes() == CONTENT


def test_a_part_of_another_version_is_thrown_away_and_fetched_fresh(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT)]
    (tmp_path / "model.pth.part").write_bytes(b"older" * 100)

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert path.read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["bytes=500-", None]


def test_a_part_longer_than_the_file_is_fetched_fresh(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT)]
    (tmp_path / "model.pth.part").write_bytes(CONTENT + b"more")

    assert fetch(server.remote(CONTENT), tmp_path, quick()).read_bytes() == CONTENT


def test_a_refused_range_is_fetched_fresh(server, tmp_path):
    server.answers["/model.pth"] = [status(416), whole(CONTENT)]
    (tmp_path / "model.pth.part").write_bytes(CONTENT[:5])

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert path.read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["bytes=5-", None]


def test_a_complete_part_is_only_verified(server, tmp_path):
    (tmp_path / "model.pth.part").write_bytes(CONTENT)

    assert fetch(server.remote(CONTENT), tmp_path, quick()).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_a_server_in_trouble_is_asked_again(server, tmp_path, code):
    server.answers["/model.pth"] = [status(code), status(code), whole(CONTENT)]

    assert fetch(server.remote(CONTENT), tmp_path, quick()).read_bytes() == CONTENT


def test_a_missing_file_is_asked_for_once_and_then_at_the_mirror(server, tmp_path):
    server.answers["/mirror/model.pth"] = [whole(CONTENT)]

    path = fetch(server.remote(CONTENT, "/gone/model.pth", "/mirror/model.pth"), tmp_path, quick())

    assert path.read_bytes() == CONTENT
    assert [asked.path for asked in server.asked] == ["/gone/model.pth", "/mirror/model.pth"]


def test_a_named_base_address_comes_first_and_may_be_http(server, tmp_path, monkeypatch):
    server.answers["/base/model.pth"] = [whole(CONTENT)]
    monkeypatch.setenv("FACERESTORE_MIRROR", f"{server.url('/nothing')}, {server.url('/base/')}")

    path = fetch(server.remote(CONTENT, "/official/model.pth"), tmp_path, FetchPolicy.from_environment())

    assert path.read_bytes() == CONTENT
    assert [asked.path for asked in server.asked] == ["/nothing/model.pth", "/base/model.pth"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_allowed_host_keeps_the_range(server, tmp_path, code):
    server.answers["/model.pth"] = [status(code, Location=server.url("/store"))]
    server.answers["/store"] = [whole(CONTENT)]
    (tmp_path / "model.pth.part").write_bytes(CONTENT[:1000])

    path = fetch(server.remote(CONTENT), tmp_path, quick(any_host=False, base_urls=(server.url("/base"),)))

    assert path.read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=1000-"


def test_a_stalled_transfer_ends_and_goes_on(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 1000, holds=True), whole(CONTENT)]
    started = time.monotonic()

    path = fetch(server.remote(CONTENT), tmp_path, quick(timeout_s=0.3))

    assert path.read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=1000-"
    assert time.monotonic() - started < 5


def test_a_killed_process_leaves_a_part_that_the_next_one_finishes(server, tmp_path):
    server.answers["/model.pth"] = [cut(CONTENT, 200_000, holds=True), whole(CONTENT)]
    part = tmp_path / "model.pth.part"
    process = in_another_process(server.remote(CONTENT), tmp_path)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (part.exists() and part.stat().st_size == 200_000):
        time.sleep(0.02)

    process.send_signal(signal.SIGKILL)
    process.wait()
    left = sorted(path.name for path in tmp_path.iterdir())
    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert left == ["model.pth.lock", "model.pth.part"]
    assert path.read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=200000-"


def test_two_processes_that_want_one_file_download_it_once(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT, pause_s=1.0)]
    processes = [in_another_process(server.remote(CONTENT), tmp_path) for _ in range(2)]

    codes = [process.wait(timeout=120) for process in processes]

    assert codes == [0, 0]
    assert [asked.sent_bytes for asked in server.asked] == [300_007]
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


def test_the_proxy_of_the_environment_is_asked(server, tmp_path, monkeypatch):
    server.answers["http://weights.invalid/model.pth"] = [whole(CONTENT)]
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", server.url(""))
    remote = RemoteFile("model.pth", ("http://weights.invalid/model.pth",), 0, server.remote(CONTENT).sha256)

    assert fetch(remote, tmp_path, quick()).read_bytes() == CONTENT


def test_the_right_file_in_a_folder_that_cannot_be_written_is_used(server, tmp_path, monkeypatch):
    (tmp_path / "model.pth").write_bytes(CONTENT)
    monkeypatch.setattr("filelock.FileLock", lambda path: pytest.fail("the lock was asked for"))

    assert fetch(server.remote(CONTENT), tmp_path, quick()) == tmp_path / "model.pth"
    assert server.asked == []


def test_a_damaged_file_is_moved_aside_and_fetched(server, tmp_path):
    server.answers["/model.pth"] = [whole(CONTENT)]
    (tmp_path / "model.pth").write_bytes(b"half")

    path = fetch(server.remote(CONTENT), tmp_path, quick())

    assert path.read_bytes() == CONTENT
    assert (tmp_path / "model.pth.damaged").read_bytes() == b"half"
