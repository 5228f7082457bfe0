"""Hosts and photographs for the tests of the extension."""

import numpy as np
import pytest
from PIL import Image

from helpers.running_host import HOSTS, SIZE_WH, make_portrait, started


@pytest.fixture(scope="session", params=HOSTS)
def host(request, tmp_path_factory, portrait):
    """A running host with our extension; the stub under both gradios, or the real one that the environment names.

    What its page generates is the portrait.
    """
    with started(request.param, tmp_path_factory, environment={"FACERESTORE_PHOTO": str(portrait)}) as running:
        yield running


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
        )  # fmt: skip
