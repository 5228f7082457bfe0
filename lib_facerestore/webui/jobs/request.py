"""What a host hands to our hooks, from the page or from an API, to checked settings; says what it had to replace."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib_facerestore.errors import SettingsError, WeightsError
from lib_facerestore.hosts import base
from lib_facerestore.models import weights
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.setting_info import checked
from lib_facerestore.settings import RestoreSettings, field_types, setting_default, setting_info
from lib_facerestore.webui import options, warm_session
from lib_facerestore.webui.page.controls import MODEL_SETTINGS, ORDER_ON_PAGE

# The arguments of a generation: enabled, a dict for API callers, when, then the controls. Only the first two are for
# others to use; the rest comes from a page that this same version drew.
_FIRST_CONTROL = 3
# The tick box among values by name: of an API caller, and of an axis of the plot.
ENABLED = "enabled"
# What may stand in a model's place; people also write these with capitals.
_WORDS: dict[Kind, tuple[str, ...]] = {"restorer": ("auto", "none"), "upscaler": ("auto", "Lanczos", "none")}


@dataclass(frozen=True)
class Request:
    """What is to be done in one job. notices: a sentence for each value that could not be used."""

    is_on: bool
    settings: RestoreSettings
    when: options.When
    notices: tuple[str, ...] = ()


def of_generation(args: Sequence[Any], tab: str, plotted: Mapping[str, Any] | None = None) -> Request:
    """The request of a txt2img or img2img job.

    args: see `_enabled_values_when`; where enabled is None the master switch of the tab decides.
    plotted: what axes of a plot set for this cell, over the arguments; any of them switches us on, unless "enabled" is
    one of them and says otherwise.
    """
    notices: list[str] = []
    enabled, values, when = _enabled_values_when(args, notices)
    if plotted:
        values.update({name: value for name, value in plotted.items() if name != ENABLED})
        enabled = plotted.get(ENABLED, True)
    if when not in options.WHEN:
        notices.append(f"when cannot be {when!r}: it must be {' or '.join(options.WHEN)}. The first one was taken.")
        when = options.WHEN[0]
    is_on = options.value(tab) if enabled is None else enabled is True or enabled == 1
    settings, replaced = checked_settings(values)
    return Request(is_on, settings, when, (*notices, *replaced) if is_on else ())


def _enabled_values_when(args: Sequence[Any], notices: list[str]) -> tuple[Any, dict[str, Any], Any]:
    """Whether we are switched on, the settings that are given, by name, and when to restore; none of them checked.

    args: `[enabled, {}, when, controls…]` from a page; `[enabled, {settings}]` or `[{"enabled": …, settings…}]` from
    an API, which the host fills up with what our `ui` gives it. None stands for what nobody said: the Settings' value
    of this moment holds, where the values that hosts keep from their start would be outdated.
    """
    enabled, given, when = (*args[:_FIRST_CONTROL], None, None, None)[:_FIRST_CONTROL]
    if isinstance(enabled, Mapping):
        given = dict(enabled)
        enabled = given.pop(ENABLED, True)
    if isinstance(given, Mapping) and given:
        values = {str(name): value for name, value in given.items()}
        return enabled, values, values.pop("when", options.value("when"))
    if given not in ({}, None):
        notices.append(f"Face restore takes [true, {{settings}}]; its second argument {given!r} was left out.")
    by_place = zip(ORDER_ON_PAGE, args[_FIRST_CONTROL:])
    values = {name: value for name, value in by_place if value is not None}
    return enabled, values, options.value("when") if when is None else when


def of_extras(args: Mapping[str, Any]) -> Request:
    """The request of one Extras picture; off where an API call says nothing of ours and every argument is None.

    SD.Next takes arguments by name from such a call; those that it leaves out have the Settings' defaults.
    """
    is_on = bool(args.get("enabled"))
    settings, replaced = checked_settings(
        {name: args[name] for name in ORDER_ON_PAGE if args.get(name) is not None} if is_on else {}
    )
    return Request(is_on, settings, options.WHEN[0], replaced)


def checked_settings(values: Mapping[str, Any]) -> tuple[RestoreSettings, tuple[str, ...]]:
    """Settings of the values, the Settings' defaults for the others, and what could not be used."""
    chosen = options.defaults()
    notices: list[str] = []
    kinds = field_types()
    for name, value in values.items():
        if name not in kinds:
            notices.append(f"There is no setting named {name[:60]!r}; it was left out.")
            continue
        try:
            chosen[name] = checked(name, value, kinds[name], setting_info(name))
        except SettingsError as error:
            notices.append(f"{in_words(setting_info(name).label, error, value)} {chosen[name]} was taken.")
    known, replaced = known_models(chosen)
    settings, switched_off = within_flags(RestoreSettings(**known))
    return settings, (*notices, *replaced, *switched_off)


def known_models(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values with defaults in place of models' names that neither we nor the host know, and a sentence on each.

    values: every setting by name. A model whose file is missing is known: the run says how it is fetched.
    """
    known = dict(values)
    notices: list[str] = []
    for name in MODEL_SETTINGS:
        try:
            known[name] = _known_model(name, values[name])
        except SettingsError as error:
            known[name] = _default_model(name)
            label = setting_info(name).label
            notices.append(f"{in_words(label, error, values[name])} {known[name]} was taken.")
    return known, tuple(notices)


def _known_model(name: str, value: str) -> str:
    """The name of a model as it was given; a word for none of a kind in its own spelling.

    Raises: SettingsError where nobody knows it.
    """
    kind, _ = MODEL_SETTINGS[name]
    for word in _WORDS[kind]:
        if value.lower() == word.lower():
            return word
    runtime = warm_session.runtime()
    if kind == "upscaler" and value in runtime.other_upscalers.names():
        return value
    try:
        weights.choose(value, kind, runtime)
    except WeightsError:
        return value  # a file that cannot be used: the run says why
    return value


def _default_model(name: str) -> str:
    """The Settings' default; ours where that is unknown too, because its file is gone."""
    try:
        return _known_model(name, options.defaults()[name])
    except SettingsError:
        return str(setting_default(name))


def within_flags(settings: RestoreSettings) -> tuple[RestoreSettings, tuple[str, ...]]:
    """The settings without what the host's flags switched off, and a sentence for each half that was asked for."""
    notices: list[str] = []
    if base.flag("no_facerestore", False) and settings.restorer != "none":
        settings = dataclasses.replace(settings, restorer="none")
        notices.append("No face was restored: the WebUI was started with --no-facerestore.")
    if base.flag("no_facerestore_upscale", False):
        asked_for, settings = settings, dataclasses.replace(settings.at_own_size(), upscaler="none")
        if asked_for != asked_for.at_own_size():
            notices.append("Nothing was upscaled: the WebUI was started with --no-facerestore-upscale.")
    return settings, tuple(notices)


def in_words(label: str, error: SettingsError, value: object) -> str:
    """The error's sentence with no more of the value than a line can hold."""
    shown = repr(value)
    return f"{label} cannot be {shown[:60]}{'…' if len(shown) > 60 else ''}: it must be {error.allowed}."
