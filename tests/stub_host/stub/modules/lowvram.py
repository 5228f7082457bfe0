"""--lowvram and --medvram of A1111; on Forge and reForge the functions exist and do nothing."""

from __future__ import annotations

from modules import host_kind, shared

# Not in the hosts: how often an extension asked, for tests.
calls = 0


def send_everything_to_cpu() -> None:
    """Counted; there is nothing to send."""
    global calls
    calls += 1


def is_enabled(sd_model: object) -> bool:
    """Whether parts of the model wait outside the card."""
    flags = shared.cmd_opts
    return host_kind.kind == "a1111" and bool(flags.lowvram or flags.medvram)


def is_needed(sd_model: object) -> bool:
    """As is_enabled."""
    return is_enabled(sd_model)
