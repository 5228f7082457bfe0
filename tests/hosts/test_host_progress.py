"""Stop buttons and progress bar of a host, with a fake of its state: what each press means for a job of ours."""

import types

import pytest

from lib_facerestore.errors import Interrupted
from lib_facerestore.hosts.progress import HostProgress, JobProgress, text_put_back


@pytest.fixture
def state():
    made = types.SimpleNamespace(
        interrupted=False, skipped=False, stopping_generation=False, job_count=2, job_no=2, textinfo="",
        sampling_step=0, sampling_steps=0, current_latent="latent", images=[],
    )  # fmt: skip
    made.nextjob = lambda: setattr(made, "job_no", made.job_no + 1)
    made.assign_current_image = made.images.append
    return made


def test_bar_gets_one_unit_for_each_picture(state):
    progress = JobProgress(state, 4)

    progress.picture(1).step(1, 3, "faces")
    progress.finished_one()

    assert (state.job_count, state.job_no) == (6, 3)
    assert (state.sampling_step, state.sampling_steps) == (1, 3)
    assert state.textinfo == "Face restore: picture 1/4, faces 1/3"
    assert state.current_latent is None


def test_single_picture_leaves_the_count_so_that_interrupt_stops_at_once(state):
    progress = JobProgress(state, 1)
    progress.picture(1).step(2, 5, "tiles")
    progress.finished_one()

    assert (state.job_count, state.job_no) == (2, 2)
    assert state.textinfo == "Face restore: tiles 2/5"


def test_interrupt_stops_inside_a_picture_and_ends_the_job(state):
    progress = JobProgress(state, 4)
    state.interrupted = True

    with pytest.raises(Interrupted):
        progress.picture(1).check()
    assert progress.is_to_end
    assert not progress.picture(1).take_skip()


def test_skip_leaves_one_picture_and_goes_on(state):
    progress = JobProgress(state, 4)
    state.skipped = True

    with pytest.raises(Interrupted):
        progress.picture(1).check()
    assert progress.picture(1).take_skip()
    assert not progress.is_to_end
    progress.picture(2).check()


def test_stop_after_this_picture_finishes_it(state):
    progress = JobProgress(state, 4)
    state.stopping_generation = True

    progress.picture(1).check()
    assert progress.is_to_end


def test_what_was_pressed_during_generation_does_not_stop_its_pictures(state):
    state.skipped = state.stopping_generation = True

    progress = JobProgress(state, 4)

    progress.picture(1).check()
    assert not progress.is_to_end


def test_interrupt_during_generation_does(state):
    state.interrupted = True

    assert JobProgress(state, 4).is_to_end


def test_former_text_is_put_back_also_after_a_failure(state):
    state.textinfo = "of the host"

    state.skipped = True

    def work():
        progress = HostProgress(state)
        with text_put_back(state):
            progress.step(1, 3, "faces")
            progress.check()

    with pytest.raises(Interrupted):
        work()
    assert state.textinfo == "of the host"
