"""Fills shared.sd_upscalers: the host's own, and on most kinds every direct subclass that an extension defined."""

from __future__ import annotations

from modules import host_kind, shared, upscaler


def load_upscalers() -> None:
    """Make the list anew, after the scripts of extensions are loaded. An exception of a constructor stops the start."""
    classes: dict[str, type] = {}
    for found in upscaler.Upscaler.__subclasses__():
        # A reload defines a class again: the later one counts.
        classes[found.__name__] = found
    own = (
        []
        if host_kind.makes_upscalers_from_a_list()
        else [kind for name, kind in classes.items() if kind not in upscaler.BUILTIN and name != "_Resampling"]
    )
    data = []
    builtin = upscaler.BUILTIN[:1] if host_kind.kind == "neo" else upscaler.BUILTIN
    for kind in [*builtin, *own]:
        made = kind(None)
        data += made.scalers
    shared.sd_upscalers = [entry for entry in data if entry.name == "None"] + sorted(
        (entry for entry in data if entry.name != "None"), key=lambda entry: (entry.scaler.__class__ in own, entry.name)
    )
