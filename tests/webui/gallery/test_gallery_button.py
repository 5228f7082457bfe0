"""The buttons below the galleries that restore what is shown there, in a real browser."""

import shutil
import subprocess
import urllib.error
import urllib.request
from io import BytesIO

import pytest
from PIL import Image

from helpers.generations import RECORD, STATUS, differs, seed_in, text_of
from helpers.running_host import EXTENSIONS, MOSTLY_FORGE, ROOT, STUBS, start_stub
from stub_host import environments
from stub_host import page as pages

ENABLE = "script_txt2img_face_restore_enable"
ONE, ALL = "one", "all"
# A press at a scale of two has taken 66 s on two cores that others used as well.
PRESS_LIMIT_MS = 240_000
# Draws pages of a host that lack one of its parts each and, with all of them, the host's queue; says which of our
# buttons could be seen.
OTHER_HOST = """
import sys, types
import gradio as gr
from lib_facerestore.webui.gallery import gallery_buttons

for name in ("modules", "modules.shared"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["modules"].shared = sys.modules["modules.shared"]
parts = sys.argv[1:]
for missing in (*parts, "nothing"):
    with gr.Blocks():
        gallery_buttons.expect("txt2img", types.SimpleNamespace(fields={}))
        tab = gallery_buttons._tabs["txt2img"]
        for part in parts:
            if part != missing:
                gallery_buttons.after_component(gr.Textbox(elem_id=part), elem_id=part)
    print(missing, [button.visible for button in (tab.one_button, tab.all_button) if button is not None])
"""
PARTS = (
    "txt2img_gallery",
    "txt2img_send_to_extras",
    "html_info_txt2img",
    "html_log_txt2img",
    "generation_info_txt2img",
)


# What a press gives is decided behind the page; what the page does with it is looked at under both gradios.
says_the_same_of_both = pytest.mark.parametrize("host", MOSTLY_FORGE, indirect=True)


@pytest.fixture
def page(host):
    host.set_options(samples_save=True, samples_format="png")
    with pages.opened(host) as opened:
        yield opened
        assert [error for error in pages.errors_of(opened) if "facerestore" in error] == []


def generated(host, page, batch_size=1):
    """What a small generation wrote without any word of ours: grid, if there is one, and pictures."""
    pages.fill(page, "#txt2img_prompt", "a portrait")
    for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1, "batch_size": batch_size}.items():
        pages.fill(page, f"#txt2img_{name}", value)
    before = host.files()
    pages.generate(page, until="Time taken")
    files = sorted(host.files() - before, key=lambda path: ("grid" not in path.name, path.stem))
    assert not [path for path in files if "restored" in path.name]
    return files


def inpainted(page, picture, mask):
    """A small inpainting with an uploaded mask."""
    pages.open_tab(page, "img2img")
    page.locator("#mode_img2img button", has_text="Inpaint upload").first.click()
    for name, file in (("base", picture), ("mask", mask)):
        page.locator(f"#img_inpaint_{name} input[type=file]").set_input_files(file)
    pages.settle(page)
    for name, value in {"steps": 2, "width": 192, "height": 160, "cfg_scale": 1}.items():
        pages.fill(page, f"#img2img_{name}", value)
    pages.generate(page, "img2img", until="Time taken")


SAID = """log => [...document.querySelectorAll(`${log} :is(.comments, .error, .performance)`)]
    .map(found => found.textContent).join("\\n")"""


def press(page, which, tab="txt2img"):
    """Press one of the buttons and wait until something else stands below the gallery: status and time."""
    log = f"#html_log_{tab}"
    old = page.evaluate(SAID, log)
    page.locator(f"#{tab}_facerestore_{which}").click()
    page.wait_for_function(
        f"([log, old]) => {{ const said = ({SAID})(log); return said != old && said.includes('Time taken'); }}",
        arg=[log, old],
        timeout=PRESS_LIMIT_MS,
    )
    pages.settle(page)
    return page.evaluate(SAID, log)


def statuses(shown):
    return [line.removeprefix("Face restore: ") for line in shown.splitlines() if line.startswith("Face restore: ")]


def thumbnails(page, tab="txt2img"):
    return page.locator(f"#{tab}_gallery .thumbnails .thumbnail-item")


def select(page, number):
    """Click a thumbnail; the text that the host then shows."""
    thumbnails(page).nth(number).click()
    pages.settle(page)
    return pages.text(page, "#html_info_txt2img").strip()


