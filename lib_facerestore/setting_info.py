"""What a person and a shell need to know of a setting, and the check of a value against it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lib_facerestore.errors import SettingsError

Group = Literal["model", "faces", "mask", "upscale"]


@dataclass(frozen=True)
class SettingInfo:
    """What a person and a shell need to know of one setting. `low` and `high` are inclusive."""

    label: str
    help: str
    group: Group
    low: float | None = None
    high: float | None = None
    step: float | None = None
    slider_low: float | None = None
    slider_high: float | None = None
    """Ends of a slider on a page, where all of the range would make it too coarse to move or has no use there."""
    unit: str = ""
    infotext: str = ""


def setting(default: Any, info: SettingInfo) -> Any:
    """A dataclass field with its description."""
    return dataclasses.field(default=default, metadata={"info": info})


def choices(kind: Any) -> tuple[str, ...]:
    """The allowed strings of a Literal type; empty for other types."""
    return tuple(get_args(kind))


def checked(name: str, value: object, kind: Any, info: SettingInfo) -> bool | int | float | str:
    """The value in its declared type, or SettingsError; whole floats pass for ints, never text for numbers."""
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
    assert info.low is not None, f"{name} has no range"
    assert info.high is not None, f"{name} has no range"
    allowed = f"{'a whole number' if kind is int else 'a number'} from {info.low:g} to {info.high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsError(name, value, allowed)
    # False for NaN too; asking whether a whole number of 400 digits is finite would raise.
    if not info.low <= value <= info.high or (kind is int and value != int(value)):
        raise SettingsError(name, value, allowed)
    return int(value) if kind is int else float(value)
