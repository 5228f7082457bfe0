"""What a session offers, and what the pictures of one of its jobs share."""

from __future__ import annotations

import dataclasses

import pytest

from helpers.support import CountingMemory, smooth_noise
from lib_facerestore.engine import sizes
from lib_facerestore.engine.data import Picture
from lib_facerestore.session import Job, Session
from lib_facerestore.settings import RestoreSettings

SMALL = RestoreSettings(restorer="none", upscaler="Real-ESRGAN animevideov3 (embedded)", scale=2.0)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_the_public_surface_is_small():
    assert public(Session) == {"job", "park", "release", "restore", "tools", "warm"}
    assert public(Job) == {"compare_faces", "find_faces", "make_room", "restore", "tools"}


def test_a_job_asks_for_room_before_its_first_picture_and_when_it_is_told_to(runtime):
    memory = CountingMemory()
    job = Session(dataclasses.replace(runtime, memory=memory)).job()

    for seed in range(2):
        job.restore(Picture(smooth_noise(30, 41, seed)), SMALL)
    job.make_room()
    job.restore(Picture(smooth_noise(30, 41, 2)), SMALL)

    assert memory.calls == ["room on cpu"] * 2


def test_results_come_one_by_one_each_as_soon_as_it_is_finished(runtime):
    asked: list[int] = []

    def pictures():
        for seed in range(3):
            asked.append(seed)
            yield Picture(smooth_noise(30, 41, seed))

    results = Session(runtime).restore(pictures(), SMALL)

    assert asked == []
    assert next(results).picture.size_hw == (60, 82)
    assert asked == [0]


@pytest.mark.parametrize("asked", [{"scale": 2.0}, {"scale": 1.0, "width": 90}, {"scale": 1.0, "width": 20}])
def test_the_size_is_decided_once_for_the_choice_of_networks_and_for_the_picture(runtime, asked, monkeypatch):
    decided, target_size = [], sizes.target_size
    monkeypatch.setattr(sizes, "target_size", lambda *rest: decided.append(rest) or target_size(*rest))

    result = Session(runtime).job().restore(Picture(smooth_noise(30, 41)), dataclasses.replace(SMALL, **asked))

    assert len(decided) == 1
    assert result.plan.final_hw == result.picture.size_hw
