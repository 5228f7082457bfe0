"""ADetailer's and ReActor's calls in one job with us: each picture is restored once, last, and nothing is lost."""

import os

import pytest
from PIL import Image, ImageEnhance, ImageOps

from helpers.generations import RECORD, STATUS, differs, face_mask, img2img, seed_in, text_of
from helpers.running_host import EXTENSIONS, MOSTLY_FORGE, REAL_FOLDER, ROOT, start_real, start_stub

# By the folders' names that metadata.ini knows.
NEIGHBOURS = {"adetailer": EXTENSIONS / "detailing_extension", "sd-webui-reactor": EXTENSIONS / "swapping_extension"}
# Ours stands once before and once behind them in the alphabet, which is the order where nothing else is said. Before
# them is where metadata.ini has to help; `make test` runs that.
OURS = {"gradio4": "a-facerestore", "gradio3": "zz-facerestore"}
TWO = {"batch_size": 2, "save_images": True}
FOUR = {"batch_size": 2, "n_iter": 2, "save_images": True}
EACH = [True, {"when": "each picture before it is saved"}]
CORNER = (0, 0, 40, 40)


@pytest.fixture(scope="module", params=MOSTLY_FORGE)
def host(request, tmp_path_factory):
    """A host with both neighbours and us."""
    with neighboured(request.param, tmp_path_factory) as running:
        yield running


def neighboured(kind, tmp_path_factory):
    if kind == "real":
        return start_real(os.environ[REAL_FOLDER], extra=NEIGHBOURS)
    extra = {OURS[kind]: ROOT, **NEIGHBOURS}
    return start_stub(kind, tmp_path_factory.mktemp("neighbours"), with_us=False, extra=extra)


@pytest.fixture(scope="module")
def four(portrait, tmp_path_factory):
    """Four portraits that differ in brightness, so that a mistaken one is seen."""
    folder = tmp_path_factory.mktemp("four")
    paths = [folder / f"{number}.png" for number in range(4)]
    for path, factor in zip(paths, (0.8, 0.9, 1, 1.1)):
        ImageEnhance.Brightness(Image.open(portrait)).enhance(factor).save(path)
    return paths


def several(paths):
    return os.pathsep.join(str(path) for path in paths)


def both(swapping, detailing="selected"):
    return {"Detailing": [detailing], "Swapping": [swapping]}


def files_of(made, suffix):
    """The files of pictures with a suffix; of those without any for ""."""
    marks = ("-ad-before", "-swapped", "-restored", "-mask")
    pictures = [path for path in made.files if not path.name.startswith("grid")]
    if suffix:
        return [path for path in pictures if path.stem.endswith(suffix)]
    return [path for path in pictures if not any(mark in path.stem for mark in marks)]


def restored_alone(host, picture):
    """What we make of a picture where no neighbour has a part in it. picture: a path."""
    width, height = Image.open(picture).size
    return host.generate(face=[True, {}], photo=picture, width=width, height=height).images[0]


def is_restored_once(host, picture, base):
    return differs(picture, Image.open(base)) > 0.01 and differs(picture, restored_alone(host, base)) == 0


def has_passed_both(base, photo):
    """The corner was painted anew, then the whole was mirrored."""
    back, before = ImageOps.mirror(Image.open(base).convert("RGB")), Image.open(photo)
    return differs(back.crop(CORNER), before.crop(CORNER)) > 0.3 and differs(back, before) < 0.2


def restored_faces(made):
    return [bool(STATUS.fullmatch(line)) for line in made.statuses]


def records(made):
    return [text.count("Face restore faces: 1/1") for text in made.infotexts]


def test_metadata_puts_us_behind_both_whatever_the_folders_are_called(host):
    for tab in ("txt2img", "img2img"):
        order = host.call("/sdapi/v1/scripts")[tab]
        assert order.index("face restore") > max(order.index("detailing"), order.index("swapping"))
    assert "Callback order section" not in host.said()


