"""This extension's restorers in the host's list for "Restore faces".

The host's setting, its API, hires fix and plots choose them by name.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib_facerestore.engine.data import Picture
from lib_facerestore.hosts import base, restorer_list
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import Kind
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext, options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs import request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.restore_image import restore_image
from lib_facerestore.webui.lent import pending_messages

# Name of the attribute of the host's `p` that holds the job's _Records.
_RECORDS = "_facerestore_host_records"


@dataclass(frozen=True)
class _Records:
    """The records of one job's pictures."""

    owner: int
    """`id` of the host's `p` on which the job began; a copy of `p` has another one."""
    by_index: dict[int, Mapping[str, str]] = field(default_factory=dict)
    """Number of a picture in the job, from 0 → its record; {} where the picture did not change."""


class HostRestorer:
    """One entry of the host's list: see `hosts.restorer_list.FaceRestorer`."""

    is_of_facerestore = True
    """Tells this extension's entries from the host's."""
    cmd_dir = None
    """The host's API reads it of each entry: the folder of its models, which this extension does not tell."""

    def __init__(self, model: str = "") -> None:
        """model: name of the only model to run; "" for the models that the Settings' defaults choose."""
        self._model = model

    def name(self) -> str:
        """Return the entry's name in the host's Settings and API."""
        return base.title_of(self._model)

    def restore(self, np_image: Any) -> Any:
        """Restore the faces of a picture for the host, at the picture's size. Does not raise.

        Shapes: np_image (H, W, 3) RGB uint8 → the same. Where the restoration fails, np_image itself is returned, and
        the job's status says why. The host holds its queue lock during the call.
        """
        result = None
        with (
            guarded("keeping a record", lambda sentence: None),
            guarded("restoring faces for the WebUI", pending_messages.say),
        ):
            result = self._restored(np_image)
        with guarded("putting the models away", lambda sentence: None):
            warm_session.after_job()  # what the host does next may need the memory
        return np_image if result is None else result

    def _restored(self, np_image: Any) -> Any:
        """Return the restored pixels as an array that can be written to; keep record and sentences for the job.

        Raises: FaceRestoreError; Interrupted.
        """
        settings, notices = self._settings()
        context = RestoreContext(notices=list(notices))
        for sentence in notices:
            logger.info("%s", sentence)
        outcome = restore_image(Picture(np.ascontiguousarray(np_image)), settings, context)
        for sentence in context.sentences():
            pending_messages.say(sentence)
        pending_messages.note_picture(outcome.record)
        return np.array(outcome.result.picture.pixels)  # hosts and extensions may write on it

    def _settings(self) -> tuple[RestoreSettings, tuple[str, ...]]:
        """Return the Settings' defaults without upscaling, and a sentence for each model in them that is not known.

        An entry of one model has that model in place of the first one, and no second one.
        """
        values = {**options.defaults(), "upscaler": "none", "second_upscaler": "none"}
        if self._model:
            values |= {"restorer": self._model, "second_restorer": "none"}
        elif values["restorer"] == "none":
            values["restorer"] = "auto"  # a user who chose this entry wants faces restored
        known, notices = request.known_models(values)
        return RestoreSettings(**known).at_own_size(), notices


def put() -> None:
    """Replace this extension's entries in the host's list by those that folders and Settings call for now.

    They are one entry for the Settings' defaults and one for each restorer of the catalogue whose weights are present;
    none where the Settings or a flag of the host say so.
    """
    offered: list[HostRestorer] = []
    if options.value("host_lists") != "nothing" and not base.flag("no_facerestore", False):
        offered = [HostRestorer(), *(HostRestorer(name) for name in present_models("restorer"))]
    restorer_list.put(offered)


def withdraw() -> None:
    """Take this extension's entries out of the host's list. Called when the extension is unloaded."""
    restorer_list.put([])


def present_models(kind: Kind) -> dict[str, int]:
    """Return name → factor of the catalogue's models of a kind whose weights are present.

    Of an official model and its embedded copy only the first is returned. Files of the user that are not in the
    catalogue are left out, because the host lists them itself.
    """
    runtime = weights.listed(warm_session.runtime())
    found: dict[str, tuple[str, int]] = {}
    for spec in catalogue.of_kind(kind, weights.available(runtime)):
        if spec.file is None and weights.is_present(spec, runtime):
            found.setdefault(catalogue.plain_name(spec.name), (spec.name, spec.scale))
    return dict(found.values())


def write_records(p: Any) -> None:
    """Make the host write the records of its restored pictures into their infotexts.

    Only where the host's "Restore faces" is on and one of this extension's entries is chosen for it; then functions
    among the job's parameters return the record's values when the host writes the text.
    p: the host's job, before anything is generated. ADetailer calls the hook again in the middle of a job, with a copy
    of `p`: such a copy keeps the records of the job.
    """
    kept = getattr(p, _RECORDS, None)
    if isinstance(kept, _Records) and kept.owner != id(p):
        return
    is_asked = getattr(p, "restore_faces", False) and base.chosen_restorer().startswith(base.TITLE)
    setattr(p, _RECORDS, _Records(id(p)) if is_asked else None)
    if is_asked:
        for key in infotext.RECORD_KEYS:
            p.extra_generation_params[key] = functools.partial(_recorded, key)


def _recorded(key: str, /, **asked: Any) -> str | None:
    """Return a key's value in the record of the picture whose infotext the host writes; None leaves the key out.

    asked: the local variables of the host's function that writes infotexts. The host writes a picture's text before it
    restores the next picture, so that the latest record belongs to it. Records are read from `p`, because all cells of
    a plot share one dict of parameters, including cells that are not restored.
    """
    kept, index = getattr(asked.get("p"), _RECORDS, None), infotext.index_asked_for(asked)
    if index is None or not isinstance(kept, _Records):
        return None
    latest = pending_messages.take_record()
    if latest is not None:
        kept.by_index.setdefault(index, latest)
    return kept.by_index.get(index, {}).get(key)
