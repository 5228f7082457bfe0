"""Which host the stub behaves like, as --kind says; and what sets the kinds apart, one function each."""

from __future__ import annotations

from importlib.metadata import version

GRADIO = int(version("gradio").split(".")[0])
KINDS = ("a1111", "forge", "reforge", "classic", "neo", "sdnext")
kind = "a1111" if GRADIO < 4 else "forge"

_VERSIONS = {
    "a1111": "v1.10.1-stub",
    "forge": "f2.0.1v1.10.1-stub",
    "reforge": "f1.0.0v2-v1.10.1RC-stub",
    "classic": "classic-stub",
    "neo": "neo-stub",
    "sdnext": "stub",
}


def is_forge() -> bool:
    """Forge 2, and Neo, which comes of it: gradio 4, an index in PostprocessImageArgs, InputAccordion a function."""
    return kind in ("forge", "neo")


def is_forge_family() -> bool:
    """Those with Forge's memory manager and its thread for jobs; they keep extension folders on sys.path."""
    return kind in ("forge", "reforge", "classic", "neo")


def is_sdnext() -> bool:
    """SD.Next, whose jobs, Extras and state are its own."""
    return kind == "sdnext"


def hides_text() -> bool:
    """Whether saving hides the text in the alpha channel by default."""
    return kind == "forge"


def makes_upscalers_from_a_list() -> bool:
    """Whether classes of extensions are overlooked when the list of upscalers is made."""
    return kind in ("reforge", "neo")


def output_folder() -> str:
    """The folder of all results under the host's own."""
    return "output" if kind in ("classic", "neo") else "outputs"


def program_version() -> str:
    """What the infotext says as Version."""
    return _VERSIONS[kind]