def pictures(page, tab="txt2img"):
    """What the gallery shows, in full."""
    found = []
    for thumbnail in thumbnails(page, tab).all():
        address = thumbnail.locator("img").first.evaluate("image => image.src")
        with urllib.request.urlopen(address) as answer:
            found.append(Image.open(BytesIO(answer.read())).convert("RGB"))
    return found


def sent_otherwise(page, change):
    """From now on, change what a press sends. change: JavaScript that changes `values`, the button's inputs."""
    page.evaluate(
        f"""() => {{
            const submit = window.facerestoreSubmit;
            window.facerestoreSubmit = (...given) => {{ const values = submit(...given); {change}; return values; }};
        }}"""
    )


def test_selected_picture_is_restored_in_its_place_and_all_restores_the_others(host, page):
    grid, *bases = generated(host, page, batch_size=2)
    content = [path.read_bytes() for path in (grid, *bases)]
    before = host.files()
    base_text = select(page, 2)

    shown = press(page, ONE)

    assert [bool(STATUS.fullmatch(line)) for line in statuses(shown)] == [True]
    (written,) = host.files() - before
    assert written == bases[1].with_name(f"{bases[1].stem}-restored.png")
    assert text_of(written) == f"{text_of(bases[1])}, {RECORD}"
    assert select(page, 2) == f"{base_text}, {RECORD}"
    assert "Face restore" not in select(page, 1)
    of_grid, first, second = pictures(page)
    assert differs(of_grid, Image.open(grid)) == 0
    assert differs(first, Image.open(bases[0])) == 0
    assert differs(second, Image.open(written)) == 0
    assert differs(second, Image.open(bases[1])) > 0.02

    shown = press(page, ALL)

    assert [bool(STATUS.fullmatch(line)) for line in statuses(shown)] == [True]
    assert {path.stem for path in host.files() - before} == {f"{path.stem}-restored" for path in bases}
    assert len(pictures(page)) == 3
    assert seed_in(select(page, 1)) + 1 == seed_in(select(page, 2))
    assert select(page, 1).count("Face restore faces: 1/1") == select(page, 2).count("Face restore faces: 1/1") == 1
    assert [path.read_bytes() for path in (grid, *bases)] == content

    page.locator("#save_txt2img").click()
    page.wait_for_function("() => document.querySelector('#html_log_txt2img').innerText.includes('Saved:')")
    name = pages.text(page, "#html_log_txt2img").split("Saved:")[1].split()[0]
    saved = max(host.folder.rglob(name), key=lambda path: path.stat().st_mtime)
    assert text_of(saved) == text_of(written)
    assert differs(Image.open(saved), second) == 0


@says_the_same_of_both
def test_all_are_shown_beside_their_base_pictures_where_settings_ask_for_both(host, page):
    host.set_options(facerestore_result="show both")
    _, *bases = generated(host, page, batch_size=2)

    shown = press(page, ALL)

    assert [bool(STATUS.search(line)) for line in statuses(shown)] == [True, True]
    texts = [select(page, number) for number in range(5)]
    assert ["Face restore faces: 1/1" in text for text in texts] == [False, False, True, False, True]
    first = seed_in(text_of(bases[0]))
    assert [seed_in(text) for text in texts] == [first, first, first, first + 1, first + 1]
    _, first_base, first_restored, *_ = pictures(page)
    assert differs(first_base, Image.open(bases[0])) == 0
    assert differs(first_restored, first_base) > 0.02

    before = host.files()
    assert statuses(press(page, ALL)) == [
        "All pictures here were restored already. To restore one again, select it and press “Restore faces”."
    ]
    assert host.files() == before


@says_the_same_of_both
def test_overwriting_changes_the_file_and_what_is_shown(host, page):
    host.set_options(facerestore_result="overwrite the file")
    (base,) = generated(host, page)
    before, picture = host.files(), Image.open(base).convert("RGB")

    press(page, ONE)

    assert host.files() == before
    assert text_of(base).endswith(RECORD)
    (shown,) = pictures(page)
    assert differs(shown, Image.open(base)) == 0
    assert differs(shown, picture) > 0.02


