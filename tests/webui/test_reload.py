"""Reload UI twice: the host executes our script again each time, and nothing of ours is there twice."""

import pytest

from helpers.generations import RECORD, STATUS
from helpers.plots import MODEL, labels
from helpers.running_host import STUBS, start_stub
from stub_host import page as pages


@pytest.fixture(scope="module", params=STUBS)
def own_host(request, tmp_path_factory, portrait):
    """A host of this file's own."""
    environment = {"FACERESTORE_PHOTO": str(portrait)}
    with start_stub(request.param, tmp_path_factory.mktemp("reloaded"), environment=environment) as host:
        yield host


@pytest.fixture(scope="module")
def axes_before(own_host):
    """Labels of the plot's axes, before anything was pressed."""
    return labels(own_host)


@pytest.fixture(scope="module")
def reloaded(own_host, axes_before):
    """That host and its page after the button was pressed twice."""
    host = own_host
    with pages.opened(host) as page:
        pages.reload_ui(page, host)
        pages.reload_ui(page, host)
        yield host, page


@pytest.mark.parametrize(
    "element",
    [
        "script_txt2img_face_restore_enable",
        "script_img2img_face_restore_enable",
        "extras_facerestore_enable",
        "settings_facerestore",
        "settings_facerestore_defaults",
        "facerestore_fetch",
        "facerestore_examine",
        "txt2img_facerestore_one",
        "img2img_facerestore_all",
    ],
)
def test_each_part_is_on_the_page_once(reloaded, element):
    _, page = reloaded

    assert page.locator(f"#{element}").count() == 1


def test_script_is_listed_once_in_each_tab(reloaded):
    host, _ = reloaded

    scripts = host.call("/sdapi/v1/scripts")

    assert [scripts[tab].count("face restore") for tab in ("txt2img", "img2img")] == [1, 1]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("face-restorers", "Face restore"),
        ("face-restorers", "Face restore: Real-ESRGAN x4plus (embedded)"),
        ("upscalers", "Face restore: Real-ESRGAN x4plus (embedded)"),
        ("upscalers", "Neighbour x2"),
    ],
)
def test_hosts_lists_have_each_entry_once(reloaded, what, name):
    host, _ = reloaded

    assert [one["name"] for one in host.call(f"/sdapi/v1/{what}")["list"]].count(name) == 1


def test_axes_of_the_plot_are_not_doubled(reloaded, axes_before):
    host, _ = reloaded

    assert labels(host) == axes_before
    assert axes_before.count(MODEL) == 1


def test_lists_on_the_page_have_each_entry_once(reloaded):
    host, _ = reloaded

    parts = [part["props"] for part in host.call("/config")["components"]]
    lists = {part.get("elem_id"): [str(one) for one in part.get("choices") or ()] for part in parts}
    for element, name in (
        ("txt2img_hr_upscaler", "Face restore: Real-ESRGAN x4plus (embedded)"),
        ("setting_face_restoration_model", "Face restore: Real-ESRGAN x4plus (embedded)"),
        ("script_txt2img_face_restore_upscaler", "Neighbour x2"),
    ):
        assert len([one for one in lists[element] if name in one]) == 1
    assert not [one for one in lists["script_txt2img_face_restore_upscaler"] if "Face restore" in one]


def test_one_generation_restores_once_and_says_so_once(reloaded, portrait):
    host, _ = reloaded

    made = host.generate(face=[True, {}], photo=portrait, save_images=True)

    assert len(made.images) == 1
    assert len(made.files) == 2
    assert made.infotexts[0].count(RECORD) == 1
    assert [bool(STATUS.fullmatch(line)) for line in made.statuses] == [True]


def test_generation_on_the_page_restores_once(reloaded):
    _, page = reloaded
    pages.open_tab(page, "txt2img")
    for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
        pages.fill(page, f"#txt2img_{name}", value)
    pages.tick(page, "script_txt2img_face_restore_enable")

    shown = pages.generate(page)

    assert shown.count("Face restore: ") == 1
    assert STATUS.search(shown)


def test_button_below_the_gallery_restores_once(reloaded):
    host, page = reloaded
    pages.open_tab(page, "txt2img")
    if pages.is_ticked(page, "script_txt2img_face_restore_enable"):
        page.locator("#script_txt2img_face_restore_enable .input-accordion-checkbox").first.click()
    for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
        pages.fill(page, f"#txt2img_{name}", value)
    before = host.files()
    page.locator("#txt2img_generate").click()
    page.wait_for_function("() => !document.querySelector('#html_log_txt2img').innerText.includes('Face restore')")
    pages.settle(page)
    (base,) = host.files() - before
    seen = len(host.said())

    page.locator("#txt2img_facerestore_one").click()
    page.wait_for_function(
        "() => document.querySelector('#html_log_txt2img').innerText.includes('Face restore: 1 face')"
    )

    assert host.files() - before == {base, base.with_name(f"{base.stem}-restored.png")}
    assert host.said()[seen:].count("1 face: 1 restored") == 1


def test_host_has_nothing_to_complain_about(reloaded):
    host, page = reloaded

    assert host.starts() == 3
    assert host.call("/stub/errors")["list"] == []
    assert "Traceback" not in host.said()
    # The page asks for a server that is on its way up.
    assert [error for error in pages.errors_of(page) if "Failed to fetch" not in error] == []


def test_lists_of_the_host_are_left_alone_where_the_settings_say_so(reloaded):
    host, page = reloaded
    host.set_options(facerestore_host_lists="nothing")

    pages.reload_ui(page, host)

    for what in ("face-restorers", "upscalers"):
        names = [one["name"] for one in host.call(f"/sdapi/v1/{what}")["list"]]
        assert names
        assert [name for name in names if name.startswith("Face restore")] == []
