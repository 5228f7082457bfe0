"""Every setting: what it takes, what it refuses, and the way through plain values and back."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lib_facerestore.errors import SettingsError, UnknownSetting
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import RestoreSettings, field_types, setting_info

TYPES = field_types()
NUMBERS = [name for name, kind in TYPES.items() if kind in (int, float)]
WHOLE = [name for name, kind in TYPES.items() if kind is int]
SWITCHES = [name for name, kind in TYPES.items() if kind is bool]
TEXTS = [name for name, kind in TYPES.items() if kind not in (int, float, bool)]
CHOICES = [name for name, kind in TYPES.items() if choices(kind)]


def with_value(name: str, value: Any) -> RestoreSettings:
    """The defaults with one other value."""
    return RestoreSettings(**{name: value})


def refused(name, value):
    """The error that a value gives; the test fails where there is none."""
    with pytest.raises(SettingsError) as caught:
        with_value(name, value)
    assert caught.value.field == name
    assert str(caught.value).startswith(f"The setting {name} cannot be {value!r}: it must be ")
    return caught.value


def test_kinds_of_settings_are_all_known():
    assert {"fidelity", "visibility", "mask_feather", "detection_size", "max_faces"} <= set(NUMBERS)
    assert {"aligned_input"} <= set(SWITCHES)
    assert {"face_order", "mask"} <= set(CHOICES)
    assert set(NUMBERS) | set(SWITCHES) | set(TEXTS) == {field.name for field in dataclasses.fields(RestoreSettings)}


def test_defaults_are_those_of_the_design():
    settings = RestoreSettings()

    assert (settings.restorer, settings.fidelity, settings.visibility) == ("auto", 0.5, 1.0)
    assert settings.detection_size == 640


@pytest.mark.parametrize("name", NUMBERS)
def test_number_outside_its_range_is_refused(name):
    info = setting_info(name)

    for value in (info.low - 1, info.high + 1, -math.inf, math.inf):
        error = refused(name, value)
        assert error.allowed.endswith(f"from {info.low:g} to {info.high:g}")


@pytest.mark.parametrize("name", NUMBERS)
def test_ends_of_a_range_are_allowed(name):
    info = setting_info(name)

    for value in (info.low, info.high):
        assert getattr(with_value(name, value), name) == value


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [True, "0.5", None, [0.5], 0.5j])
def test_what_is_no_number_is_refused_for_a_number(name, value):
    refused(name, value)


@pytest.mark.parametrize("name", NUMBERS)
def test_nan_is_refused(name):
    with pytest.raises(SettingsError, match=f"{name} cannot be nan"):
        with_value(name, math.nan)


@pytest.mark.parametrize("name", NUMBERS)
def test_number_too_large_for_a_float_is_refused(name):
    refused(name, 10**400)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_float_passes_for_a_whole_number_and_becomes_one(name):
    value = float(setting_info(name).high)

    taken = getattr(with_value(name, value), name)

    assert taken == value
    assert type(taken) is int


@pytest.mark.parametrize("name", WHOLE)
def test_fraction_is_refused_for_a_whole_number(name):
    error = refused(name, setting_info(name).low + 0.5)

    assert error.allowed.startswith("a whole number")


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - set(WHOLE)))
def test_whole_number_becomes_a_float_where_floats_belong(name):
    assert type(getattr(with_value(name, int(setting_info(name).high)), name)) is float


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_only_true_and_false_pass_for_a_switch(name, value):
    assert refused(name, value).allowed == "true or false"


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [1, True, None, b"auto"])
def test_only_text_passes_for_text(name, value):
    assert refused(name, value).allowed == "text"


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_choice_is_refused_with_all_choices(name):
    error = refused(name, "none of these")

    assert error.allowed == "one of " + ", ".join(choices(TYPES[name]))


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_allowed(name):
    for choice in choices(TYPES[name]):
        assert getattr(with_value(name, choice), name) == choice


@pytest.mark.parametrize("name", list(TYPES))
def test_misspelt_name_suggests_the_right_one(name):
    misspelt = name[:-2] + name[-1] + name[-2]

    with pytest.raises(UnknownSetting) as caught:
        RestoreSettings.from_mapping({misspelt: 1})

    assert name in str(caught.value).split("Did you mean ")[1]
    assert caught.value.field == misspelt


def test_name_like_no_other_is_refused_without_a_guess():
    with pytest.raises(UnknownSetting, match=r"^There is no setting named 'zzzzzz'\.$"):
        RestoreSettings.from_mapping({"zzzzzz": 1})


@pytest.mark.parametrize("name", list(TYPES))
def test_every_setting_tells_a_person_what_it_is(name):
    info = setting_info(name)

    assert info.label[0].isupper()
    assert info.help.endswith(".")
    assert info.infotext.startswith("Face restore")


def test_no_two_settings_share_an_infotext_key_or_a_label():
    infos = [setting_info(name) for name in TYPES]

    assert len({info.infotext for info in infos}) == len(infos)
    assert len({info.label for info in infos}) == len(infos)


def test_the_scale_may_shrink_a_picture_and_a_pages_slider_only_enlarges():
    info = setting_info("scale")

    assert (info.low, info.high, info.slider_low) == (0.05, 8.0, 1.0)
    assert RestoreSettings(scale=0.5).scale == 0.5
    with pytest.raises(SettingsError, match=r"it must be a number from 0\.05 to 8"):
        RestoreSettings(scale=0.04)


def any_value(name):
    kind, info = TYPES[name], setting_info(name)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(info.low), int(info.high))
    if kind is float:
        return st.floats(info.low, info.high)
    return st.sampled_from(choices(kind)) if choices(kind) else st.text()


@given(st.fixed_dictionaries({name: any_value(name) for name in TYPES}))
@hypothesis_settings(deadline=None)
def test_settings_survive_the_way_through_plain_values(values):
    settings = RestoreSettings.from_mapping(values)

    plain = dataclasses.asdict(settings)

    assert plain == values
    assert RestoreSettings.from_mapping(plain) == settings


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RestoreSettings().fidelity = 1.0  # type: ignore[misc]  # mypy sees it too
