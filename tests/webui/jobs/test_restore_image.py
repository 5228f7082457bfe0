"""The one way in which a picture of the host is restored, on a host that is only fakes. Needs no host."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.support import smooth_noise
from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import Interrupted
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.restore_image import restore_image

ENLARGED = RestoreSettings(restorer="none", upscaler="Real-ESRGAN animevideov3 (embedded)", scale=2.0)


@pytest.fixture
def listings(fake_host, tmp_path, monkeypatch) -> list[str]:
    """The names of the host's folders of models, each as often as it was listed."""
    folder = tmp_path / "models" / "ESRGAN"
    folder.mkdir(parents=True)
    listed: list[str] = []
    list_folder = os.listdir

    def iterdir(path):
        if path == folder:
            listed.append(path.name)
        return (path / name for name in list_folder(path))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    return listed


def picture(seed: int = 1) -> Image.Image:
    return Image.fromarray(smooth_noise(30, 41, seed))


def test_the_pictures_of_one_context_share_one_listing_of_the_folders(listings):
    context = RestoreContext()

    outcomes = [restore_image(picture(seed), ENLARGED, context) for seed in range(3)]

    assert [outcome.image().size for outcome in outcomes] == [(82, 60)] * 3
    assert listings == ["ESRGAN"]
    restore_image(picture(), ENLARGED, RestoreContext())
    assert listings == ["ESRGAN", "ESRGAN"]


def test_the_context_has_what_was_done_and_what_was_said(fake_host):
    context = RestoreContext()

    outcome = restore_image(picture(), ENLARGED, context)
    context.say("A sentence.")
    context.say("A sentence.")

    assert context.reports == [outcome.report]
    status, *others = context.sentences()
    assert "30×41" not in status
    assert "animevideov3" in status
    assert others == ["A sentence."]
    assert context.status().splitlines()[1] == "Face restore: A sentence."


def test_the_picture_stays_as_it_is_and_so_does_the_text_of_the_bar(fake_host):
    given = picture()
    before = np.array(given)

    outcome = restore_image(given, ENLARGED, RestoreContext())

    assert outcome.is_changed
    assert outcome.record["Face restore upscaler"] == ENLARGED.upscaler
    assert np.array_equal(np.array(given), before)
    assert fake_host.state.textinfo == "sampling"


def test_a_picture_in_which_nothing_is_to_be_done_is_the_same_without_a_record(fake_host):
    settings = RestoreSettings(restorer="none")
    given = picture()

    outcome = restore_image(given, settings, RestoreContext())

    assert not outcome.is_changed
    assert np.array_equal(np.array(outcome.image()), np.array(given))
    assert dict(outcome.record) == {}


@pytest.mark.parametrize(("keeps_alpha", "mode"), [(True, "RGBA"), (False, "RGB")])
def test_alpha_is_kept_only_where_it_is_the_pictures_own(fake_host, keeps_alpha, mode):
    given = picture()
    given.putalpha(128)

    outcome = restore_image(given, ENLARGED, RestoreContext(keeps_alpha=keeps_alpha))

    assert outcome.image().mode == mode


def test_a_picture_of_sixteen_bits_keeps_them(fake_host):
    deep = Picture(smooth_noise(30, 41).astype(np.uint16) * 257)

    outcome = restore_image(deep, ENLARGED, RestoreContext())

    assert outcome.result.picture.pixels.dtype == np.uint16


def test_a_stop_raises_and_leaves_no_report(fake_host):
    fake_host.state.interrupted = True
    context = RestoreContext()

    with pytest.raises(Interrupted):
        restore_image(picture(), ENLARGED, context)

    assert context.reports == []
