"""The script that shows every face restored in several ways, by API and on the page."""

import json
import re

import pytest
import torch
from PIL import Image

from helpers.generations import RECORD, differs
from helpers.running_host import MOSTLY_FORGE, started
from lib_facerestore.models import catalogue, weights
from stub_host import page as pages
from stub_host.process import decoded

EMBEDDED, MINE = "Real-ESRGAN x4plus (embedded)", "mine"
CELL = 128
STATUS = re.compile(r"Face restore grid: (picture \d: )?1 face, restored in 2 ways · \d+\.\d\d s · cpu")


@pytest.fixture(scope="module", params=MOSTLY_FORGE)
def host(request, tmp_path_factory, portrait, runtime):
    """A host with two restorers: the embedded one, and a second network with real weights as a user's own file."""
    folder = tmp_path_factory.mktemp("models")
    spec = catalogue.by_name("Real-ESRGAN animevideov3 (embedded)", "upscaler")
    torch.save({"params": weights.load(weights.find(spec, runtime), runtime)}, folder / f"{MINE}.pth")
    flags, environment = ["--facerestore-models-path", str(folder)], {"FACERESTORE_PHOTO": str(portrait)}
    with started(request.param, tmp_path_factory, *flags, environment=environment) as running:
        yield running


def grid(host, photo, models=(EMBEDDED, MINE), weights="0, 1", cell=CELL, **fields):
    return host.generate(photo=photo, script_name="face restore grid", script_args=[models, weights, cell], **fields)


def cell(image, column):
    """A cell of a grid with one row: measured from the right, where the widths are known."""
    step, columns = CELL + 6, 3
    left = image.width - (columns - column) * step - 6
    return image.crop((left, image.height - 6 - CELL - 6, left + CELL, image.height - 12))


def test_grid_of_each_picture_stands_in_front_and_is_saved(host, portrait):
    made = grid(host, portrait, batch_size=2, save_images=True)

    first, second, hosts_own, *bases = made.images
    assert len(made.images) == len(made.infotexts) == 5
    assert first.size == second.size != hosts_own.size
    assert all(differs(image, Image.open(portrait)) == 0 for image in bases)
    assert [re.search(r"Seed: (\d)", text).group(1) for text in made.infotexts] == ["7", "8", "7", "7", "8"]
    assert all("Script: Face restore grid, Face restore grid models" in text for text in made.infotexts[:2])
    assert not any("Face restore" in text for text in made.infotexts[2:])
    assert [image.info["parameters"] for image in made.images] == made.infotexts
    saved = [path for path in made.files if path.name.startswith("face_grid")]
    assert len(saved) == 2
    assert differs(Image.open(saved[0]), first) == 0
    assert len(made.files) == 5
    assert [bool(STATUS.fullmatch(line)) for line in made.statuses] == [True, True]


def test_cells_hold_the_face_and_what_each_model_makes_of_it(host, portrait):
    made = grid(host, portrait)

    original, embedded, mine = (cell(made.images[0], column) for column in range(3))
    assert differs(original, embedded) > 0.1
    assert differs(original, mine) > 0.1
    assert differs(embedded, mine) > 0.1
    assert made.files == []


def test_first_picture_is_where_the_host_says(host, portrait):
    body = {
        "prompt": "a portrait", "seed": 7, "steps": 1, "cfg_scale": 1, "width": 192, "height": 160,
        "sampler_name": "Euler", "batch_size": 2, "alwayson_scripts": {"Photograph": {"args": [str(portrait)]}},
        "script_name": "face restore grid", "script_args": [[EMBEDDED], "", CELL],
    }  # fmt: skip

    answer = host.call("/sdapi/v1/txt2img", body)

    first = json.loads(answer["info"])["index_of_first_image"]
    assert first == 2
    assert differs(decoded(answer["images"][first]), Image.open(portrait)) == 0


@pytest.mark.parametrize("when", ["after the whole job", "each picture before it is saved"])
def test_grid_is_made_of_base_pictures_where_faces_are_restored_too(host, portrait, when):
    alone = grid(host, portrait)

    both = grid(host, portrait, face=[True, {"when": when}])

    assert differs(alone.images[0], both.images[0]) == 0
    assert both.infotexts[0] == alone.infotexts[0]
    assert differs(both.images[1], Image.open(portrait)) > 0.02
    assert RECORD in both.infotexts[1]
    assert any(line.startswith("1 face: 1 restored") for line in both.statuses)


def test_picture_without_a_face_comes_back_alone(host, faceless):
    made = grid(host, faceless)

    (image,) = made.images
    assert differs(image, Image.open(faceless)) == 0
    assert made.statuses == ["Face restore grid: no face found"]


def test_what_cannot_be_used_is_said_and_the_rest_is_shown(host, portrait):
    made = grid(host, portrait, models=["CodeFormer", EMBEDDED], weights="much, 3", cell=None)

    assert len(made.images) == 2
    said = "\n".join(made.statuses)
    assert "A weight cannot be 'much': it must be a number from 0 to 1." in said
    assert "A weight cannot be '3'" in said
    assert "The weights of codeformer.pth are missing." in said
    assert "Traceback" not in made.log


@pytest.mark.parametrize("models", [[], None, {"a": 1}, 7])
def test_no_model_gives_the_pictures_and_a_sentence(host, portrait, models):
    made = grid(host, portrait, models=models)

    assert len(made.images) == 1
    assert differs(made.images[0], Image.open(portrait)) == 0
    assert made.statuses == ["Face restore grid: Choose at least one model; no grid was made."]


def test_grid_on_the_page(host):
    with pages.opened(host) as page:
        pages.fill(page, "#txt2img_prompt", "a portrait")
        for name, value in {"steps": 1, "width": 192, "height": 160, "cfg_scale": 1}.items():
            pages.fill(page, f"#txt2img_{name}", value)
        pages.choose(page, "#script_list", "Face restore grid")

        shown = pages.generate(page)

        assert STATUS.search(shown)
        assert page.locator("#txt2img_gallery .thumbnail-item").count() >= 2
        assert "Traceback" not in shown
        assert [error for error in pages.errors_of(page) if "facerestore" in error] == []
