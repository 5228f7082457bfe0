"""txt2img and img2img by API on a running host: pictures, files, texts and status of every kind of job."""

import json

import pytest
from PIL import Image

from helpers.generations import EACH, RECORD, STATUS, differs, face_mask, img2img, names, seed_in, text_of


def test_batch_of_two_by_two_is_restored_beside_its_files(host, portrait):
    made = host.generate(face=[True, {}], photo=portrait, batch_size=2, n_iter=2, save_images=True)

    assert len(made.images) == len(made.infotexts) == 5
    grid, *pictures = made.images
    assert [image.size for image in pictures] == [(192, 160)] * 4
    assert all(differs(image, Image.open(portrait)) > 0.02 for image in pictures)
    assert [seed_in(text) for text in made.infotexts[1:]] == [7, 8, 9, 10]
    assert all(text.endswith(RECORD) for text in made.infotexts[1:])
    assert all(image.info["parameters"] == text for image, text in zip(pictures, made.infotexts[1:]))
    assert "Face restore" not in made.infotexts[0]
    assert differs(grid.crop((0, 0, 192, 160)), pictures[0]) == 0
    restored = [path for path in made.files if path.stem.endswith("-restored") and "grid" not in path.name]
    bases = [path for path in made.files if "-restored" not in path.name and "grid" not in path.name]
    assert [path.stem for path in restored] == [f"{path.stem}-restored" for path in bases]
    assert len(bases) == 4
    for base, after, shown in zip(bases, restored, pictures):
        assert "Face restore" not in text_of(base)
        assert text_of(after).startswith(text_of(base))
        assert text_of(after).endswith(RECORD)
        assert differs(Image.open(after), shown) == 0
        assert differs(Image.open(base), Image.open(portrait)) == 0
    assert len([name for name in names(made) if "grid" in name]) == 2
    assert [bool(STATUS.fullmatch(line)) for line in made.statuses] == [True] * 4


def test_upscaled_picture_is_larger_and_says_so(host, portrait):
    made = host.generate(face=[True, {"upscaler": "Lanczos", "scale": 2}], photo=portrait, save_images=True)

    (image,), (text,) = made.images, made.infotexts
    assert image.size == (384, 320)
    assert "Size: 192x160" in text
    assert "Face restore upscaler: Lanczos, Face restore scale: 2" in text
    assert "strength" not in text
    assert len(made.files) == 2
    assert [Image.open(path).size for path in made.files] == [(192, 160), (384, 320)]


def test_upscaled_picture_whose_face_was_skipped_keeps_the_choice_of_faces(host, portrait):
    face = [True, {"upscaler": "Lanczos", "scale": 2, "min_face_px": 100}]

    made = host.generate(face=face, photo=portrait)

    assert made.images[0].size == (384, 320)
    assert made.infotexts[0].endswith(
        "Face restore: auto, Face restore smallest: 100, Face restore upscaler: Lanczos, Face restore scale: 2, "
        "Face restore faces: 0/1"
    )
    assert "1 face: 1 skipped (46 px, minimum 100) · Lanczos ×2" in made.statuses[0]


def test_nothing_is_saved_where_the_caller_did_not_ask(host, portrait):
    made = host.generate(face=[True, {}], photo=portrait)

    assert made.files == []
    assert made.infotexts[0].endswith(RECORD)


def test_dict_alone_is_a_request(host, portrait):
    made = host.generate(face=[{"enabled": True, "visibility": 0.5}], photo=portrait)

    assert "Face restore visibility: 0.5" in made.infotexts[0]


def test_off_by_default_and_by_request(host, portrait):
    for face in (None, [False], [{"enabled": False}]):
        made = host.generate(face=face, photo=portrait)
        assert "Face restore" not in made.infotexts[0]
        assert made.statuses == []


def test_master_switch_governs_callers_that_send_nothing(host, portrait):
    host.set_options(facerestore_txt2img=True)

    asked = host.generate(photo=portrait)
    refused = host.generate(face=[False], photo=portrait)

    assert asked.infotexts[0].endswith(RECORD)
    assert "Face restore" not in refused.infotexts[0]


@pytest.mark.parametrize("face", [None, [True], [True, {}], [{}]])
def test_callers_get_the_settings_of_the_moment_not_those_of_the_start(host, portrait, face):
    host.set_options(facerestore_txt2img=True, facerestore_when=EACH, facerestore_default_visibility=0.5)
    try:
        made = host.generate(face=face, photo=portrait, save_images=True)
    finally:
        host.set_options(facerestore_when="after the whole job", facerestore_default_visibility=1.0)

    assert "Face restore visibility: 0.5" in made.infotexts[0]
    assert len(made.files) == 1


