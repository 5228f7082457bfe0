"""Fetching by API: begun by name, watched through the status, one at a time, stopped; no path of the server told."""

import hashlib
import json
import time

import pytest

from helpers.api_client import get, post, send
from helpers.running_host import EXTENSIONS, STUBS, start_stub
from helpers.web_server import slow, status, whole

CONTENT = bytes(range(256)) * 20_000
ADDRESS = "/test-model.pth"


@pytest.fixture(scope="module", params=STUBS)
def offering(request, tmp_path_factory):
    """A host whose list offers a file of a server of the test, which is in its hands; (host, server, folder)."""
    from helpers.web_server import WebServer

    with WebServer() as server:
        folder = tmp_path_factory.mktemp(request.param)
        offered = json.dumps([server.url(ADDRESS), len(CONTENT), hashlib.sha256(CONTENT).hexdigest()])
        (folder / "config.json").write_text(json.dumps({"facerestore_mirror": server.url("")}))
        environment = {"FACERESTORE_TEST_MODEL": offered, "no_proxy": "*"}
        extra = {"offering_extension": EXTENSIONS / "offering_extension"}
        with start_stub(request.param, folder, extra=extra, environment=environment) as host:
            yield host, server, folder


def state(host):
    answer = get(host, "status")
    assert str(host.folder) not in answer.text
    return answer.json["fetch"]


def wait_until(host, is_so):
    deadline = time.monotonic() + 60
    while not is_so(found := state(host)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def fetched(folder):
    return [path for path in folder.rglob("test-model.pth") if path.is_file()]


def test_file_that_is_not_there_is_said(offering):
    host, server, _ = offering
    server.answers[ADDRESS] = [status(404)]

    begun = post(host, "fetch", {"names": ["test MODEL"]})

    assert begun.status == 200
    assert begun.json["names"] == ["Test model"]
    (line,) = wait_until(host, lambda found: not found["is_running"])["lines"]
    assert "could not be downloaded" in line
    assert "404" in line


def test_fetching_is_watched_stopped_and_gone_on_with(offering):
    host, server, folder = offering
    server.answers[ADDRESS] = [slow(CONTENT, 1_000_000), whole(CONTENT)]

    post(host, "fetch", {"names": ["Test model"]})
    running = wait_until(host, lambda found: found["done_bytes"] > 0)
    second = post(host, "fetch", {"names": ["Test model"]})
    send(host, "DELETE", "/facerestore/fetch")
    stopped = wait_until(host, lambda found: not found["is_running"])

    assert running["total_bytes"] == len(CONTENT)
    assert second.status == 409
    assert "fetched already" in second.json["detail"]
    assert stopped["lines"][0].startswith("Stopped")
    assert fetched(folder) == []

    post(host, "fetch", {"names": ["Test model"]})
    (line,) = wait_until(host, lambda found: not found["is_running"])["lines"]

    assert line == "Test model: test-model.pth"
    assert fetched(folder)[0].read_bytes() == CONTENT
    assert server.asked[-1].range is not None
    rows = {row["name"]: row for row in get(host, "models").json["models"]}
    assert rows["Test model"]["is_present"]
