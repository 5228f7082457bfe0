"""The stub's page in a real browser: generating, the probe's controls, pasting, Extras, Settings, Reload UI."""

from __future__ import annotations

import json
import urllib.request

import pytest
from browser import Browser, executable
from PIL import Image, PngImagePlugin

ACCORDION = "script_txt2img_probe_accordion"
TEXT = "pasted prompt\nSteps: 3, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 256x192{more}, Version: v1"


@pytest.fixture(scope="module")
def page(stub):
    if executable() is None:
        pytest.skip("No Chromium is installed.")
    with Browser() as browser:
        load(browser, stub)
        yield browser


def load(browser, stub):
    browser.open(f"{stub.address}/?__theme=light")
    browser.wait("window.probeLoaded == 1 && !!document.querySelector('#txt2img_generate')")


def tab(page, number):
    """Open a main tab: 0 txt2img, 1 img2img, 2 Extras, 3 PNG Info, 4 Settings."""
    page.run(f"gradioApp().querySelector('#tabs').querySelectorAll('button')[{number}].click()")


def fill(page, selector, value):
    found = f"document.querySelector({json.dumps(selector)})"
    page.run(f"(() => {{ const box = {found}; box.value = {json.dumps(value)}; updateInput(box); }})()")


def value(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).value")


def is_checked(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).checked")


def generate(page):
    page.run("document.querySelector('#html_log_txt2img').dataset.old = '1'")
    page.run("document.querySelector('#html_log_txt2img .performance')?.remove()")
    page.click("#txt2img_generate")
    page.wait("!!document.querySelector('#html_log_txt2img .performance')")


def said(stub, name):
    return next(event[1:] for event in stub.call("/probe")["events"] if event[0] == name)


def infotext_file(folder, more):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", TEXT.format(more=more))
    path = folder / f"text{len(more)}.png"
    Image.new("RGB", (64, 48), "gray").save(path, pnginfo=texts)
    return path


def test_generate_shows_pictures_text_and_time(page, stub):
    tab(page, 0)
    fill(page, "#txt2img_prompt textarea", "hello")
    fill(page, "#txt2img_batch_size input[type=number]", "2")

    generate(page)

    page.wait("document.querySelectorAll('#txt2img_gallery .thumbnail-item').length >= 3")
    assert "hello" in page.run("document.querySelector('#html_info_txt2img').innerText")
    assert "Time taken" in page.run("document.querySelector('#html_log_txt2img').innerText")
    assert said(stub, "postprocess") == ["3", "3", "1"]
    # Forge works in its main thread.
    assert said(stub, "process")[3] == str(stub.kind == "gradio4")


def test_a_click_on_a_picture_shows_its_text(page):
    seeds = []
    for number in (0, 1, 2):
        small = "#txt2img_gallery .thumbnails .thumbnail-item"
        page.run(f"document.querySelectorAll('{small}')[{number}].click()")
        page.run("new Promise(done => setTimeout(done, 1200))")
        shown = page.run("document.querySelector('#html_info_txt2img').innerText")
        seeds.append(int(shown.split("Seed: ")[1].split(",")[0]))

    assert seeds[0] == seeds[1] == seeds[2] - 1


def test_save_writes_the_selected_picture_with_its_own_text(page, stub):
    # The third picture of the gallery is selected: the second generated one.
    shown = page.run("document.querySelector('#html_info_txt2img').innerText")
    seed = shown.split("Seed: ")[1].split(",")[0]

    page.click("#save_txt2img")

    page.wait("document.querySelector('#html_log_txt2img').innerText.includes('Saved:')")
    (path,) = (stub.data / "log" / "images").iterdir()
    assert path.name == f"00000-{seed}.png"
    with Image.open(path) as saved:
        assert f"Seed: {seed}," in saved.info["parameters"]


def test_ticking_the_title_sends_true_and_shows_the_comment(page, stub):
    page.click(f"#{ACCORDION}-visible-checkbox")
    page.wait(f"document.querySelector('#{ACCORDION}-checkbox input').checked")

    generate(page)

    assert said(stub, "process")[:3] == ["True", "0.5", "a"]
    assert "Probe was here." in page.run("document.querySelector('#html_log_txt2img').innerText")
    # Ticking does not open the accordion.
    assert not page.run(f"document.querySelector('#{ACCORDION} .label-wrap').classList.contains('open')")