def test_whole_job_restores_what_both_have_made(host, four):
    made = host.generate(face=[True, {}], photo=several(four), neighbours=both(["before saving"]), **FOUR)

    bases, before, after = (files_of(made, suffix) for suffix in ("", "-ad-before", "-restored"))
    assert restored_faces(made) == [True] * 4
    assert len(made.images) == len(made.infotexts) == 5
    assert len(made.files) == 4 + 4 + 4 + 2
    assert [seed_in(text) for text in made.infotexts[1:]] == [7, 8, 9, 10]
    assert all(text.endswith(RECORD) for text in made.infotexts[1:])
    assert records(made) == [0, 1, 1, 1, 1]
    assert [path.stem for path in after] == [f"{path.stem}-restored" for path in bases]
    for picture, text, base, file, original, photo in zip(
        made.images[1:], made.infotexts[1:], bases, after, before, four, strict=True
    ):
        assert has_passed_both(base, photo)
        assert is_restored_once(host, picture, base)
        assert differs(Image.open(file), picture) == 0
        assert differs(Image.open(original), Image.open(photo)) == 0
        assert "Face restore" not in text_of(base) + text_of(original)
        assert text_of(file) == text
        assert seed_in(text_of(base)) == seed_in(text)
    assert differs(made.images[0].crop((0, 0, 192, 160)), made.images[1]) == 0


def test_each_picture_is_restored_after_both_and_before_it_is_saved(host, four):
    without = host.generate(photo=several(four), neighbours=both(["before saving"]), **FOUR)
    made = host.generate(face=EACH, photo=several(four), neighbours=both(["before saving"]), **FOUR)

    files, before = files_of(made, ""), files_of(made, "-ad-before")
    assert restored_faces(made) == [True] * 4
    assert len(made.files) == len(without.files) == 4 + 4 + 1
    assert [seed_in(text) for text in made.infotexts[1:]] == [7, 8, 9, 10]
    assert records(made) == [0, 1, 1, 1, 1]
    for picture, text, file, base in zip(
        made.images[1:], made.infotexts[1:], files, files_of(without, ""), strict=True
    ):
        assert is_restored_once(host, picture, base)
        assert differs(Image.open(file), picture) == 0
        assert text_of(file) == text
    for original, photo in zip(before, four, strict=True):
        assert differs(Image.open(original), Image.open(photo)) == 0
        assert "Face restore" not in text_of(original)


@pytest.mark.parametrize("face", [[True, {}], EACH])
def test_inner_jobs_with_all_scripts_are_left_alone(host, four, face):
    made = host.generate(face=face, photo=several(four), neighbours=both([], detailing="all"), **TWO)

    assert restored_faces(made) == [True] * 2
    assert records(made) == [0, 1, 1]
    assert [seed_in(text) for text in made.infotexts[1:]] == [7, 8]


@pytest.mark.parametrize("face", [[True, {}], EACH])
def test_picture_that_was_restored_and_enlarged_before_ours_keeps_that_size(host, four, face):
    words = ["before saving", "restored", "larger"]
    without = host.generate(photo=four[0], neighbours=both(words), save_images=True)

    made = host.generate(face=face, photo=four[0], neighbours=both(words), save_images=True)

    (base,) = files_of(without, "")
    assert Image.open(base).size == made.images[0].size == (384, 320)
    assert is_restored_once(host, made.images[0], base)
    assert restored_faces(made) == [True]


def test_swapped_pictures_beside_their_originals_are_restored_too(host, four):
    made = host.generate(face=[True, {}], photo=several(four), neighbours=both(["beside"]), **FOUR)

    swapped_grid, grid, *pictures = made.images
    bases, swapped = files_of(made, ""), files_of(made, "-swapped")
    assert restored_faces(made) == [True] * 8
    assert len(pictures) == 8
    assert [seed_in(text) for text in made.infotexts[2:]] == [7, 8, 9, 10] * 2
    assert records(made) == [0, 0] + [1] * 8
    for picture, base in zip(pictures, bases + swapped, strict=True):
        assert is_restored_once(host, picture, base)
        assert differs(Image.open(base.with_name(f"{base.stem}-restored.png")), picture) == 0
    # Four ADetailer's, four bases, four swapped, each of the eight restored, two grids and those made anew.
    assert len(made.files) == len(set(made.files)) == 4 + 8 + 8 + 4
    assert grid.size == (384, 320)
    assert differs(grid.crop((192, 160, 384, 320)), pictures[3]) == 0
    assert differs(swapped_grid.crop((0, 0, 192, 160)), pictures[0]) == 0
    assert swapped_grid.width * swapped_grid.height >= 8 * 192 * 160


