"""The drawing of a face grid: every cell in its place, words that can be read, a size that is bounded."""

import subprocess

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFont

from helpers.running_host import ROOT
from lib_facerestore.webui.comparison.grid_picture import Row, draw
from stub_host import environments

COLOURS = ["red", "green", "blue", "orange", "purple", "cyan", "magenta", "brown"]
ORIGINAL = "#0a141e"  # no text is drawn in it, and no edge of a letter has it
NAMES = [f"A model with a rather long name {number}, weight 0.{number}" for number in range(8)]


def square(colour):
    return Image.new("RGB", (512, 512), colour)


def table(columns, faces, cells=None):
    return [
        Row(
            f"face {face + 1}\n64 px",
            square(ORIGINAL),
            tuple(cells or [square(colour) for colour in COLOURS[:columns]]),
        )
        for face in range(faces)
    ]


def blocks(picture, colour):
    """Number of pixels of a colour."""
    wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    return int((np.asarray(picture) == wanted).all(2).sum())


@pytest.mark.parametrize(("columns", "faces", "cell"), [(1, 1, 256), (3, 2, 128), (8, 3, 160), (8, 1, 512)])
def test_every_cell_is_shown_whole_and_the_original_in_each_band(columns, faces, cell):
    picture, shown = draw(NAMES[:columns], table(columns, faces), cell)

    assert shown == faces
    assert [blocks(picture, colour) for colour in COLOURS[:columns]] == [faces * cell * cell] * columns
    assert blocks(picture, ORIGINAL) == -(-columns // 5) * faces * cell * cell


def test_labels_are_inside_the_picture_and_beside_no_cell():
    with_words, _ = draw(NAMES[:3], table(3, 1), 128)
    without, _ = draw(["" for _ in NAMES[:3]], [Row("", square(ORIGINAL), table(3, 1)[0].cells)], 128)

    ink = Image.eval(with_words.convert("L"), lambda level: 255 * (level < 60)).getbbox()
    assert ink[0] > 0
    assert ink[1] > 0
    assert with_words.width > without.width


def test_words_of_a_failure_stay_in_their_cell():
    sentence = "The weights of a model are missing. " * 30

    picture, _ = draw(["one", "two"], table(2, 1, [sentence, square("red")]), 128)

    assert blocks(picture, "red") == 128 * 128
    plain, _ = draw(["one", "two"], table(2, 1, ["", square("red")]), 128)
    changed = ImageChops.difference(picture, plain).getbbox()
    assert changed[2] - changed[0] <= 128
    assert changed[3] - changed[1] <= 128


def test_large_table_is_made_of_smaller_cells_and_then_of_fewer_rows():
    picture, shown = draw(NAMES, table(8, 40), 512)
    many, shown_of_many = draw(NAMES, table(8, 400), 512)

    assert shown == 40
    assert 0 < shown_of_many < 400
    for image in (picture, many):
        assert image.width * image.height <= 40_000_000
        assert max(image.size) <= 16_000


def test_words_that_no_font_knows_do_not_end_the_drawing():
    picture, _ = draw(["模型 … 🙂"], [Row("face 1", square(ORIGINAL), (square("red"),))], 128)

    assert blocks(picture, "red") == 128 * 128


def test_small_bitmap_font_of_old_pillows_serves():
    picture, _ = draw(["模型 …", NAMES[0]], table(2, 1), 128, lambda size: ImageFont.load_default())

    assert blocks(picture, "green") == 128 * 128


@pytest.mark.parametrize("kind", environments.KINDS)
def test_same_table_is_drawn_with_the_hosts_pillow(kind):
    environments.build(kind)
    code = (
        "import PIL; from PIL import Image; from lib_facerestore.webui.comparison.grid_picture import Row, draw;"
        "red = Image.new('RGB', (512, 512), 'red');"
        "image, shown = draw(['模型 … one'], [Row('face 1', red, (red,))], 128);"
        "print(PIL.__version__, shown, sum(count for count, colour in image.getcolors(9999) if colour == (255, 0, 0)))"
    )

    done = subprocess.run(
        [str(environments.python(kind)), "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    version, *drawn = done.stdout.split() or [""]
    assert version.split(".")[0] == {"gradio3": "9", "gradio4": "9", "neo": "12"}[kind], done.stderr
    assert drawn == ["1", str(2 * 128 * 128)]
