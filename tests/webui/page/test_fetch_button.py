"""The Fetch models button of the Settings: progress while a file comes in, its place at the end, or what went wrong."""

import hashlib
import json

import pytest

from helpers.running_host import EXTENSIONS, STUBS, start_stub
from helpers.web_server import WebServer, slow, status, whole
from stub_host import page as pages

CONTENT = bytes(range(256)) * 20_000
ADDRESS = "/test-model.pth"


@pytest.fixture(scope="module", params=STUBS)
def offering(request, tmp_path_factory):
    """A host whose list offers a file of its mirror, and that mirror, a server of the tests; (host, server)."""
    with WebServer() as server:
        offered = json.dumps([server.url(ADDRESS), len(CONTENT), hashlib.sha256(CONTENT).hexdigest()])
        folder = tmp_path_factory.mktemp(request.param)
        (folder / "config.json").write_text(json.dumps({"facerestore_mirror": server.url("")}))
        environment = {"FACERESTORE_TEST_MODEL": offered, "no_proxy": "*"}
        extra = {"offering_extension": EXTENSIONS / "offering_extension"}
        with start_stub(request.param, folder, extra=extra, environment=environment) as host:
            yield host, server


@pytest.fixture
def opened(offering):
    """The models panel of that host, whose file is not there yet and is chosen; (page, folder, server)."""
    host, server = offering
    for path in host.folder.rglob("test-model.pth*"):
        path.unlink()
    with pages.opened(host) as page:
        pages.open_settings(page, "facerestore", "Face restore")
        assert "test-model" not in pages.text(page, "#facerestore_models_status")
        pages.choose(page, "#facerestore_fetch_name", "Test model")
        yield page, host.folder, server


def status_with(page, words):
    page.wait_for_function(
        "words => (document.querySelector('#facerestore_models_status')?.innerText || '').includes(words)", arg=words
    )
    return pages.text(page, "#facerestore_models_status")


def fetched(folder):
    return [path for path in folder.rglob("test-model.pth") if path.is_file()]


def test_file_comes_in_with_progress_and_its_place_is_named(opened):
    page, folder, server = opened
    server.answers[ADDRESS] = [whole(CONTENT, pause_s=3)]

    page.locator("#facerestore_fetch").click()

    status_with(page, "of 5 MB, ")
    shown = status_with(page, "test-model.pth")
    (path,) = fetched(folder)
    assert path.read_bytes() == CONTENT
    assert str(path) in shown


def test_file_that_is_not_there_is_said(opened):
    page, folder, server = opened
    server.answers[ADDRESS] = [status(404)]

    page.locator("#facerestore_fetch").click()

    shown = status_with(page, "could not be downloaded")
    assert "404" in shown
    assert "Traceback" not in shown
    assert fetched(folder) == []


def test_stop_leaves_what_came_in_for_the_next_press(opened):
    page, folder, server = opened
    server.answers[ADDRESS] = [slow(CONTENT, 1_000_000), whole(CONTENT)]

    page.locator("#facerestore_fetch").click()
    status_with(page, "of 5 MB, ")
    page.locator("#facerestore_fetch_stop").click()
    status_with(page, "Stopped")
    page.locator("#facerestore_fetch").click()
    status_with(page, "test-model.pth")

    assert fetched(folder)[0].read_bytes() == CONTENT
    assert server.asked[-1].range is not None
