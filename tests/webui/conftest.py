"""Hosts and photographs for the tests of the extension."""

import contextlib
import functools

import numpy as np
import pytest
from PIL import Image

from helpers.host_modules import put_host_modules
from helpers.running_host import HOSTS, SIZE_WH, make_portrait, started
from lib_facerestore.webui import warm_session


@pytest.fixture(scope="session")
def kept_running(tmp_path_factory, portrait):
    """Starts a host by kind at its first call and gives the same one at each further call; all stop at the end.

    pytest alone would stop a host whenever a test asks for the other one, and start it anew in the next file.
    """
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(kind):
            environment = {"FACERESTORE_PHOTO": str(portrait)}
            return running.enter_context(started(kind, tmp_path_factory, environment=environment))

        yield start


@pytest.fixture(scope="session", params=HOSTS)
def host(request, kept_running):
    """A running host with our extension; the stub under both gradios, or the real one that the environment names.

    What its page generates is the portrait.
    """
    return kept_running(request.param)


@pytest.fixture(scope="session")
def portrait(tmp_path_factory):
    """A photograph with one face, in the generations' size."""
    return make_portrait(tmp_path_factory.mktemp("photographs") / "portrait.png")


@pytest.fixture(scope="session")
def faceless(tmp_path_factory):
    """A picture without any face."""
    path = tmp_path_factory.mktemp("photographs") / "faceless.png"
    ramp = np.linspace(0, 255, SIZE_WH[0] * SIZE_WH[1] * 3).reshape(SIZE_WH[1], SIZE_WH[0], 3)
    Image.fromarray(ramp.astype(np.uint8)).save(path)
    return path


@pytest.fixture(autouse=True)
def _own_options(request):
    """Options that a test changed go back to what they were; hosts keep what an API call sets."""
    yield
    if "host" in request.fixturenames:
        request.getfixturevalue("host").set_options(
            facerestore_txt2img=False, facerestore_img2img=False, facerestore_result="replace in the gallery",
            facerestore_downloads=False, face_restoration=False,
            # How many jobs came before would decide whether OpenVINO runs the next one.
            facerestore_executor="torch",
        )  # fmt: skip


@pytest.fixture
def fake_host(monkeypatch, tmp_path):
    """`shared` of a host that is only fakes; what the extension kept warm is dropped afterwards."""
    yield put_host_modules(monkeypatch, tmp_path / "models")
    warm_session.close()


@pytest.fixture
def stored(fake_host):
    """What the user stored in the Settings of a host without any model files."""
    return fake_host.opts.data
