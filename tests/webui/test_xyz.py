"""Our axes in the host's X/Y/Z plot, by API and on the page: values that arrive, cells that differ, bad values said."""

import pytest
from PIL import Image

from helpers.generations import differs, seed_in
from helpers.plots import CELL, ENABLED, FACES, MODEL, PREFIX, SCALE, VISIBILITY, cells, labels, plot
from helpers.running_host import MOSTLY_FORGE
from stub_host import page as pages


@pytest.fixture(scope="session", params=MOSTLY_FORGE)
def host(request, kept_running):
    """The running host with our extension whose page generates the portrait."""
    return kept_running(request.param)


def test_axes_stand_in_the_hosts_list_once(host):
    for tab in ("txt2img", "img2img"):
        ours = [label for label in labels(host, tab) if label.startswith(PREFIX)]

        assert len(ours) == len(set(ours)) > 30
        assert {VISIBILITY, SCALE, FACES, MODEL, ENABLED} <= set(ours)


def test_two_axes_at_once_arrive_merged_in_every_cell(host, portrait):
    made = plot(host, portrait, (VISIBILITY, "0, 1"), (SCALE, "1, 2"), face=[True, {"upscaler": "Lanczos"}])

    found = cells(made)
    words = [(f"visibility: {v}", f"scale: {s}") for s in (1, 2) for v in (0, 1)]
    assert len(found) == 4
    for (image, text), (visibility, scale) in zip(found, words):
        assert f"Face restore {visibility}" in text
        assert (f"Face restore {scale}" in text) == (scale != "scale: 1")
        assert image.size == ((384, 320) if scale == "scale: 2" else CELL)
        assert seed_in(text) == 7
    hidden, shown = found[0][0], found[1][0]
    assert differs(hidden, Image.open(portrait)) == 0
    assert differs(shown, Image.open(portrait)) > 0.02
    assert differs(found[2][0], found[3][0]) > 0.02


def test_an_axis_switches_us_on_and_enabled_off(host, portrait):
    made = plot(host, portrait, (VISIBILITY, "1"), (ENABLED, ["True", "False"]), face=[False])

    (on, on_text), (off, off_text) = cells(made)
    assert differs(on, Image.open(portrait)) > 0.02
    assert "Face restore faces: 1/1" in on_text
    assert differs(off, Image.open(portrait)) == 0
    assert "Face restore" not in off_text


def test_cell_that_is_not_restored_carries_no_record_of_its_neighbour(host, portrait):
    face = [True, {"when": "each picture before it is saved"}]

    made = plot(host, portrait, (ENABLED, ["True", "False"]), face=face)

    (_, on_text), (_, off_text) = cells(made)
    assert "Face restore faces: 1/1" in on_text
    assert "Face restore" not in off_text


def test_axes_go_over_the_settings_of_the_call_and_leave_the_others(host, portrait):
    made = plot(host, portrait, (FACES, ["all", "largest"]), face=[True, {"visibility": 0.5, "which_faces": "centre"}])

    texts = [text for _, text in cells(made)]
    assert ["Face restore which: largest" in text for text in texts] == [False, True]
    assert all("Face restore visibility: 0.5" in text for text in texts)


def test_models_that_are_here_are_offered_and_plotted(host, portrait):
    made = plot(host, portrait, (MODEL, ["none", "auto", "Real-ESRGAN x4plus (embedded)"]))

    (none, none_text), (auto, auto_text), (named, _) = cells(made)
    assert differs(none, Image.open(portrait)) == 0
    assert "Face restore" not in none_text
    assert "Face restore: Real-ESRGAN x4plus (embedded)" in auto_text
    assert differs(auto, named) == 0


@pytest.mark.parametrize(
    ("axis", "sentence"),
    [
        ((VISIBILITY, "0.5, 3"), "visibility cannot be 3.0: it must be a number from 0 to 1. It was left out"),
        ((FACES, ["all", "both"]), "Which faces cannot be 'both': it must be one of all, largest, centre."),
        ((MODEL, ["auto", "GFPGAN 9"]), "Model cannot be 'GFPGAN 9': it must be one of"),
        ((ENABLED, ["True", "maybe"]), "Enabled cannot be 'maybe': it must be True or False."),
    ],
)
def test_bad_value_is_left_out_with_a_sentence(host, portrait, axis, sentence):
    made = plot(host, portrait, axis)

    assert len(cells(made)) == 1
    assert "Face restore faces: 1/1" in cells(made)[0][1]
    assert any(sentence in line for line in made.statuses)
    assert "Traceback" not in made.log


def test_plot_of_bad_values_alone_is_empty_and_says_why(host, portrait):
    made = plot(host, portrait, (VISIBILITY, "2, 3"))

    assert made.images == []
    assert len([line for line in made.statuses if "it must be a number from 0 to 1" in line]) == 2
    assert "Traceback" not in made.log


def test_range_ends_where_it_should(host, portrait):
    made = plot(host, portrait, (VISIBILITY, "0-1 [3]"))

    texts = [text for _, text in cells(made)]
    assert [f"Face restore visibility: {value}" in text for value, text in zip(("0", "0.5", "1"), texts)] == [True] * 3


def test_plot_on_the_page(host):
    with pages.opened(host) as page:
        pages.fill(page, "#txt2img_prompt", "a portrait")
        for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
            pages.fill(page, f"#txt2img_{name}", value)
        pages.choose(page, "#script_list", "X/Y/Z plot")
        pages.choose(page, "#script_txt2img_xyz_plot_x_type", VISIBILITY)
        pages.fill(page, "#script_txt2img_xyz_plot_x_values", "0, 1, 7")
        before = host.files()

        shown = pages.generate(page)

        assert "GFPGAN / CodeFormer visibility cannot be 7.0: it must be a number from 0 to 1." in shown
        assert "Traceback" not in shown
        assert [error for error in pages.errors_of(page) if "facerestore" in error] == []
    restored = [path for path in host.files() - before if path.stem.endswith("-restored")]
    texts = sorted(Image.open(path).info["parameters"] for path in restored)
    assert ["Face restore visibility: 0," in text for text in texts] == [True, False]


def test_bar_says_nothing_of_ours_while_the_next_cell_is_sampled(host, portrait):
    made = plot(host, portrait, (VISIBILITY, "0.5, 1"), failing="bar")

    said = [line for line in made.log.splitlines() if "The bar says" in line]
    assert len(said) == 2
    assert not [line for line in said if "Face restore" in line]
