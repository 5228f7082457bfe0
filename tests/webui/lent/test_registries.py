"""The host's own lists: our restorers behind its "Restore faces", our upscalers in its lists, its upscalers in ours."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from helpers.generations import RECORD, STATUS, array, differs
from helpers.host_lists import LENT, OF_MODEL, OFFERED, OURS, SMALL, names
from stub_host import page as pages
from stub_host.process import encoded, encoded_file

HIRES = {
    "enable_hr": True, "hr_scale": 2, "hr_upscaler": OFFERED, "hr_second_pass_steps": 1,
    "denoising_strength": 0.5, "width": 96, "height": 80, "hr_additional_modules": ["Use same choices"],
}  # fmt: skip


@pytest.fixture
def restores(host):
    """Choose a restorer for the host's own "Restore faces"; put back afterwards."""
    before = host.call("/sdapi/v1/options").get("face_restoration_model", "CodeFormer")
    yield lambda name: host.set_options(face_restoration_model=name)
    host.set_options(face_restoration_model=before, facerestore_default_restorer="auto")


def warm(host):
    return [(one["role"], one["name"]) for one in host.call("/facerestore/status")["warm"]]


def choices(host, element):
    """What a list on the page offers."""
    parts = [part["props"] for part in host.call("/config")["components"]]
    (found,) = [part["choices"] for part in parts if part.get("elem_id") == element]
    return [one if isinstance(one, str) else one[1] for one in found]


def extras(host, portrait, **fields):
    answer = host.call("/sdapi/v1/extra-single-image", {"image": encoded(Image.open(portrait)), **fields})
    assert answer.status == 200, answer
    return answer


def upscaling(name, **more):
    return [True, {"restorer": "none", "upscaler": name, "scale": 2, "upscale_strength": 1, **more}]


def test_each_of_ours_is_in_the_hosts_lists_once(host):
    restorers, upscalers = names(host, "face-restorers"), names(host, "upscalers")

    assert [restorers.count(name) for name in (OURS, OF_MODEL)] == [1, 1]
    assert [upscalers.count(name) for name in (OF_MODEL, OFFERED)] == [1, 1]
    assert not [name for name in restorers + upscalers if "CodeFormer" in name and name.startswith(OURS)]


def test_lists_on_the_page_offer_ours_and_ours_offer_the_hosts(host):
    for element in ("txt2img_hr_upscaler", "extras_upscaler_1", "setting_face_restoration_model"):
        assert (OURS if "restoration" in element else OFFERED) in choices(host, element)
    for element in ("script_txt2img_face_restore_upscaler", "extras_facerestore_second_upscaler"):
        offered = choices(host, element)
        assert offered.count(LENT) == 1
        assert not [name for name in offered if name.startswith(OURS)]
        assert not {"None", "Nearest"} & set(offered)
        assert offered.index(SMALL) < offered.index(LENT) < offered.index("Real-ESRGAN x2plus")


def test_an_override_of_the_hosts_face_model_keeps_every_network_warm(host, portrait):
    host.generate(face=upscaling(SMALL), photo=portrait)
    before = warm(host)

    made = host.generate(
        face=[True, {"upscaler": "none"}], photo=portrait, override_settings={"face_restoration_model": "GFPGAN"}
    )

    assert STATUS.fullmatch(made.statuses[0])
    assert ("upscaler", SMALL) in before
    assert ("upscaler", SMALL) in warm(host)


@pytest.mark.parametrize("name", [OURS, OF_MODEL])
def test_restore_faces_of_the_host_is_ours(host, portrait, restores, name):
    alone = host.generate(face=[True, {"when": "each picture before it is saved"}], photo=portrait)
    restores(name)

    made = host.generate(photo=portrait, restore_faces=True, save_images=True)

    assert differs(made.images[0], alone.images[0]) == 0
    assert RECORD in made.infotexts[0]
    assert [STATUS.fullmatch(line) is not None for line in made.statuses] == [True]
    (path,) = made.files
    assert Image.open(path).info["parameters"] == made.infotexts[0]


def test_each_picture_of_a_batch_has_its_own_record(host, portrait, restores):
    restores(OURS)

    made = host.generate(photo=portrait, restore_faces=True, batch_size=2, n_iter=2, save_images=True)

    assert [RECORD in text for text in made.infotexts] == [False, True, True, True, True]
    assert len(made.statuses) == 4


def test_cells_of_a_plot_say_only_what_was_done_to_them(host, portrait, restores):
    restores(OURS)
    plots = [one for one in host.call("/sdapi/v1/script-info")["list"] if one["name"] == "x/y/z plot"]
    (labels,) = [one["args"][0]["choices"] for one in plots if not one["is_img2img"]]
    # Real hosts have a third axis and more switches.
    rest = [False] if host.name.startswith("stub") else [0, "", [], *[False] * 7, 0, False]

    made = host.generate(
        photo=portrait, script_name="x/y/z plot", save_images=True,
        script_args=[[str(label) for label in labels].index("Face restore"), "true, false", [], 0, "", [], *rest],
    )  # fmt: skip

    texts = [Image.open(path).info.get("parameters", "") for path in made.files if "grid" not in path.name]
    assert sorted(RECORD in text for text in texts) == [False, True]
    assert sorted("Face restore faces" in text for text in texts) == [False, True]
    assert len(made.statuses) == 1