@pytest.mark.parametrize(("more", "expected"), [(", Probe amount: 0.75, Probe kind: b", True), ("", False)])
def test_pasting_ticks_and_unticks(page, stub, tmp_path, more, expected):
    # A fresh page: a browser does not tell of a file that replaces one of the same input.
    load(page, stub)
    if not expected:
        page.click(f"#{ACCORDION}-visible-checkbox")
        page.wait(f"document.querySelector('#{ACCORDION}-checkbox input').checked")
    tab(page, 3)
    page.give_file("#pnginfo_image input[type=file]", infotext_file(tmp_path, more))
    page.wait("document.querySelector('#pnginfo_html2_info').innerText.includes('pasted prompt')")
    # The button reads a hidden textbox that the same answer fills.
    load_wait(page)
    page.click("#tab_pnginfo #txt2img_tab")

    page.wait("document.querySelector('#txt2img_prompt textarea').value == 'pasted prompt'")
    page.wait(f"document.querySelector('#{ACCORDION}-visible-checkbox').checked == {json.dumps(expected)}")
    page.wait("document.querySelector('#txt2img_width input').value == '256'")
    assert is_checked(page, f"#{ACCORDION}-checkbox input") is expected
    amount = "#script_txt2img_probe_amount input[type=number]"
    assert value(page, amount) == ("0.75" if expected else "0.5")


def load_wait(page):
    page.run("new Promise(done => setTimeout(done, 300))")


def test_extras_give_rgba_and_save_extra_pictures(page, stub, tmp_path):
    path = tmp_path / "source.png"
    Image.new("RGB", (96, 64), "navy").save(path)
    tab(page, 2)
    page.give_file("#extras_image input[type=file]", path)
    page.wait("!!document.querySelector('#extras_image img')")
    page.click("#probe_extras-visible-checkbox")
    page.wait("document.querySelector('#probe_extras-checkbox input').checked")

    page.click("#extras_generate")
    page.wait("!!document.querySelector('#html_log_extras .performance')")

    assert said(stub, "process") == ["True", "tagged", "RGBA", "(96, 64)"]
    assert "Probe extras" in page.run("document.querySelector('#html_info_x_extras').innerText")
    names = [name for name in stub.files() if "tagged" in name]
    assert names == ["00000--tagged.png", "00001--tagged-grey.png"]


def test_an_exception_in_extras_is_told_in_the_panel(page):
    fill(page, "#probe_extras_tag textarea, #probe_extras_tag input", "raise")
    load_wait(page)

    page.click("#extras_generate")

    page.wait("document.querySelector('#html_log_extras').innerText.includes('RuntimeError: The probe was told')")


def test_apply_saves_settings(page, stub):
    tab(page, 4)
    page.click("#setting_probe_switch input")
    load_wait(page)

    page.click("#settings_submit")

    page.wait("document.querySelector('#settings_result').innerText.includes('probe_switch')")
    assert json.loads((stub.data / "config.json").read_text())["probe_switch"] is False


def test_reload_ui_loads_the_scripts_again(page, stub):
    page.click("#settings_restart_gradio")
    stub.wait_for_start(2)
    page.wait("window.probeLoaded == 1 && !!document.querySelector('#txt2img_generate')")

    tab(page, 0)
    generate(page)

    assert stub.call("/probe")["seen"].count("script executed") == 2


def test_no_script_of_the_page_failed(page):
    # Fonts come from the network, which tests do not have; Reload UI stops the server under the open page.
    expected = ("fonts.googleapis", "Failed to fetch", "Server stopped unexpectedly")
    assert [line for line in page.console if not any(words in line for words in expected)] == []


def test_files_of_extensions_are_served(stub):
    with urllib.request.urlopen(stub.address) as answer:
        text = answer.read().decode()

    assert "probe.js" in text
    assert text.index("script.js") < text.index("ui.js") < text.index("probe.js")
