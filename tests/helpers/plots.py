"""Plots of the host with axes of ours, by API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from helpers.running_host import Host, Made

PREFIX = "[Face restore] "
VISIBILITY, SCALE, FACES, MODEL, ENABLED = (
    f"{PREFIX}{label}" for label in ("GFPGAN / CodeFormer visibility", "Scale", "Which faces", "Model", "Enabled")
)
CELL = (192, 160)
# An axis's label, and its values: a list for an axis with choices, else a text.
Axis = tuple[str, str | list[str]]
# The plot's title, where it is another.
PLOT = {"stub-sdnext": "xyz grid script"}


def labels(host: Host, tab: str = "txt2img") -> list[str]:
    """Labels of the plot's axes in the host's own list."""
    listed = host.call("/sdapi/v1/script-info")["list"]
    (info,) = [
        one
        for one in listed
        if one["name"] == PLOT.get(host.name, "x/y/z plot") and one["is_img2img"] == (tab == "img2img")
    ]
    choices: list[str] = info["args"][0]["choices"]
    return choices


def plot(
    host: Host, portrait: Path, x: Axis, y: Axis | None = None, face: list[object] | None = None, **fields: Any
) -> Made:
    """A plot of one or two axes, each (label, values): a list for an axis with choices, else a text."""
    known = labels(host)
    axes: list[object] = []
    for axis in (x, y):
        label, values = axis or ("Nothing", "")
        axes += [known.index(label), *(["", values] if isinstance(values, list) else [values, []])]
    # Whether there is a legend; real hosts have a third axis and more switches: sub-images are wanted.
    rest: list[object] = [False] if host.name.startswith("stub") else [0, "", [], False, True, *[False] * 5, 0, False]
    return host.generate(
        face=face, photo=portrait, script_name=PLOT.get(host.name, "x/y/z plot"), script_args=[*axes, *rest], **fields
    )


def cells(made: Made) -> list[tuple[Image.Image, str]]:
    """The cells and their texts, without the plot itself."""
    assert len(made.images) == len(made.infotexts)
    return list(zip(made.images[1:], made.infotexts[1:]))
