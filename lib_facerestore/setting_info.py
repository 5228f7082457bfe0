"""The description of a setting, from which shells make its control or option, and the check of a value against it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lib_facerestore.errors import SettingsError

Group = Literal["model", "faces", "mask", "upscale"]


@dataclass(frozen=True)
class SettingInfo:
    """The description of one setting."""

    label: str
    """Its name on a page and in the help of the command line."""
    help: str
    """What its values mean, in one sentence."""
    group: Group
    """The part of the page or of the help where it stands."""
    low: float | None = None
    """The lowest allowed number; None where the setting is no number."""
    high: float | None = None
    """The highest allowed number; None where the setting is no number."""
    step: float | None = None
    """Distance between neighbouring values of a slider; values between them are allowed too."""
    slider_low: float | None = None
    """The lower end of a slider, where lower numbers are of no use on a page; None stands for `low`."""
    slider_high: float | None = None
    """The upper end of a slider, where the whole range would make it too coarse; None stands for `high`."""
    unit: str = ""
    """The unit of its numbers, for example "px"; "" for none."""
    infotext: str = ""
    """Its key in a picture's infotext."""


def setting(default: Any, info: SettingInfo) -> Any:
    """A dataclass field with that default, which carries the description in its metadata."""
    return dataclasses.field(default=default, metadata={"info": info})


def choices(kind: Any) -> tuple[str, ...]:
    """The allowed strings of a Literal type; the empty tuple for other types."""
    return tuple(get_args(kind))


def checked(name: str, value: object, kind: Any, info: SettingInfo) -> bool | int | float | str:
    """Check a value of the setting `name`, and give it back in its declared type.

    kind: the declared type, bool, int, float, str or a Literal of strings. A float that is a whole number passes for an
    int; text never passes for a number.
    Raises: SettingsError.
    """
    if kind is bool:
        if not isinstance(value, bool):
            raise SettingsError(name, value, "true or false")
        return value
    if kind in (int, float):
        return _checked_number(name, value, kind, info)
    if not isinstance(value, str):
        raise SettingsError(name, value, "text")
    if choices(kind) and value not in choices(kind):
        raise SettingsError(name, value, f"one of {', '.join(choices(kind))}")
    return value


def _checked_number(name: str, value: object, kind: Any, info: SettingInfo) -> int | float:
    """Check a number against its range, both ends included. Raises: SettingsError."""
    assert info.low is not None, f"{name} has no range"
    assert info.high is not None, f"{name} has no range"
    allowed = f"{'a whole number' if kind is int else 'a number'} from {info.low:g} to {info.high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsError(name, value, allowed)
    # False for NaN too; asking whether a whole number of 400 digits is finite would raise.
    if not info.low <= value <= info.high or (kind is int and value != int(value)):
        raise SettingsError(name, value, allowed)
    return int(value) if kind is int else float(value)
