"""Which host the stub behaves like: "a1111" under gradio 3, "forge" under gradio 4, or what --kind says."""

from __future__ import annotations

from importlib.metadata import version

GRADIO = int(version("gradio").split(".")[0])
KINDS = ("a1111", "forge")
kind = "a1111" if GRADIO < 4 else "forge"


def is_forge() -> bool:
    """Whether the stub behaves like Forge."""
    return kind == "forge"


def program_version() -> str:
    """What the infotext says as Version."""
    return "f2.0.1v1.10.1-stub" if is_forge() else "v1.10.1-stub"