def test_picture_without_a_face_stays_and_is_said(host, faceless):
    made = host.generate(face=[True, {}], photo=faceless, save_images=True)

    assert differs(made.images[0], Image.open(faceless)) == 0
    assert len(made.files) == 1
    assert "Face restore" not in made.infotexts[0]
    assert made.statuses[0].startswith("no face found")


def test_both_are_shown_in_pairs(host, portrait):
    host.set_options(facerestore_result="show both")

    made = host.generate(face=[True, {}], photo=portrait, batch_size=2)

    assert len(made.images) == len(made.infotexts) == 4
    assert ["Face restore" in text for text in made.infotexts] == [False, True, False, True]
    assert [seed_in(text) for text in made.infotexts] == [7, 7, 8, 8]
    assert [image.info["parameters"] for image in made.images] == made.infotexts


def test_overwriting_leaves_one_file(host, portrait):
    host.set_options(facerestore_result="overwrite the file")

    made = host.generate(face=[True, {}], photo=portrait, save_images=True)

    (path,) = made.files
    assert text_of(path).endswith(RECORD)
    assert differs(Image.open(path), made.images[0]) == 0


def test_each_picture_before_it_is_saved(host, portrait):
    face = [True, {"when": "each picture before it is saved", "scale": 2}]

    made = host.generate(face=face, photo=portrait, batch_size=2, n_iter=2, save_images=True)

    assert len(made.files) == 5
    assert not [name for name in names(made) if "restored" in name]
    assert [image.size for image in made.images[1:]] == [(192, 160)] * 4
    assert all("Face restore faces: 1/1" in text for text in made.infotexts[1:])
    assert "Face restore" not in made.infotexts[0]
    for path, image in zip([path for path in made.files if "grid" not in path.name], made.images[1:]):
        assert "Face restore faces: 1/1" in text_of(path)
        assert differs(Image.open(path), image) == 0


def test_skip_leaves_one_of_the_pictures_that_are_restored_before_they_are_saved(host, portrait):
    made = host.generate(face=[True, {"when": EACH}], photo=portrait, batch_size=3, save_images=True, failing="skip")

    assert ["Face restore faces: 1/1" in text for text in made.infotexts[1:]] == [False, True, True]
    assert len([path for path in made.files if "grid" not in path.name]) == 3
    assert "Picture 1 was skipped and is as generated." in made.statuses


def test_skip_during_generation_is_left_to_the_host(host, portrait):
    job = {"batch_size": 2, "n_iter": 2, "failing": "skip sampling"}

    made = host.generate(face=[True, {"when": EACH}], photo=portrait, **job)

    assert ["Face restore faces: 1/1" in text for text in made.infotexts] == [False, False, True, True]


def test_bar_says_nothing_of_ours_while_the_next_batch_is_sampled(host, portrait):
    face = [True, {"when": EACH}]

    made = host.generate(face=face, photo=portrait, n_iter=2, failing="bar")

    said = [line for line in made.log.splitlines() if "The bar says" in line]
    assert len(said) == 2
    assert not [line for line in said if "Face restore" in line]


def test_img2img(host, portrait):
    made = host.generate("img2img", face=[True, {}], photo=portrait, save_images=True, **img2img(portrait))

    assert made.infotexts[0].endswith(RECORD)
    assert len(made.files) == 2


@pytest.mark.parametrize("only_masked", [False, True])
@pytest.mark.parametrize("when", ["after the whole job", "each picture before it is saved"])
def test_inpainting(host, portrait, only_masked, when):
    fields = {"mask": face_mask(portrait), "inpaint_full_res": only_masked, "inpaint_full_res_padding": 16}

    made = host.generate(
        "img2img", face=[True, {"when": when}], photo=portrait, save_images=True, **img2img(portrait, **fields)
    )

    assert made.images[0].size == (192, 160)
    assert "Face restore" in made.infotexts[0]


