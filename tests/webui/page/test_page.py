"""The extension's controls on a host's page, in a real browser."""

import json
import re
import uuid

import numpy as np
import pytest
from PIL import Image

from helpers.generations import RECORD, STATUS, differs
from helpers.running_host import MOSTLY_FORGE, STUBS, start_stub
from stub_host import page as pages

ENABLE = "script_txt2img_face_restore_enable"
ENABLE_EXTRAS = "extras_facerestore_enable"
OURS = "a portrait\nSteps: 1, Sampler: Euler, CFG scale: 1, Seed: 5, Size: 192x160, Face restore: {restorer}{more}"
OTHERS = "a portrait\nSteps: 1, Sampler: Euler, CFG scale: 1, Seed: 5, Size: 192x160"


# What is said is decided behind the page; what the page does with it is looked at under both gradios.
says_the_same_of_both = pytest.mark.parametrize("host", MOSTLY_FORGE, indirect=True)


@pytest.fixture
def page(host):
    with pages.opened(host) as opened:
        yield opened
        # Hosts' pages have errors of their own, with no extension at all.
        assert [error for error in pages.errors_of(opened) if "facerestore" in error] == []


@pytest.fixture
def small(page):
    """The page with a small and quick generation set."""
    pages.fill(page, "#txt2img_prompt", "a portrait")
    for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
        pages.fill(page, f"#txt2img_{name}", value)
    return page


def paste(page, text):
    """Write a picture's text into the prompt and press the arrow that reads it."""
    pages.fill(page, "#txt2img_prompt", text)
    page.locator("#txt2img_tools #paste, #paste").first.click()
    pages.settle(page)


def slider(page, name):
    box = page.locator(f"#script_txt2img_face_restore_{name} input[type=number]").first
    return float(box.input_value())


def chosen(page, name):
    return page.locator(f"#script_txt2img_face_restore_{name} input").first.input_value()


def test_generating_with_the_box_ticked_restores_and_says_so(host, small):
    pages.fill(small, "#txt2img_batch_count", 2)
    pages.fill(small, "#txt2img_batch_size", 2)
    pages.tick(small, ENABLE)
    before = host.files()

    shown = pages.generate(small)

    lines = [line for line in shown.splitlines() if line.startswith("Face restore: ")]
    assert [bool(STATUS.fullmatch(line.removeprefix("Face restore: ")[4:])) for line in lines] == [True] * 4
    assert [line.removeprefix("Face restore: ")[:4] for line in lines] == ["1/4 ", "2/4 ", "3/4 ", "4/4 "]
    assert "Traceback" not in shown
    assert small.locator("#txt2img_gallery .thumbnail-item").count() >= 5
    assert len([path for path in host.files() - before if path.stem.endswith("-restored")]) == 5


@says_the_same_of_both
def test_script_that_makes_a_result_of_its_own_shows_each_status_once(small):
    pages.choose(small, "#script_list", "Prompts from file or textbox")
    pages.fill(small, "#script_txt2img_prompts_from_file_or_textbox_prompt_txt", "a portrait\nan astronaut")
    pages.tick(small, ENABLE)

    shown = pages.generate(small)

    lines = [line for line in shown.splitlines() if line.startswith("Face restore: ")]
    assert [bool(STATUS.fullmatch(line.removeprefix("Face restore: "))) for line in lines] == [True, True]


def test_box_is_off_at_first_and_generating_then_changes_nothing(host, small):
    assert not pages.is_ticked(small, ENABLE)
    before = host.files()

    pages.generate(small, until="Time taken")

    assert not [path for path in host.files() - before if "restored" in path.name]


def test_text_of_a_restored_picture_sets_every_control(page):
    more = ", Face restore visibility: 0.4, Face restore which: largest, Face restore faces: 1/1, Face restore scale: 2"

    paste(page, OURS.format(restorer="none", more=more))

    assert pages.is_ticked(page, ENABLE)
    assert (slider(page, "visibility"), slider(page, "scale")) == (0.4, 2.0)
    assert chosen(page, "restorer") == "none"
    assert page.locator("#script_txt2img_face_restore_which_faces input:checked").first.input_value() == "largest"

    paste(page, OTHERS)

    assert not pages.is_ticked(page, ENABLE)
    assert slider(page, "visibility") == 0.4

    paste(page, OURS.format(restorer="auto", more=""))

    assert slider(page, "visibility") == 1.0


@says_the_same_of_both
def test_unknown_models_and_value_pasted_are_replaced_and_said(small):
    upscaler = ", Face restore upscaler: ESRGAN_4x, Face restore scale: 2, Face restore upscale strength: 0"
    paste(small, OURS.format(restorer="NoSuchModel", more=f", Face restore mask: oval{upscaler}"))

    shown = pages.generate(small)

    assert "Model cannot be 'NoSuchModel'" in shown
    assert "Upscaler cannot be 'ESRGAN_4x'" in shown
    assert "1 face: 1 restored" in shown
    assert "Traceback" not in shown


def test_weight_is_shown_for_codeformer_only(page):
    pages.tick(page, ENABLE)
    weight = page.locator("#script_txt2img_face_restore_fidelity").first

    paste(page, OURS.format(restorer="CodeFormer", more=""))
    assert weight.is_visible()

    paste(page, OURS.format(restorer="none", more=""))
    assert not weight.is_visible()


