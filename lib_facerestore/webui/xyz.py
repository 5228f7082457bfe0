"""Our settings as axes of the host's X/Y/Z plot. What an axis sets stands on the cell's `p` until the job reads it."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from lib_facerestore.errors import SettingsError
from lib_facerestore.models import weights
from lib_facerestore.setting_info import checked, choices
from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs.request import ENABLED, in_words
from lib_facerestore.webui.page import compat, controls

PREFIX = "[Face restore] "
_NAME = "_facerestore_xyz"
_SCRIPT = "xyz_grid.py"
# The plot changes axes of high cost least often. Its own axes: checkpoints 1, VAEs 0.7.
_MODEL_COST, _MIXED_MODEL_COST = 0.5, 0.3
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def register() -> None:
    """Add our axes to the host's plot, once; nothing where the host has no plot or another kind of one.

    Called while the host loads us and again before it draws its page: a host without a page draws the plot in between,
    and on others the plot is loaded after us.
    """
    with guarded("adding axes to the plot", lambda sentence: None):
        module = _plot()
        if (
            controls.is_all_off()
            or module is None
            or any(str(option.label).startswith(PREFIX) for option in module.axis_options)
        ):
            return
        names = (ENABLED, *(name for name in controls.ORDER_ON_PAGE if not controls.is_switched_off(name)))
        module.axis_options.extend(_axis(module.AxisOption, name) for name in names)


def plotted(p: Any) -> Mapping[str, Any]:
    """What axes of ours set for this cell, by setting; {} outside a plot."""
    found = getattr(p, _NAME, {})
    return found if isinstance(found, Mapping) else {}


def _plot() -> Any:
    """The module of the host's plot, or None."""
    from modules import scripts

    for data in getattr(scripts, "scripts_data", ()):
        if os.path.basename(str(data.path)) == _SCRIPT and hasattr(data.module, "AxisOption"):
            return data.module if hasattr(data.module, "axis_options") else None
    return None


def _axis(option_class: Any, name: str) -> Any:
    """One axis, of the host's class. A number's type is the plain one, for which the host understands ranges.

    By place: SD.Next has the same arguments in the same order under other names.
    """
    kind = _kind(name)
    is_number = kind in (int, float)
    cost = _MODEL_COST if name in controls.MODEL_SETTINGS else 0.0
    return option_class(
        PREFIX + _label(name),
        kind if is_number else str,
        functools.partial(_apply, name),
        functools.partial(_legend, name),
        functools.partial(_leave_out_bad, name),
        _MIXED_MODEL_COST if name == "denoise" else cost,
        None if is_number else functools.partial(_choices, name),
    )


def _apply(name: str, p: Any, x: Any, xs: Any) -> None:
    """Set the value for one cell. Replaced, never changed in place: cells are shallow copies of one `p`."""
    setattr(p, _NAME, {**plotted(p), name: x})


def _choices(name: str) -> list[str]:
    """What the plot offers: models as far as their weights are here, or may be fetched."""
    if name in controls.MODEL_SETTINGS:
        return controls.model_names(name, only_usable=True)
    return ["True", "False"] if _kind(name) is bool else list(choices(_kind(name)))


def _leave_out_bad(name: str, p: Any, values: list[Any]) -> None:
    """Before anything is generated: the host's list loses values that cannot be used, and that is said.

    Raising would end the plot with a trace; a value replaced later would stand under a wrong legend.
    """
    good: list[Any] = []
    for given in values:
        with guarded(f"reading the axis {_label(name)}", functools.partial(_say, p)):
            try:
                good.append(_value(name, given))
            except SettingsError as error:
                _say(p, f"{in_words(_label(name), error, given)} It was left out of the plot.")
    values[:] = good


def _value(name: str, given: Any) -> Any:
    """The value that a text or number of the plot means.

    Raises: SettingsError.
    """
    kind = _kind(name)
    if kind is bool:
        word = str(given).strip().lower()
        if word not in _WORDS:
            raise SettingsError(name, given, "True or False")
        return _WORDS[word]
    # Ranges such as 0-1 [5] are made of sums, which miss their ends by a rounding error.
    value = checked(name, round(given, 8) if isinstance(given, float) else given, kind, setting_info(name))
    if name in controls.MODEL_SETTINGS:
        model_kind, words = controls.MODEL_SETTINGS[name]
        if str(value).lower() not in {word.lower() for word in words}:
            weights.choose(str(value), model_kind, warm_session.runtime())
    return value


def _say(p: Any, sentence: str) -> None:
    """Below the gallery, in the log and on the page: the plot copies the comments of `p` to its result."""
    p.comment(f"Face restore: {sentence}")
    logger.info("%s", sentence)
    compat.notify(f"Face restore: {sentence}")


def _legend(name: str, p: Any, option: Any, x: Any) -> str:
    return f"{_label(name)}: {x:g}" if isinstance(x, float) else f"{_label(name)}: {x}"


def _label(name: str) -> str:
    return "Enabled" if name == ENABLED else setting_info(name).label


def _kind(name: str) -> Any:
    return bool if name == ENABLED else field_types()[name]
