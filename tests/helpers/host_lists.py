"""The host's own lists of restorers and upscalers, and the entries in them that tests use."""

from __future__ import annotations

from stub_host.process import Host

OURS = "Face restore"
OF_MODEL = "Face restore: Real-ESRGAN x4plus (embedded)"
SMALL = "Real-ESRGAN animevideov3 (embedded)"
OFFERED = f"Face restore: {SMALL}"
LENT = "Neighbour x2"


def names(host: Host, what: str) -> list[str]:
    """What the host's API lists, such as its upscalers."""
    return [one["name"] for one in host.call(f"/sdapi/v1/{what}")["list"]]