def test_restored_by_the_setting_and_after_hires_fix(host, portrait, restores):
    restores(OURS)
    host.set_options(face_restoration=True)
    made = host.generate(photo=portrait, **HIRES)

    assert made.images[0].size == (192, 160)
    assert RECORD in made.infotexts[0]
    assert made.statuses[0].startswith(f"{SMALL} ×2, 1 tile · ")
    assert STATUS.fullmatch(made.statuses[1])


def test_bar_says_nothing_of_ours_in_the_second_pass_of_hires_fix(host, portrait):
    made = host.generate(photo=portrait, failing="bar", **HIRES)

    said = [line for line in made.log.splitlines() if "The bar says" in line]
    assert len(said) >= 2  # both passes; Forge says it once more
    assert not [line for line in said if "Face restore" in line]


def test_picture_without_a_face_stays_without_a_record(host, faceless, restores):
    restores(OURS)

    made = host.generate(photo=faceless, restore_faces=True)

    assert differs(made.images[0], Image.open(faceless)) == 0
    assert "Face restore faces" not in made.infotexts[0]
    assert made.statuses[0].startswith("no face found")


def test_another_restorer_leaves_no_word_of_ours(host, portrait):
    made = host.generate(photo=portrait, restore_faces=True)

    assert "Face restore" not in made.infotexts[0]
    assert made.statuses == []


@pytest.mark.parametrize(
    "stage",
    [
        "lib_facerestore.webui.options.defaults",
        "lib_facerestore.webui.warm_session.session",
        "lib_facerestore.engine.pipeline.run_to",
        "lib_facerestore.webui.infotext.record",
        "lib_facerestore.webui.lent.pending_messages.say",
        "lib_facerestore.webui.lent.pending_messages.take_record",
        "lib_facerestore.webui.warm_session.after_job",
    ],
)
def test_no_failure_of_ours_ends_the_hosts_job(host, portrait, restores, stage):
    restores(OURS)

    made = host.generate(photo=portrait, restore_faces=True, failing=stage, batch_size=2)

    assert len(made.images) == 2
    assert "broken on purpose" in made.log
    if "after_job" not in stage and "take_record" not in stage:
        assert [differs(image, Image.open(portrait)) for image in made.images] == [0, 0]
        assert "Face restore faces" not in made.infotexts[0]


def test_hooks_called_in_the_middle_of_a_job_keep_its_records(host, portrait, restores):
    restores(OURS)

    made = host.generate(photo=portrait, restore_faces=True, failing="detailer", batch_size=2)

    assert [RECORD in text for text in made.infotexts] == [True, True]
    assert len(made.statuses) == 2


def test_hires_fix_lives_where_our_upscaler_fails(host, portrait):
    made = host.generate(photo=portrait, failing="lib_facerestore.engine.pipeline.run_to", **HIRES)

    assert made.images[0].size == (192, 160)
    assert "broken on purpose" in made.log
    assert "The WebUI got a plain Lanczos resize instead." in made.log


def test_missing_model_leaves_the_picture_and_is_said(host, portrait, restores):
    restores(OURS)
    host.set_options(facerestore_default_restorer="CodeFormer")

    made = host.generate(photo=portrait, restore_faces=True)

    assert differs(made.images[0], Image.open(portrait)) == 0
    assert any("codeformer.pth" in line for line in made.statuses)


def test_extras_upscales_with_ours_as_our_own_panel_does(host, portrait):
    # The accordion's denoise strength does not matter: the embedded networks have no DNI partner.
    alone = host.generate(face=upscaling(SMALL), photo=portrait)

    answer = extras(host, portrait, upscaler_1=OFFERED, upscaling_resize=2)

    (image,) = answer.pictures()
    assert image.size == (384, 320)
    assert differs(image, alone.images[0]) == 0


@pytest.mark.parametrize(("scale", "size"), [(1, (192, 160)), (1.37, (263, 219)), (2.05, (394, 328))])
def test_ours_gives_the_size_that_was_asked_for(host, portrait, scale, size):
    (image,) = extras(host, portrait, upscaler_1=OFFERED, upscaling_resize=scale).pictures()

    assert image.size == size
    assert differs(image, Image.open(portrait).resize(size, Image.Resampling.LANCZOS)) > 0.02


def test_failure_of_ours_in_extras_gives_a_plain_resize_and_says_so(host, portrait):
    host.generate(photo=portrait, failing="lib_facerestore.engine.pipeline.run_to")  # broken until the next generation

    answer = extras(host, portrait, upscaler_1=OFFERED, upscaling_resize=2.5)  # a host caches what it had once
    host.generate(photo=portrait)

    (image,) = answer.pictures()
    assert differs(image, Image.open(portrait).convert("RGB").resize((480, 400), Image.Resampling.LANCZOS)) == 0
    assert "broken on purpose" in answer["html_info"]
    assert "The WebUI got a plain Lanczos resize instead." in answer["html_info"]