@says_the_same_of_both
def test_picture_that_was_restored_is_restored_anew_from_its_base_file(host, page):
    (base,) = generated(host, page)
    press(page, ONE)
    restored = base.with_name(f"{base.stem}-restored.png")

    shown = press(page, ONE)

    assert f"The picture was restored before; it was restored anew from {base.name}." in statuses(shown)
    second = base.with_name(f"{base.stem}-restored-2.png")
    assert differs(Image.open(second), Image.open(restored)) == 0
    assert text_of(second) == text_of(restored)
    assert text_of(second).count("Face restore faces: 1/1") == 1


@says_the_same_of_both
def test_nothing_is_written_where_the_host_saves_nothing(host, page):
    host.set_options(samples_save=False, grid_save=False)
    try:
        assert generated(host, page) == []
        before = host.files()
        (base,) = pictures(page)

        press(page, ONE)
        again = press(page, ONE)
    finally:
        host.set_options(samples_save=True, grid_save=True)

    assert host.files() == before
    assert pages.text(page, "#html_info_txt2img").strip().endswith(RECORD)
    assert differs(pictures(page)[0], base) > 0.02
    assert "The picture was restored before and its base file is not there, so that this restoration came on top." in (
        statuses(again)
    )


@says_the_same_of_both
def test_picture_without_a_file_is_restored_in_the_gallery_only_and_that_is_said(host, page):
    host.set_options(samples_save=False)
    try:
        assert generated(host, page) == []
    finally:
        host.set_options(samples_save=True)
    before = host.files()
    (base,) = pictures(page)

    shown = press(page, ONE)

    assert host.files() == before
    assert differs(pictures(page)[0], base) > 0.02
    assert (
        "The picture's file is not known here, so that the restored one is in the gallery only and was not saved."
        in (statuses(shown))
    )


@says_the_same_of_both
def test_model_that_nobody_knows_is_replaced_and_said(host, page):
    generated(host, page)
    restorer = 4  # behind task, choice, gallery and its notes
    sent_otherwise(page, f"values[{restorer}] = 'NoSuchModel'")

    said = statuses(press(page, ONE))

    assert STATUS.fullmatch(said[0])
    assert said[1].startswith("Model cannot be 'NoSuchModel': it must be one of ")


def test_controls_of_the_accordion_count_though_its_box_is_off(host, page):
    (base,) = generated(host, page)
    assert not pages.is_ticked(page, ENABLE)
    page.locator(f"#{ENABLE} .label-wrap").first.click()
    pages.fill(page, "#script_txt2img_face_restore_visibility", 0.5)
    pages.choose(page, "#script_txt2img_face_restore_upscaler", "Lanczos")
    pages.fill(page, "#script_txt2img_face_restore_scale", 2)

    press(page, ONE)

    restored = base.with_name(f"{base.stem}-restored.png")
    assert "Face restore visibility: 0.5" in text_of(restored)
    assert "Face restore scale: 2" in text_of(restored)
    assert Image.open(restored).size == (384, 320)


@says_the_same_of_both
def test_grid_is_left_alone(host, page):
    generated(host, page, batch_size=2)
    before = host.files()
    select(page, 0)

    shown = press(page, ONE)

    assert statuses(shown) == [
        "A grid is selected, which stays as it is. Select a picture, or press “Restore faces in all”."
    ]
    assert host.files() == before


def test_empty_gallery_is_said(page):
    assert statuses(press(page, ALL)) == ["The gallery shows no generated picture to restore."]


@says_the_same_of_both
@pytest.mark.parametrize(
    "texts",
    [
        "texts.pop()",  # as hosts leave masks: behind their picture, without a text
        "texts[1] += ', Face restore: none'; texts[2] = texts[1].replace(', Face restore: none', '')",
    ],
)
def test_mask_is_left_alone(host, page, texts):
    generated(host, page, batch_size=2)
    before = host.files()
    sent_otherwise(
        page,
        f"const said = JSON.parse(values[3]), texts = said.infotexts; {texts}; values[3] = JSON.stringify(said)",
    )

    shown = press(page, ALL)

    written = host.files() - before
    assert [path.name for path in written if path.stem.endswith("-restored")] == [path.name for path in written]
    assert len(written) == (1 if "pop" in texts else 0), shown
    assert ("restored already" in shown) == ("pop" not in texts)


