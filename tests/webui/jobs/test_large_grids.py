"""Grids that are made anew stay below a limit."""

import pytest

LARGER = {"restorer": "none", "upscaler": "Lanczos", "scale": 2}
SAID = "The grid has at most 0.12288 megapixels: pictures stand in it at 50% of their size."


@pytest.fixture
def limit(host):
    """Sets the host's own limit, in megapixels."""
    known = host.call("/sdapi/v1/options").get("img_max_size_mp", 200)
    yield lambda megapixels: host.set_options(img_max_size_mp=megapixels)
    host.set_options(img_max_size_mp=known)


def test_pictures_of_a_large_grid_are_made_smaller_and_that_is_said(host, faceless, limit):
    limit(0.1)

    made = host.generate(face=[True, LARGER], photo=faceless, batch_size=4, save_images=True)

    assert [image.size for image in made.images] == [(384, 320)] * 5  # the host's own grid had as many
    assert SAID in made.statuses


def test_grid_below_the_limit_shows_its_pictures_in_full(host, faceless, limit):
    limit(0.5)

    made = host.generate(face=[True, LARGER], photo=faceless, batch_size=4, save_images=True)

    assert [image.size for image in made.images] == [(768, 640), *[(384, 320)] * 4]
    assert SAID not in made.statuses