def test_hosts_upscaler_gives_the_pixels_that_the_host_gets_from_it(host, portrait):
    (direct,) = extras(host, portrait, upscaler_1=LENT, upscaling_resize=2).pictures()

    made = host.generate(face=upscaling(LENT), photo=portrait)

    assert made.images[0].size == (384, 320)
    assert np.array_equal(array(made.images[0]), array(direct))
    assert f"Face restore upscaler: {LENT}" in made.infotexts[0]
    assert made.statuses[0].startswith(f"{LENT} ×2, 1 tile · ")


def test_hosts_upscaler_gives_the_exact_size(host, portrait):
    made = host.generate(face=upscaling(LENT, scale=1.37), photo=portrait)

    assert made.images[0].size == (263, 219)
    inverted = 255 - array(Image.open(portrait).resize((263, 219), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(array(made.images[0]).astype(int) - inverted).mean() < 4


def test_hosts_upscaler_can_be_the_second_one(host, portrait):
    one, two = (host.generate(face=upscaling(name), photo=portrait).images[0] for name in ("Lanczos", LENT))

    made = host.generate(
        face=upscaling("Lanczos", second_upscaler=LENT, second_upscaler_visibility=0.5), photo=portrait
    )

    mean = (array(one).astype(float) + array(two)) / 2
    assert np.abs(array(made.images[0]) - mean).max() <= 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Neighbour broken", "RuntimeError: broken on purpose"),
        ("Neighbour idle", "Neighbour idle failed: the WebUI only resized the picture; its log may say why."),
        ("Neighbour stopped", "Stopped"),
    ],
)
def test_hosts_upscaler_that_fails_leaves_the_picture_and_is_said(host, portrait, name, sentence):
    made = host.generate(face=upscaling(name), photo=portrait, save_images=True)

    assert differs(made.images[0], Image.open(portrait)) == 0
    assert len(made.files) == 1
    assert "Face restore" not in made.infotexts[0]
    assert any(sentence in line for line in made.statuses), made.statuses


@pytest.mark.parametrize("name", ["Neighbour restoring", "Neighbour waiting"])
def test_hosts_upscaler_that_calls_a_restorer_of_ours_gets_it(host, portrait, name):
    (alone,) = host.generate(face=[True, {}], photo=portrait).images

    made = host.generate(face=upscaling(name), photo=portrait)

    inverted = ImageOps.invert(alone.convert("RGB"))
    assert differs(made.images[0], inverted.resize((384, 320), Image.Resampling.BICUBIC)) == 0
    assert made.statuses[-1].startswith(f"{name} ×2, 1 tile · ")
    assert [STATUS.fullmatch(line) is not None for line in made.statuses[:-1]] == [True]


def test_hosts_upscaler_that_is_gone_is_replaced_and_said(host, portrait):
    face = [True, {"upscaler": "Neighbour x9", "scale": 2, "upscale_strength": 0}]

    made = host.generate(face=face, photo=portrait)

    assert made.images[0].size == (384, 320)
    assert made.infotexts[0].endswith("Face restore faces: 1/1")
    assert any(line.startswith("Upscaler cannot be 'Neighbour x9': it must be one of ") for line in made.statuses)


def test_default_model_that_nobody_knows_costs_the_host_no_restoration(host, portrait, restores):
    restores(OURS)
    host.set_options(facerestore_default_restorer="GFPGAN 9")

    made = host.generate(photo=portrait, restore_faces=True)

    assert RECORD in made.infotexts[0]
    assert any(line.startswith("Model cannot be 'GFPGAN 9'") for line in made.statuses)


def test_host_tells_the_page_what_ours_did(host, restores):
    restores(OURS)
    host.set_options(face_restoration=True)
    with pages.opened(host) as page:
        for field, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
            pages.fill(page, f"#txt2img_{field}", value)
        done = pages.generate(page)
        host.set_options(facerestore_default_restorer="CodeFormer")
        failed = pages.generate(page, until="codeformer.pth")

    assert STATUS.search(done)
    assert done.count("Face restore: 1 face") == 1
    assert "Settings, Face restore" in failed


def test_text_of_a_picture_restored_for_the_host_is_read_back(host, portrait, restores):
    restores(OF_MODEL)

    (path,) = host.generate(photo=portrait, restore_faces=True, save_images=True).files
    read = host.call("/sdapi/v1/png-info", {"image": f"data:image/png;base64,{encoded_file(path)}"})["parameters"]

    assert read["Face restore"] == "Real-ESRGAN x4plus (embedded)"
    assert read["Face restore faces"] == "1/1"
    assert read["Face restoration"] == OF_MODEL  # the host's own word