@says_the_same_of_both
def test_mask_of_an_inpainting_is_left_alone(host, page, portrait, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", Image.open(portrait).size, 255).save(mask)
    host.set_options(return_mask=True)
    try:
        inpainted(page, portrait, mask)
        *of_grid, base, mask_before = pictures(page, "img2img")  # real hosts count the mask and make a grid of both
        before = host.files()

        shown = press(page, ALL, "img2img")
        again = press(page, ALL, "img2img")
    finally:
        host.set_options(return_mask=False)

    assert [bool(STATUS.fullmatch(line)) for line in statuses(shown)] == [True]
    (written,) = host.files() - before
    *still_grid, restored, still_mask = pictures(page, "img2img")
    assert differs(restored, Image.open(written)) == 0
    assert differs(restored, base) > 0.02
    assert differs(still_mask, mask_before) == 0
    assert [differs(one, other) for one, other in zip(still_grid, of_grid)] == [0] * len(of_grid)
    assert "restored already" in again


@says_the_same_of_both
def test_model_that_is_missing_is_said_and_the_gallery_stays(host, page):
    generated(host, page)
    before, (base,) = host.files(), pictures(page)
    page.locator(f"#{ENABLE} .label-wrap").first.click()
    sent_otherwise(page, "values[values.indexOf('auto')] = 'RestoreFormer'")

    shown = press(page, ONE)

    assert "RestoreFormer" in shown
    assert host.files() == before
    assert differs(pictures(page)[0], base) == 0
    assert "Face restore" not in pages.text(page, "#html_info_txt2img")


def test_file_that_is_gone_is_said_and_the_others_are_restored(host, page):
    _, first, second = generated(host, page, batch_size=2)
    first.unlink()

    shown = press(page, ALL)

    assert first.with_name(f"{first.stem}-restored.png").exists() is False
    if host.name.endswith(("gradio3", "a1111")):
        assert f"The picture {first.name} cannot be read" in shown
        assert second.with_name(f"{second.stem}-restored.png").is_file()


def test_file_that_the_host_does_not_serve_is_not_read(host, page, portrait):
    generated(host, page)
    before, beside = host.files(), set(portrait.parent.iterdir())
    (base,) = pictures(page)
    sent_otherwise(
        page,
        f"""values[2] = structuredClone(values[2]);
        for (const entry of values[2]) {{
            if (entry.image) entry.image.path = {str(portrait)!r}; else (entry[0] || entry).name = {str(portrait)!r};
        }}""",
    )

    page.locator("#txt2img_facerestore_one").click()
    pages.settle(page)

    assert host.files() == before
    assert set(portrait.parent.iterdir()) == beside
    assert differs(pictures(page)[0], base) == 0


@pytest.fixture
def folder_of_others(tmp_path, portrait):
    """A folder that the host does not serve, with a picture and one that is named as if it were restored from it."""
    for name in ("secret.png", "secret-restored.png"):
        shutil.copyfile(portrait, tmp_path / name)
    return tmp_path


def with_foreign(entry, path, also=""):
    """JavaScript that puts a path in place of that of an entry. also: what else it does."""
    return f"""values[2] = structuredClone(values[2]);
        const entry = values[2][{entry}];
        if (entry.image) entry.image.path = {str(path)!r}; else (entry[0] || entry).name = {str(path)!r};
        {also}"""


def test_file_that_the_host_does_not_serve_is_not_served_after_it(host, page, folder_of_others):
    _, first, _ = generated(host, page, batch_size=2)
    secret = folder_of_others / "secret.png"
    select(page, 1)
    sent_otherwise(page, with_foreign(2, secret))

    page.locator("#txt2img_facerestore_one").click()
    pages.settle(page)

    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{host.address}/file={secret}")
    if host.name.endswith(("gradio3", "a1111")):  # gradio 4 refuses all that came with it
        assert first.with_name(f"{first.stem}-restored.png").is_file()
        assert len(pictures(page)) == 3


def test_base_file_that_the_host_does_not_serve_is_not_read(host, page, folder_of_others):
    generated(host, page)
    before, beside = host.files(), set(folder_of_others.iterdir())
    (base,) = pictures(page)
    texts = "const said = JSON.parse(values[3]); said.infotexts[0] += ', Face restore: none';"
    texts += "values[3] = JSON.stringify(said);"
    sent_otherwise(page, with_foreign(0, folder_of_others / "secret-restored.png", texts))

    page.locator("#txt2img_facerestore_one").click()
    pages.settle(page)

    assert host.files() == before
    assert set(folder_of_others.iterdir()) == beside
    assert "restored anew" not in page.evaluate(SAID, "#html_log_txt2img")
    assert differs(pictures(page)[0], base) == 0


@pytest.mark.parametrize("kind", STUBS)
def test_maps_behind_the_pictures_are_left_alone(kind, tmp_path, portrait):
    extra, environment = {"mapping_extension": EXTENSIONS / "mapping_extension"}, {"FACERESTORE_PHOTO": str(portrait)}
    with start_stub(kind, tmp_path, extra=extra, environment=environment) as host, pages.opened(host) as page:
        _, *bases = generated(host, page, batch_size=2)
        before = host.files()
        maps = pictures(page)[3:]

        shown = press(page, ALL)

        assert len(maps) == 2
        assert ["1 face: 1 restored" in line for line in statuses(shown)] == [True, True]
        assert {path.stem for path in host.files() - before} == {f"{path.stem}-restored" for path in bases}
        restored = [Image.open(path.with_name(f"{path.stem}-restored.png")) for path in bases]
        assert [differs(*pair) for pair in zip(pictures(page)[1:], [*restored, *maps])] == [0, 0, 0, 0]


def test_interrupt_keeps_the_others_as_they_were(host, page):
    _, *bases = generated(host, page, batch_size=3)
    before = host.files()
    page.locator("#txt2img_facerestore_all").click()
    page.wait_for_function(
        "() => document.querySelector('#txt2img_results').innerText.includes('Face restore: picture')"
    )
    assert page.locator("#txt2img_interrupt").is_visible()

    for _ in range(2):  # the first press may mean: after this picture
        host.call("/sdapi/v1/interrupt", {})
    page.wait_for_function("() => document.querySelector('#html_log_txt2img').innerText.includes('Stopped after')")

    page.wait_for_selector("#txt2img_interrupt", state="hidden")  # a host hides it when it polls the next time
    pages.settle(page)
    assert len(host.files() - before) < 3
    shown = pictures(page)
    assert len(shown) == 4
    changed = [differs(one, Image.open(path)) > 0.02 for one, path in zip(shown[1:], bases)]
    assert changed.count(True) == len(host.files() - before)


def test_restored_picture_goes_to_other_tabs_and_theirs_are_restored_too(host, page):
    (base,) = generated(host, page)
    press(page, ONE)
    restored = Image.open(base.with_name(f"{base.stem}-restored.png")).convert("RGB")

    page.locator("#txt2img_send_to_extras").click()
    pages.settle(page)
    with urllib.request.urlopen(page.locator("#extras_image img").first.evaluate("image => image.src")) as answer:
        assert differs(Image.open(BytesIO(answer.read())), restored) == 0

    pages.open_tab(page, "txt2img")
    page.locator("#txt2img_send_to_img2img").click()
    pages.settle(page)
    assert page.locator("#img2img_prompt textarea").first.input_value() == "a portrait"
    for name, value in {"steps": 2, "width": 192, "height": 160, "cfg_scale": 1}.items():
        pages.fill(page, f"#img2img_{name}", value)
    before = host.files()
    pages.generate(page, "img2img", until="Time taken")

    shown = press(page, ONE, "img2img")

    assert [bool(STATUS.fullmatch(line)) for line in statuses(shown)] == [True]
    first, second = sorted(host.files() - before, key=lambda path: len(path.name))
    assert second.stem == f"{first.stem}-restored"
    assert differs(pictures(page, "img2img")[0], Image.open(second)) == 0


def test_buttons_are_reached_and_named_for_everybody(page):
    for which, name in ((ONE, "Restore faces"), (ALL, "Restore faces in all")):
        button = page.locator(f"#txt2img_facerestore_{which}")
        assert page.get_by_role("button", name=name, exact=True).first.is_visible()
        button.focus()
        assert button.evaluate("button => document.activeElement === button")


@pytest.mark.parametrize("kind", STUBS)
def test_buttons_are_not_shown_on_a_host_that_lacks_a_part(kind):
    environments.build(kind)

    made = subprocess.run(
        [environments.python(kind), "-c", OTHER_HOST, *PARTS], cwd=ROOT, capture_output=True, text=True
    )

    assert made.returncode == 0, made.stderr
    hidden = {missing: "[]" if "send_to" in missing else "[False, False]" for missing in (*PARTS, "nothing")}
    assert made.stdout.splitlines() == [f"{missing} {seen}" for missing, seen in hidden.items()]
