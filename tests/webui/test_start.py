"""What a start with us costs, and what our flags switch off: packages that are never imported, controls not drawn."""

import pytest
from PIL import Image

from helpers.generations import RECORD, differs
from helpers.plots import MODEL, SCALE, labels
from helpers.running_host import EXTENSIONS, STUBS, start_stub
from stub_host import page as pages

# Its name is the first of all, so that it is loaded before us.
WATCHING = {"a-watching": EXTENSIONS / "watching_extension"}
# spandrel makes networks of checkpoints; facexlib has detectors and parsers.
OURS = {"spandrel", "facexlib"}


@pytest.fixture
def start(request, tmp_path):
    """Start a watched stub with flags."""

    def started(kind, *flags):
        host = start_stub(kind, tmp_path, *flags, extra=WATCHING)
        request.addfinalizer(host.stop)
        return host

    return started


def imported(host):
    return OURS & set(host.call("/watched")["packages"])


@pytest.mark.parametrize("kind", STUBS)
def test_start_loads_no_networks_and_speaks_to_nobody_else(start, portrait, kind):
    host = start(kind)

    spoken_to = host.call("/watched")["spoken_to"]
    assert imported(host) == set()
    # gradio looks whether its own server answers, which shows that the neighbour sees connections at all.
    assert ["127.0.0.1", host.port] in spoken_to
    assert [address for address in spoken_to if address != ["127.0.0.1", host.port]] == []
    made = host.generate(face=[True, {}], photo=portrait)
    assert made.infotexts[0].endswith(RECORD)
    assert "facexlib" in imported(host)
    assert [address for address in host.call("/watched")["spoken_to"] if address[0] != "127.0.0.1"] == []


@pytest.mark.parametrize("kind", STUBS)
def test_both_flags_remove_the_accordion(start, portrait, kind):
    host = start(kind, "--no-facerestore", "--no-facerestore-upscale")

    scripts = host.call("/sdapi/v1/scripts")
    assert "face restore" not in scripts["txt2img"] + scripts["img2img"]
    page = str(host.call("/config"))
    assert "script_txt2img_face_restore_enable" not in page
    assert "extras_facerestore_enable" not in page
    assert differs(host.generate(photo=portrait).images[0], Image.open(portrait)) == 0
    assert imported(host) == set()


@pytest.mark.parametrize("kind", STUBS)
def test_upscaling_alone_never_loads_what_restores_and_has_no_buttons_for_it(start, portrait, kind):
    host = start(kind, "--no-facerestore")

    with pages.opened(host) as page:
        assert page.locator("#txt2img_facerestore_one, #txt2img_facerestore_all").count() == 0
        assert page.locator("#txt2img_send_to_extras").is_visible()
        assert pages.errors_of(page) == []
    made = host.generate(face=[True, {"upscaler": "Lanczos", "scale": 2}], photo=portrait)

    assert "script_txt2img_face_restore_enable" in str(host.call("/config"))
    assert made.images[0].size == (384, 320)
    assert "Face restore upscaler: Lanczos" in made.infotexts[0]
    assert imported(host) == set()
    assert "No face was restored: the WebUI was started with --no-facerestore." in made.statuses


@pytest.mark.parametrize("kind", STUBS)
def test_restoring_alone_says_that_nothing_was_upscaled_and_has_no_axes_for_it(start, portrait, kind):
    host = start(kind, "--no-facerestore-upscale")

    axes = labels(host)
    assert MODEL in axes
    assert SCALE not in axes
    made = host.generate(face=[True, {"upscaler": "Lanczos", "scale": 2}], photo=portrait)

    assert made.images[0].size == (192, 160)
    assert made.infotexts[0].endswith(RECORD)
    assert "Nothing was upscaled: the WebUI was started with --no-facerestore-upscale." in made.statuses
