"""Target sizes as data."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_facerestore.engine.sizes import SizePlan, TargetSize, enlarges, network_runs, target_size
from lib_facerestore.errors import SettingsError


@pytest.mark.parametrize(
    ("wanted", "plan"),
    [
        (TargetSize(scale=1), SizePlan((384, 512))),
        (TargetSize(scale=2), SizePlan((768, 1024))),
        (TargetSize(scale=0.37), SizePlan((142, 189))),  # 142.08 and 189.44
        (TargetSize(scale=0.05), SizePlan((19, 26))),  # 19.2 and 25.6
        (TargetSize(scale=1.37), SizePlan((526, 701))),  # 526.08 and 701.44
        (TargetSize(scale=8), SizePlan((3072, 4096))),
        (TargetSize(width=1000), SizePlan((750, 1000))),
        (TargetSize(height=100), SizePlan((100, 133))),
        (TargetSize(width=1024, height=1024), SizePlan((768, 1024))),
        (TargetSize(longest_side_px=2048), SizePlan((1536, 2048))),
        (TargetSize(longest_side_px=256), SizePlan((192, 256))),
        # Covered by 1365.33 × 1024; 341 px too wide, 170 of them off the left.
        (TargetSize(width=1024, height=1024, mode="crop"), SizePlan((1024, 1365), (170, 0, 1194, 1024))),
        (TargetSize(width=1024, height=768, mode="crop"), SizePlan((768, 1024))),
    ],
)
def test_sizes_with_written_out_numbers(wanted, plan):
    assert target_size((384, 512), wanted) == plan


def test_the_megapixel_ceiling_reduces_and_says_so():
    plan = target_size((3000, 4000), TargetSize(scale=4, max_megapixels=48))

    assert plan.resized_hw == (6000, 8000)
    assert plan.notes == ("The size was reduced from 16000×12000 to 8000×6000 px, because 48 megapixels is the limit.",)


def test_the_ceiling_holds_for_a_crop_too():
    plan = target_size((384, 512), TargetSize(width=2000, height=1000, mode="crop", max_megapixels=0.5))

    assert plan.final_hw == (500, 1000)
    assert plan.resized_hw == (750, 1000)
    assert len(plan.notes) == 1


@settings(deadline=None)
@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    scale=st.floats(1, 8),
    megapixels=st.floats(0.01, 50),
)
def test_no_plan_is_over_the_ceiling(height, width, scale, megapixels):
    plan = target_size((height, width), TargetSize(scale=scale, max_megapixels=megapixels))

    assert plan.final_hw[0] * plan.final_hw[1] <= megapixels * 1e6
    assert bool(plan.notes) == (plan.final_hw != (math.floor(height * scale + 0.5), math.floor(width * scale + 0.5)))


@settings(deadline=None)
@given(
    height=st.integers(1, 3000), width=st.integers(1, 3000), asked=st.tuples(st.integers(1, 3000), st.integers(1, 3000))
)
def test_a_crop_has_exactly_the_size_asked_for_or_is_refused(height, width, asked):
    wanted = TargetSize(width=asked[1], height=asked[0], mode="crop")

    try:
        plan = target_size((height, width), wanted)
    except SettingsError:
        assert max(asked[0] / height, asked[1] / width) > 7
        return

    assert plan.final_hw == asked
    assert plan.resized_hw[0] >= asked[0]
    assert plan.resized_hw[1] >= asked[1]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (TargetSize(scale=0), "scale cannot be 0: it must be a number from 0.05 to 8"),
        (TargetSize(scale=-2.0), "scale cannot be -2.0"),
        (TargetSize(scale=math.nan), "scale cannot be nan"),
        (TargetSize(scale=math.inf), "scale cannot be inf"),
        (TargetSize(scale=100), "scale cannot be 100"),
        (TargetSize(scale=0.04), "scale cannot be 0.04"),
        (TargetSize(), "given, and no other size"),
        (TargetSize(scale=2, width=100), "the only size"),
        (TargetSize(width=100, longest_side_px=90), "longest_side cannot be 90: it must be 0 beside a width or height"),
        (TargetSize(width=0), "width cannot be 0: it must be a whole number of pixels from 1 to 32767"),
        (TargetSize(height=-1), "height cannot be -1"),
        (TargetSize(width=40_000), "width cannot be 40000"),
        (TargetSize(longest_side_px=0), "longest_side cannot be 0"),
        (TargetSize(scale=2, max_megapixels=0), "max_megapixels cannot be 0"),
        (TargetSize(scale=2, max_megapixels=math.nan), "max_megapixels cannot be nan"),
        (TargetSize(width=512, mode="crop"), "size_mode cannot be 'crop'"),
        (TargetSize(width=5000), "size cannot be '5000×3750 px': it must be at most 4096×3072 px for this picture"),
    ],
)
def test_what_is_no_size_gets_a_sentence(wanted, words):
    with pytest.raises(SettingsError) as caught:
        target_size((384, 512), wanted)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("network_scale", "resized_hw", "count"),
    [
        (4, (80, 120), 1),
        (4, (160, 240), 1),
        (4, (161, 240), 1),
        (4, (168, 252), 1),  # 4 · 1.05 = 4.2
        (4, (169, 240), 2),
        (4, (160, 253), 2),
        (2, (168, 252), 2),
        (2, (169, 252), 3),
        (2, (320, 480), 3),
        (1, (320, 480), 1),
        (4, (10, 15), 1),
    ],
)
def test_runs_reach_the_size_but_for_a_few_per_cent(network_scale, resized_hw, count):
    assert network_runs(network_scale, (40, 60), resized_hw) == count


def test_a_hair_above_the_networks_factor_is_one_run():
    plan = target_size((767, 1023), TargetSize(width=4096))

    assert plan.resized_hw == (3071, 4096)  # 4.004 times
    assert network_runs(4, (767, 1023), plan.resized_hw) == 1


@pytest.mark.parametrize(
    ("resized_hw", "expected"),
    [((384, 512), False), ((383, 512), False), ((1, 1), False), ((385, 512), True), ((100, 513), True)],
)
def test_a_picture_grows_where_either_side_does(resized_hw, expected):
    assert enlarges((384, 512), resized_hw) == expected