def test_settings_examine_everything_and_offer_the_official_models(page):
    pages.open_settings(page, "facerestore", "Face restore")

    page.locator("#facerestore_examine").click()
    page.wait_for_function(
        "() => document.querySelector('#facerestore_models_status').innerText.includes('CodeFormer')"
    )

    shown = pages.text(page, "#facerestore_models_status")
    assert "Everything that is needed is here." in shown
    assert re.search(r"missing +CodeFormer", shown)
    assert page.locator("#facerestore_fetch").count() == 1


def extras(page, host, tab, give):
    """Restore in one of the Extras tabs: what it shows, and the files that it wrote, by name."""
    pages.open_tab(page, "Extras")
    page.locator("#mode_extras button, #extras_tabs button").nth(tab).click()
    pages.settle(page)
    give(page)
    pages.settle(page)
    pages.tick(page, ENABLE_EXTRAS)
    before = host.files()
    page.locator("#extras_generate").click()
    page.wait_for_function(
        "() => (document.querySelector('#html_info_x_extras')?.innerText || '').includes('Face restore status')"
    )
    pages.settle(page)
    return pages.text(page, "#html_info_x_extras"), sorted(host.files() - before, key=lambda path: path.stem)


def test_extras_restores_one_picture_and_keeps_its_alpha(page, host, portrait, tmp_path):
    picture = Image.open(portrait).convert("RGBA")
    alpha = np.full((picture.height, picture.width), 255, np.uint8)
    alpha[:40] = 90
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "soft.png")

    shown, (written,) = extras(
        page,
        host,
        0,
        lambda page: page.locator("#extras_image input[type=file]").set_input_files(tmp_path / "soft.png"),
    )

    after = Image.open(written)
    assert after.mode == "RGBA"
    assert np.array_equal(np.asarray(after)[..., 3], alpha)
    assert differs(after, Image.open(portrait)) > 0.02
    assert "1 face: 1 restored" in shown
    assert RECORD.split(",")[0] in after.info["postprocessing"]


@pytest.mark.parametrize("kind", STUBS)
def test_extras_replaces_a_default_model_that_nobody_knows_any_more_and_says_so(kind, tmp_path, portrait):
    config = {"facerestore_default_restorer": "NoSuchModel", "facerestore_default_upscaler": "ESRGAN_4x"}
    (tmp_path / "config.json").write_text(json.dumps(config))

    with start_stub(kind, tmp_path) as host, pages.opened(host) as page:
        shown, (written,) = extras(
            page, host, 0, lambda page: page.locator("#extras_image input[type=file]").set_input_files(portrait)
        )

    assert RECORD in Image.open(written).info["postprocessing"]
    assert "Model cannot be 'NoSuchModel': it must be one of " in shown
    assert "Upscaler cannot be 'ESRGAN_4x': it must be one of " in shown


@says_the_same_of_both
@pytest.mark.parametrize("broken", ["no picture", "cut short"])
def test_extras_folder_goes_on_over_a_broken_file(page, host, portrait, tmp_path, broken):
    if broken == "cut short" and host.name == "forge":
        pytest.skip("Forge's own search for hidden text ends the batch there, before any script is asked.")
    inputs, outputs = tmp_path / "in", host.outputs / f"facerestore-{uuid.uuid4().hex}"
    inputs.mkdir()
    outputs.mkdir()
    whole = portrait.read_bytes()
    (inputs / "a.png").write_bytes(whole)
    (inputs / "b.png").write_bytes(whole[: len(whole) // 2] if broken == "cut short" else b"no picture")
    (inputs / "c.png").write_bytes(whole)

    def give(page):
        pages.fill(page, "#extras_batch_input_dir", inputs)
        pages.fill(page, "#extras_batch_output_dir", outputs)

    shown, written = extras(page, host, 2, give)

    assert len(written) == 2
    assert ("Broken files skipped before this one: 1." in shown) == (broken == "cut short")
    assert all(differs(Image.open(path), Image.open(portrait)) > 0.02 for path in written)
    assert "Traceback" not in shown


def test_extras_batch_restores_each_picture(page, host, portrait, tmp_path):
    files = [tmp_path / f"{uuid.uuid4().hex}.png" for _ in range(2)]  # hosts write over files of the same name
    for path in files:
        path.write_bytes(portrait.read_bytes())

    shown, written = extras(
        page, host, 1, lambda page: page.locator("#extras_image_batch input[type=file]").set_input_files(files)
    )

    assert len(written) == 2
    assert all("Face restore" in Image.open(path).info["postprocessing"] for path in written)
    assert "1 face: 1 restored" in shown


def test_interrupt_keeps_what_was_generated(host, small):
    pages.fill(small, "#txt2img_batch_count", 4)
    pages.tick(small, ENABLE)
    before = host.files()
    small.locator("#txt2img_generate").click()
    small.wait_for_function(
        "() => document.querySelector('#txt2img_results')?.innerText.includes('Face restore: picture')"
    )

    for _ in range(2):  # the first press may mean: after this picture
        host.call("/sdapi/v1/interrupt", {})
    small.wait_for_function("() => (document.querySelector('#html_log_txt2img')?.innerText || '').includes('Stopped')")

    shown = pages.text(small, "#html_log_txt2img")
    assert re.search(r"Stopped after \d of 4 pictures; the others are as generated\.", shown)
    bases = [path for path in host.files() - before if "restored" not in path.name and "grid" not in path.name]
    assert len(bases) == 4
