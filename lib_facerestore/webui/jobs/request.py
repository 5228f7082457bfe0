"""Turn the arguments that the host gives to this extension's hooks into checked settings.

The arguments come from the page or from an API call. A value that cannot be used is replaced by its default, and a
sentence for the user says so.
"""

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

# The arguments of a generation are: enabled, a dict for API callers, when, and then the controls in the order of the
# page. The documented API is the first two; the others are sent by a page that this same version drew.
_FIRST_CONTROL = 3
ENABLED = "enabled"
"""Name of the tick box in an API caller's dict and among the plot's axes."""
# Words that may stand in place of a model's name. Users write them in any case.
_WORDS: dict[Kind, tuple[str, ...]] = {"restorer": ("auto", "none"), "upscaler": ("auto", "Lanczos", "none")}


@dataclass(frozen=True)
class Request:
    """What the user or the API caller asks this extension to do in one job."""

    is_on: bool
    """Whether the extension takes part in the job."""
    settings: RestoreSettings
    """Checked settings, without what the host's flags switched off."""
    when: options.When
    """Whether pictures are restored after the whole job or each before it is saved."""
    notices: tuple[str, ...] = ()
    """A sentence for each value that could not be used; empty where the extension is off."""


def request_of_generation(args: Sequence[Any], tab: str, plotted: Mapping[str, Any] | None = None) -> Request:
    """Return the request of a txt2img or img2img job.

    args: see `_enabled_values_when`. tab: "txt2img" or "img2img"; where `enabled` is None, the Settings' switch of this
    tab decides. plotted: setting → value that axes of the X/Y/Z plot set for this cell. They take precedence over args
    and switch the extension on, unless the plot has an axis for "enabled", whose value decides then.
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
    """Return `enabled`, the given settings by name, and `when` from the arguments of a generation; nothing is checked.

    args: `[enabled, {}, when, controls…]` from a page; `[enabled, {settings}]` or `[{"enabled": …, settings…}]` from
    an API caller. The host appends the default values of the controls, which `FaceRestoreScript.ui` set to None: a
    setting that is None is left out, so that the Settings' present value is used and not the one of the host's start.
    notices: a sentence is added to it if the second argument is no dict.
    """
    enabled, given, when = (*args[:_FIRST_CONTROL], None, None, None)[:_FIRST_CONTROL]
    if isinstance(enabled, Mapping):
        given = dict(enabled)
        enabled = given.pop(ENABLED, True)
    if isinstance(given, Mapping) and given:
        values = {str(name): value for name, value in given.items()}
        return enabled, values, values.pop("when", options.value("when"))
    if given not in ({}, None):
        notices.append(f"{base.TITLE} takes [true, {{settings}}]; its second argument {given!r} was left out.")
    by_place = zip(ORDER_ON_PAGE, args[_FIRST_CONTROL:])
    values = {name: value for name, value in by_place if value is not None}
    return enabled, values, options.value("when") if when is None else when


def request_of_extras(args: Mapping[str, Any]) -> Request:
    """Return the request of one Extras picture.

    args: control's name → value. An API caller who sends nothing for this extension gives None for all, which leaves
    it off. A single value that is missing or None, as SD.Next allows, is replaced by the Settings' default.
    """
    is_on = bool(args.get("enabled"))
    settings, replaced = checked_settings(
        {name: args[name] for name in ORDER_ON_PAGE if args.get(name) is not None} if is_on else {}
    )
    return Request(is_on, settings, options.WHEN[0], replaced)


def checked_settings(values: Mapping[str, Any]) -> tuple[RestoreSettings, tuple[str, ...]]:
    """Return settings with the given values, and a sentence for each value that could not be used.

    values: setting → value. Settings that are missing or whose value cannot be used have the default from the host's
    Settings. What the host's flags switched off is off.
    """
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
    """Replace unknown names of models by their defaults; return all values, and a sentence for each replaced one.

    values: setting → value, complete. A name is unknown if neither the catalogue, the folders of models nor the host
    has it. The name of a model whose file is missing stays: the run tells the user how to fetch it.
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
    """Return the value of a model setting if it is known; "auto", "none" and "Lanczos" in this spelling.

    name: the setting. Raises: SettingsError for a name that neither the catalogue, the folders nor the host has.
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
        return value  # the name is known, but its file cannot be used: the run tells the user why
    return value


def _default_model(name: str) -> str:
    """Return the default that the Settings have for a model setting.

    Where that name is unknown too, because its file was deleted, return the default of a fresh installation.
    """
    try:
        return _known_model(name, options.defaults()[name])
    except SettingsError:
        return str(setting_default(name))


def within_flags(settings: RestoreSettings) -> tuple[RestoreSettings, tuple[str, ...]]:
    """Return the settings without what the host's flags switched off, and a sentence for each thing left out.

    `--no-facerestore` switches restoring faces off, `--no-facerestore-upscale` any change of the picture's size.
    """
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
    """Return a sentence that says which values the setting can have, with at most 60 characters of the refused value.

    label: of the setting, as on the page.
    """
    text = repr(value)
    return f"{label} cannot be {text[:60]}{'…' if len(text) > 60 else ''}: it must be {error.allowed}."
