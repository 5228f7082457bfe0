"""Plots of the host with axes of ours, by API."""

from __future__ import annotations

PREFIX = "[Face restore] "
VISIBILITY, SCALE, FACES, MODEL, ENABLED = (
    f"{PREFIX}{label}" for label in ("GFPGAN / CodeFormer visibility", "Scale", "Which faces", "Model", "Enabled")
)
CELL = (192, 160)
# The plot's title, where it is another.
PLOT = {"stub-sdnext": "xyz grid script"}


def labels(host, tab="txt2img"):
    """Labels of the plot's axes in the host's own list."""
    listed = host.call("/sdapi/v1/script-info")["list"]
    (info,) = [
        one
        for one in listed
        if one["name"] == PLOT.get(host.name, "x/y/z plot") and one["is_img2img"] == (tab == "img2img")
    ]
    return info["args"][0]["choices"]


def plot(host, portrait, x, y=None, face=None, **fields):
    """A plot of one or two axes, each (label, values): a list for an axis with choices, else a text."""
    known = labels(host)
    axes = []
    for axis in (x, y):
        label, values = axis or ("Nothing", "")
        axes += [known.index(label), *(["", values] if isinstance(values, list) else [values, []])]
    # Whether there is a legend; real hosts have a third axis and more switches: sub-images are wanted.
    rest = [False] if host.name.startswith("stub") else [0, "", [], False, True, *[False] * 5, 0, False]
    return host.generate(
        face=face, photo=portrait, script_name=PLOT.get(host.name, "x/y/z plot"), script_args=[*axes, *rest], **fields
    )


def cells(made):
    """The cells and their texts, without the plot itself."""
    assert len(made.images) == len(made.infotexts)
    return list(zip(made.images[1:], made.infotexts[1:]))