def test_texts_keep_to_their_pictures_where_one_was_not_swapped(host, four):
    words = ["beside", "not the second"]

    made = host.generate(face=[True, {}], photo=several(four), neighbours={"Swapping": [words]}, **TWO)

    assert [seed_in(text) for text in made.infotexts[2:]] == [7, 8, 7]
    assert records(made) == [0, 0, 1, 1, 1]
    for picture, base in zip(made.images[2:], files_of(made, "") + files_of(made, "-swapped"), strict=True):
        assert is_restored_once(host, picture, base)


def test_both_of_each_are_shown_in_pairs(host, four):
    host.set_options(facerestore_result="show both")

    made = host.generate(face=[True, {}], photo=several(four), neighbours={"Swapping": [["beside"]]}, **TWO)

    assert records(made) == [0, 0] + [0, 1] * 4
    assert [seed_in(text) for text in made.infotexts[2:]] == [7, 7, 8, 8] * 2
    assert len(made.images) == len(made.infotexts)


def test_swapped_picture_that_was_saved_unasked_is_restored_beside_its_file(host, four):
    made = host.generate(face=[True, {}], photo=four[0], neighbours={"Swapping": [["beside"]]})

    (swapped,) = files_of(made, "-swapped")
    assert sorted(path.name for path in made.files) == [f"{swapped.stem}-restored.png", swapped.name]
    assert records(made) == [1, 1]
    assert is_restored_once(host, made.images[1], swapped)


@pytest.mark.parametrize("fields", [{"save_images": True}, TWO])
def test_pictures_in_the_place_of_all_others_are_restored(host, four, fields):
    last = 6 + fields.get("batch_size", 1)

    made = host.generate(face=[True, {}], photo=several(four), neighbours={"Swapping": [["in place of all"]]}, **fields)

    assert len(made.images) == 2
    assert [seed_in(text) for text in made.infotexts] == [last, last]
    assert records(made) == [1, 1]
    assert restored_faces(made) == [True, True]
    assert files_of(made, "") == []
    for picture, base in zip(made.images, files_of(made, "-swapped")[-2:], strict=True):
        assert is_restored_once(host, picture, base)
        assert differs(Image.open(base.with_name(f"{base.stem}-restored.png")), picture) == 0


@pytest.mark.parametrize("word", ["beside", "in place of all"])
def test_pictures_made_after_ours_are_left_and_that_is_said(host, four, word):
    made = host.generate(face=EACH, photo=several(four), neighbours={"Swapping": [[word]]}, **TWO)

    *lines, said = made.statuses
    assert said == (
        'Pictures that another extension made after ours are as it left them. "After the whole job" restores them too.'
    )
    assert [bool(STATUS.fullmatch(line)) for line in lines] == [True] * 2
    assert not files_of(made, "-restored")


def test_masks_are_not_taken_for_pictures_that_were_added(host, four):
    host.set_options(return_mask=True, save_mask=True)
    fields = {"mask": face_mask(four[0]), "save_images": True}

    try:
        made = host.generate(
            "img2img", face=[True, {}], photo=four[0], neighbours={"Swapping": [["beside"]]},
            **img2img(four[0], **fields),
        )  # fmt: skip
    finally:
        host.set_options(return_mask=False, save_mask=False)

    # ReActor's grid, the host's grid of picture and mask, the picture, its mask, the swapped one.
    assert records(made) == [0, 0, 1, 0, 1]
    assert [seed_in(text) for text in made.infotexts] == [7] * 5
    assert len(files_of(made, "-mask")) == 1
    assert restored_faces(made) == [True, True]


def test_nobody_is_told_of_later_pictures_where_there_are_none(host, four):
    made = host.generate(face=EACH, photo=four[0], failing="late larger", save_images=True)

    assert restored_faces(made) == [True]