@pytest.mark.parametrize("result", ["replace in the gallery", "show both"])
def test_masks_keep_their_places(host, portrait, result):
    host.set_options(facerestore_result=result, return_mask=True, return_mask_composite=True)
    fields = {"mask": face_mask(portrait), "batch_size": 2}

    try:
        made = host.generate("img2img", face=[True, {}], photo=portrait, **img2img(portrait, **fields))
    finally:
        host.set_options(return_mask=False, return_mask_composite=False)

    each = ["restored", "mask", "composite"] if result == "replace in the gallery" else ["base", "restored", "m", "c"]
    assert len(made.images) == len(made.infotexts) == 2 * len(each)
    has_record = [image.info.get("parameters", "").endswith(RECORD) for image in made.images]
    assert has_record == [kind == "restored" for kind in each] * 2
    assert [seed_in(text) for text in made.infotexts] == [7] * len(each) + [8] * len(each)


def test_hires_fix(host, portrait):
    fields = {
        "enable_hr": True, "hr_scale": 2, "hr_upscaler": "Lanczos", "hr_second_pass_steps": 1,
        "denoising_strength": 0.5, "width": 96, "height": 80, "hr_additional_modules": ["Use same choices"],
    }  # fmt: skip

    made = host.generate(face=[True, {}], photo=portrait, save_images=True, **fields)

    assert made.images[0].size == (192, 160)
    assert made.infotexts[0].endswith(RECORD)


def test_script_with_inner_jobs_gets_its_pictures_back_in_their_size(host, portrait):
    titles = host.call("/sdapi/v1/scripts")["img2img"]
    assert "sd upscale" in titles

    made = host.generate(
        "img2img", face=[True, {"scale": 2}], photo=portrait, script_name="sd upscale",
        script_args=["", 16, "Lanczos", 2], save_images=True, **img2img(portrait),
    )  # fmt: skip

    assert made.images[0].size == (384, 320)
    assert not [name for name in names(made) if "restored" in name]
    assert "Upscaling was left out: pictures keep their size inside this script." in made.statuses
    assert any("faces: " in line or "face: " in line for line in made.statuses)


def test_prompts_from_file_are_jobs_like_any_other(host, portrait):
    made = host.generate(
        face=[True, {"scale": 2, "upscaler": "Lanczos"}], photo=portrait, script_name="prompts from file or textbox",
        script_args=[False, False, "start", "a portrait\nan astronaut"], save_images=True,
    )  # fmt: skip

    pictures = [image for image in made.images if image.size == (384, 320)]
    assert len(pictures) == 2
    assert all("Face restore scale: 2" in image.info["parameters"] for image in pictures)
    assert len([name for name in names(made) if name.endswith("-restored.png") and "grid" not in name]) == 2


def test_plot_is_made_of_restored_pictures(host, portrait):
    # Type, values, choices of each axis and the legend; real hosts have a third axis and more switches.
    axes = [1, "7, 8", [], 0, "", []]
    rest = [False] if host.name.startswith("stub") else [0, "", [], *[False] * 7, 0, False]

    made = host.generate(
        face=[True, {}], photo=portrait, script_name="x/y/z plot", script_args=[*axes, *rest], save_images=True
    )

    assert [bool(STATUS.fullmatch(line)) for line in made.statuses] == [True, True]
    assert len([name for name in names(made) if name.endswith("-restored.png")]) == 2
    plot = made.images[0]
    first_cell = plot.crop((0, plot.height - 160, 192, plot.height))
    assert plot.width >= 2 * 192
    assert differs(first_cell, Image.open(portrait)) > 0.02


def test_hosts_own_restoration_is_not_run_too(host, portrait):
    alone = host.generate(face=[True, {}], photo=portrait)

    both = host.generate(face=[True, {}], photo=portrait, restore_faces=True)

    assert differs(alone.images[0], both.images[0]) == 0


def test_jpeg_carries_the_record(host, portrait):
    host.set_options(samples_format="jpg")
    try:
        made = host.generate(face=[True, {}], photo=portrait, save_images=True)
    finally:
        host.set_options(samples_format="png")

    base, restored = made.files
    assert (base.suffix, restored.name) == (".jpg", f"{base.stem}-restored.jpg")
    exif = Image.open(restored).getexif().get_ifd(0x8769)[0x9286]
    assert RECORD in exif.decode("utf-16-be", "ignore") or RECORD.encode() in exif


def test_same_request_gives_the_same_bytes(host, portrait):
    first = host.generate(face=[True, {}], photo=portrait)
    second = host.generate(face=[True, {}], photo=portrait)

    assert differs(first.images[0], second.images[0]) == 0
    assert json.dumps(first.infotexts) == json.dumps(second.infotexts)
