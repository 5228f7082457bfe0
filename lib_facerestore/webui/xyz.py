"""Axes of the host's X/Y/Z plot: one for each setting of this extension, and one that switches it on and off.

An axis writes the cell's value onto the cell's `p`, from which the job of that cell reads it (`plotted`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from lib_facerestore.errors import SettingsError
from lib_facerestore.hosts import base
from lib_facerestore.models import weights
from lib_facerestore.setting_info import checked, choices
from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs.request import ENABLED, in_words
from lib_facerestore.webui.page import compat, controls

PREFIX = f"[{base.TITLE}] "
"""What the labels of this extension's axes begin with."""
# Name of the attribute of the host's `p` that holds a cell's values.
_NAME = "_facerestore_xyz"
# Name of the plot's file.
_SCRIPT = "xyz_grid.py"
# Cost of an axis that changes the model, and of one that mixes two checkpoints anew. The plot changes axes of high cost
# least often; for comparison, its own axis of checkpoints has 1, that of VAEs 0.7.
_MODEL_COST, _MIXED_MODEL_COST = 0.5, 0.3
# What users may write for a tick box, in lower case.
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def register() -> None:
    """Add the axes to the host's plot, unless it has them; do nothing where the host has no such plot.

    Called twice: while the host loads this extension, because a host without a page reads the axes right after that;
    and before the page is drawn, because the plot may be loaded after this extension.
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
    """Return setting → value as axes of this extension set them for the cell of `p`; {} outside a plot."""
    found = getattr(p, _NAME, {})
    return found if isinstance(found, Mapping) else {}


def _plot() -> Any:
    """Return the module of the host's plot; None where there is none that has axes of this kind."""
    from modules import scripts

    for data in getattr(scripts, "scripts_data", ()):
        if os.path.basename(str(data.path)) == _SCRIPT and hasattr(data.module, "AxisOption"):
            return data.module if hasattr(data.module, "axis_options") else None
    return None


def _axis(option_class: Any, name: str) -> Any:
    """Make the axis of one setting. option_class: the host's class of axes.

    Numbers have the types int and float, for which the host understands ranges such as 0-1 [5]. Arguments are given by
    place, because SD.Next has the same ones in the same order under other names.
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
    """Set the value of a setting for one cell; called by the plot. x: the value; xs: all values of the axis, not used.

    A new dict replaces the old one, because the cells are shallow copies of one `p`.
    """
    setattr(p, _NAME, {**plotted(p), name: x})


def _choices(name: str) -> list[str]:
    """Return the values that the plot offers for an axis; of models those that can be used now."""
    if name in controls.MODEL_SETTINGS:
        return controls.model_names(name, only_usable=True)
    return ["True", "False"] if _kind(name) is bool else list(choices(_kind(name)))


def _leave_out_bad(name: str, p: Any, values: list[Any]) -> None:
    """Check the values of an axis before anything is generated; called by the plot.

    Values that cannot be used are removed from the list, and the user is told. An exception would end the plot; and if
    the job replaced the value later, the cell would stand under a wrong legend.
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
    """Return the value of a setting that a text or number of the plot stands for.

    Raises: SettingsError where the setting cannot have it, or no model has that name.
    """
    kind = _kind(name)
    if kind is bool:
        word = str(given).strip().lower()
        if word not in _WORDS:
            raise SettingsError(name, given, "True or False")
        return _WORDS[word]
    # The plot adds up the numbers of a range such as 0-1 [5], so that its end may be off by a rounding error.
    value = checked(name, round(given, 8) if isinstance(given, float) else given, kind, setting_info(name))
    if name in controls.MODEL_SETTINGS:
        model_kind, words = controls.MODEL_SETTINGS[name]
        if str(value).lower() not in {word.lower() for word in words}:
            weights.choose(str(value), model_kind, warm_session.runtime())
    return value


def _say(p: Any, sentence: str) -> None:
    """Tell the user a sentence: below the gallery, where the plot shows the comments of `p`, in the log, as a toast."""
    p.comment(f"{base.TITLE}: {sentence}")
    logger.info("%s", sentence)
    compat.notify(f"{base.TITLE}: {sentence}")


def _legend(name: str, p: Any, option: Any, x: Any) -> str:
    """Return the legend of a row or column of the plot, without the prefix of the axes. x: the value."""
    return f"{_label(name)}: {x:g}" if isinstance(x, float) else f"{_label(name)}: {x}"


def _label(name: str) -> str:
    """Return the label of a setting's axis, without the prefix."""
    return "Enabled" if name == ENABLED else setting_info(name).label


def _kind(name: str) -> Any:
    """Return the type of a setting's values."""
    return bool if name == ENABLED else field_types()[name]
