"""The stub's page in a real browser: generating, the probe's controls, pasting, Extras, Settings, Reload UI."""

from __future__ import annotations

import json
import urllib.request

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import expect

from stub_host import page as pages

ACCORDION = "script_txt2img_probe_accordion"
BOX = f"#{ACCORDION}-visible-checkbox"
READ = f"#{ACCORDION}-checkbox input"
AMOUNT = "#script_txt2img_probe_amount input[type=number]"
TEXT = "pasted prompt\nSteps: 3, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 256x192{more}, Version: v1"
LIMIT_MS = 20_000
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def page(stub):
    with pages.opened(stub) as opened:
        wait_for_probe(opened)
        yield opened


def wait_for_probe(page):
    page.wait_for_function("window.probeLoaded == 1 && !!document.querySelector('#txt2img_generate')")


def generate(page):
    """Press Generate and wait for a new text below the gallery."""
    page.evaluate("document.querySelector('#html_log_txt2img .performance')?.remove()")
    return pages.generate(page, until="Time taken")


def text_of_selected(page):
    return pages.text(page, "#html_info_txt2img")


def seed_in(text):
    return int(text.split("Seed: ")[1].split(",")[0])


def said(stub, name):
    return next(event[1:] for event in stub.call("/probe")["events"] if event[0] == name)


def infotext_file(folder, more):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", TEXT.format(more=more))
    path = folder / "text.png"
    Image.new("RGB", (64, 48), "gray").save(path, pnginfo=texts)
    return path


def test_generate_shows_pictures_text_and_time(page, stub):
    pages.fill(page, "#txt2img_prompt", "hello")
    pages.fill(page, "#txt2img_batch_size", 2)

    shown = generate(page)

    assert "Time taken" in shown
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)
    assert "hello" in text_of_selected(page)
    assert said(stub, "postprocess") == ["3", "3", "1"]
    # Forge works in its main thread.
    assert said(stub, "process")[3] == str(stub.kind == "gradio4")


def test_a_click_on_a_picture_shows_its_text(page):
    seeds = []
    for number in (0, 1, 2):
        page.locator("#txt2img_gallery .thumbnails .thumbnail-item").nth(number).click()
        pages.settle(page)
        seeds.append(seed_in(text_of_selected(page)))

    assert seeds[0] == seeds[1] == seeds[2] - 1


def test_save_writes_the_selected_picture_with_its_own_text(page, stub):
    # The third picture of the gallery is selected: the second generated one.
    seed = seed_in(text_of_selected(page))

    page.locator("#save_txt2img").click()

    expect(page.locator("#html_log_txt2img").first).to_contain_text("Saved:")
    (path,) = (stub.folder / "log" / "images").iterdir()
    assert path.name == f"00000-{seed}.png"
    with Image.open(path) as saved:
        assert f"Seed: {seed}," in saved.info["parameters"]


def test_ticking_the_title_sends_true_and_shows_the_comment(page, stub):
    page.locator(BOX).click()
    expect(page.locator(READ)).to_be_checked()

    shown = generate(page)

    assert said(stub, "process")[:3] == ["True", "0.5", "a"]
    assert "Probe was here." in shown
    # Ticking does not open the accordion.
    assert "open" not in page.locator(f"#{ACCORDION} .label-wrap").first.get_attribute("class").split()


@pytest.mark.parametrize(("more", "is_ticked"), [(", Probe amount: 0.75, Probe kind: b", True), ("", False)])
def test_pasting_ticks_and_unticks(page, stub, tmp_path, more, is_ticked):
    # A fresh page: a browser does not tell of a file that replaces one of the same input.
    pages.load(page, stub)
    if not is_ticked:
        page.locator(BOX).click()
        expect(page.locator(READ)).to_be_checked()
    pages.open_tab(page, "PNG Info")
    page.locator("#pnginfo_image input[type=file]").set_input_files(infotext_file(tmp_path, more))
    expect(page.locator("#pnginfo_html2_info").first).to_contain_text("pasted prompt")
    pages.settle(page)
    page.locator("#tab_pnginfo #txt2img_tab").click()

    expect(page.locator("#txt2img_prompt textarea")).to_have_value("pasted prompt")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("256")
    expect(page.locator(BOX)).to_be_checked(checked=is_ticked)
    assert pages.is_ticked(page, ACCORDION) is is_ticked
    expect(page.locator(AMOUNT)).to_have_value("0.75" if is_ticked else "0.5")


def test_extras_give_rgba_and_save_extra_pictures(page, stub, tmp_path):
    path = tmp_path / "source.png"
    Image.new("RGB", (96, 64), "navy").save(path)
    pages.open_tab(page, "Extras")
    page.locator("#extras_image input[type=file]").set_input_files(path)
    expect(page.locator("#extras_image img").first).to_be_visible()
    page.locator("#probe_extras-visible-checkbox").click()
    expect(page.locator("#probe_extras-checkbox input")).to_be_checked()

    page.locator("#extras_generate").click()
    expect(page.locator("#html_log_extras .performance").first).to_be_attached()

    assert said(stub, "process") == ["True", "tagged", "RGBA", "(96, 64)"]
    assert "Probe extras" in pages.text(page, "#html_info_x_extras")
    names = {path.name for path in stub.files() if "tagged" in path.name}
    assert names == {"00000--tagged.png", "00001--tagged-grey.png"}


def test_an_exception_in_extras_is_told_in_the_panel(page):
    pages.tick(page, "probe_extras")
    pages.fill(page, "#probe_extras_tag", "raise")

    page.locator("#extras_generate").click()

    expect(page.locator("#html_log_extras").first).to_contain_text("RuntimeError: The probe was told")


def test_apply_saves_settings(page, stub):
    pages.open_settings(page, "probe", "Probe")
    page.locator("#setting_probe_switch input").click()
    pages.settle(page)

    page.locator("#settings_submit").click()

    expect(page.locator("#settings_result").first).to_contain_text("probe_switch")
    assert json.loads((stub.folder / "config.json").read_text())["probe_switch"] is False


def test_reload_ui_loads_the_scripts_again(page, stub):
    pages.reload_ui(page, stub)
    wait_for_probe(page)

    pages.open_tab(page, "txt2img")
    generate(page)

    assert stub.call("/probe")["seen"].count("script executed") == 2


def test_no_script_of_the_page_failed(page):
    # Reload UI stops the server under the open page.
    assert [error for error in pages.errors_of(page) if "Failed to fetch" not in error] == []


def test_files_of_extensions_are_served(stub):
    with urllib.request.urlopen(stub.address) as answer:
        text = answer.read().decode()

    assert "probe.js" in text
    assert text.index("script.js") < text.index("ui.js") < text.index("probe.js")
