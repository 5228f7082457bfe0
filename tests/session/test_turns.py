"""A host's upscaler that calls a restorer of ours while it works for a run of ours; whose networks stay meanwhile."""

import dataclasses
import threading

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from lib_facerestore.engine.data import Picture
from lib_facerestore.session import ModelCache, Session
from lib_facerestore.session.model_cache import Loaded, ModelKey
from lib_facerestore.session.turns import Turns
from lib_facerestore.settings import RestoreSettings

# A run takes seconds, a hang would take for ever.
LIMIT_SECONDS = 120
SETTINGS = RestoreSettings(upscaler="Theirs", scale=1.1, upscale_strength=1.0, order="upscale first")


class Others:
    """One upscaler that inverts and doubles, and before that does something of its own."""

    def before(self):
        """Nothing, unless a test puts something else here."""

    def names(self):
        return ("Theirs",)

    def scale(self, name):
        return 2

    def file(self, name):
        return None

    def device(self):
        return "cpu"

    def upscale(self, name, image, scale):
        self.before()
        return ImageOps.invert(image).resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)


class Recorder:
    """A network that notes where it is."""

    place = ""

    def move(self, device):
        self.place = str(device)


def within_the_limit(work):
    """What the work gives, in a thread that may hang without harm to the tests that follow."""
    given, errors = [], []

    def run():
        try:
            given.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive(), f"it hangs: not done after {LIMIT_SECONDS} s"
    assert errors == []
    return given[0]


@pytest.fixture(scope="module")
def others():
    return Others()


@pytest.fixture(scope="module")
def lent(runtime, others):
    """A session that is lent that upscaler."""
    return Session(dataclasses.replace(runtime, other_upscalers=others))


@pytest.fixture(scope="module")
def portrait(photograph):
    """One face of 46 px, the embedded restorer's quickest input; 160 px high and 192 px wide."""
    return Picture(np.array(ImageOps.fit(Image.fromarray(photograph), (192, 160), Image.Resampling.LANCZOS)))


@pytest.mark.parametrize(
    ("thread", "afterwards"),
    [("the same thread", "nothing"), ("another thread", "park"), ("the same thread", "release")],
)
def test_upscaler_that_has_us_restore_faces_gets_them_and_changes_nothing(
    lent, others, portrait, thread, afterwards, monkeypatch
):
    (alone,) = lent.restore([portrait], SETTINGS)
    nested = []

    def call_back():
        nested.extend(lent.restore([portrait], RestoreSettings()))
        getattr(lent, afterwards, lambda: None)()
        return True

    is_apart = thread == "another thread"
    monkeypatch.setattr(others, "before", (lambda: within_the_limit(call_back)) if is_apart else call_back)
    (result,) = within_the_limit(lambda: list(lent.restore([portrait], SETTINGS)))

    assert {one.report.count("restored") for one in nested} == {1}
    assert result.report.count("restored") == alone.report.count("restored") == 1
    assert np.array_equal(result.picture.pixels, alone.picture.pixels)


def test_upscaler_that_calls_back_and_fails_leaves_a_session_that_works(lent, others, portrait, monkeypatch):
    quick = dataclasses.replace(SETTINGS, restorer="none")

    def call_back_and_fail():
        list(lent.restore([portrait], quick.at_own_size()))
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(others, "before", call_back_and_fail)
        with pytest.raises(ZeroDivisionError):
            list(lent.restore([portrait], quick))

    (result,) = within_the_limit(lambda: list(lent.restore([portrait], quick)))
    assert result.report.upscaler == "Theirs"


def used(cache, *names):
    """Restorers of these names, used one after the other by the run that has the turn."""
    networks = {name: Recorder() for name in names}
    for name, network in networks.items():
        key = ModelKey("restorer", name, (f"{name}.pth",))
        cache.get(key, torch.device("meta"), lambda where, network=network: Loaded(network))
    return networks


@pytest.mark.parametrize("meanwhile", ["eight others", "park", "release"])
def test_networks_of_a_run_that_waits_stay_where_they_are(runtime, meanwhile):
    cache = ModelCache()
    session = Session(runtime, cache)
    others = {}

    with cache.turns.turn():
        own = used(cache, "first", "second")
        with cache.turns.aside():
            if meanwhile == "eight others":
                with cache.turns.turn():
                    others = used(cache, *(f"other {number}" for number in range(8)))
            else:
                getattr(session, meanwhile)()
            assert {name: network.place for name, network in own.items()} == {"first": "meta", "second": "meta"}
            assert [name for _, name in session.warm][:2] == ["first", "second"]

    assert [network.place for network in others.values()][-2:] == (["meta", "meta"] if others else [])
    session.park()
    assert {network.place for network in own.values()} == {"cpu"}
    session.release()
    assert session.warm == ()


def test_others_have_the_turn_only_while_a_run_steps_aside():
    turns = Turns()
    done = []

    def other():
        with turns.turn():
            done.append("other")

    with turns.turn(), turns.turn():  # one within another
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        thread.join(0.2)
        done.append("before")
        with turns.aside():
            thread.join(LIMIT_SECONDS)
        done.append("after")

    assert done == ["before", "other", "after"]


def test_whoever_has_no_turn_steps_aside_from_nothing():
    turns = Turns()

    with turns.aside(), turns.turn():
        turns.note(("restorer", "own"))
        assert turns.needed == set()


def test_two_runs_that_step_aside_keep_their_networks_in_any_order():
    turns = Turns()
    entered, may_end = threading.Event(), threading.Event()

    def other():
        with turns.turn():
            turns.note(("restorer", "shared"))
            with turns.aside():
                entered.set()
                may_end.wait(LIMIT_SECONDS)

    thread = threading.Thread(target=other, daemon=True)
    with turns.turn():
        turns.note(("restorer", "shared"))
        with turns.aside():
            thread.start()
            assert entered.wait(LIMIT_SECONDS)
        turns.note(("restorer", "own"))
        assert turns.needed == {("restorer", "shared")}
    with turns.turn():
        assert turns.needed == {("restorer", "shared")}
    may_end.set()
    thread.join(LIMIT_SECONDS)

    with turns.turn():
        assert turns.needed == set()
