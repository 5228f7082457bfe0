"""Our restorers behind the host's own "Restore faces": setting, API, hires fix and plots use them by name."""

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
from lib_facerestore.webui.jobs.one_picture import restore_image
from lib_facerestore.webui.lent import pending_messages

_RECORDS = "_facerestore_host_records"


@dataclass(frozen=True)
class _Records:
    """What was done to the pictures of one job, by index. owner: identity of the host's `p` that it began on."""

    owner: int
    by_index: dict[int, Mapping[str, str]] = field(default_factory=dict)


class HostRestorer:
    """One entry of the host's list. model: its name, or "" for the one of our Settings, with all that they say."""

    is_of_facerestore = True
    cmd_dir = None  # the host's API shows it

    def __init__(self, model: str = "") -> None:
        self._model = model

    def name(self) -> str:
        """The name in the host's Settings and API."""
        return base.title_of(self._model)

    def restore(self, np_image: Any) -> Any:
        """See `hosts.restorers.FaceRestorer`. Where it fails the picture stays as it is, and the job's status says so.

        The host holds its queue lock meanwhile; it is not taken here.
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
        """Our Settings' defaults without any upscaling, and what could not be used of them.

        With a model of its own only that one runs.
        """
        values = {**options.defaults(), "upscaler": "none", "second_upscaler": "none"}
        if self._model:
            values |= {"restorer": self._model, "second_restorer": "none"}
        elif values["restorer"] == "none":  # whoever chose this entry wants faces restored
            values["restorer"] = "auto"
        known, notices = request.known_models(values)
        return RestoreSettings(**known).at_own_size(), notices


def put() -> None:
    """Have our entries in the host's list as its folders and our Settings are now: one and one for each model here."""
    offered: list[HostRestorer] = []
    if options.value("host_lists") != "nothing" and not base.flag("no_facerestore", False):
        offered = [HostRestorer(), *(HostRestorer(name) for name in present_models("restorer"))]
    restorer_list.put(offered)


def withdraw() -> None:
    """Take our entries out, when the extension is unloaded."""
    restorer_list.put([])


def present_models(kind: Kind) -> dict[str, int]:
    """Names of the catalogue's models whose weights are here, with their factors; of two of a kind the official one.

    A user's own files are left out: the host lists them itself.
    """
    runtime = weights.listed(warm_session.runtime())
    found: dict[str, tuple[str, int]] = {}
    for spec in catalogue.of_kind(kind, weights.available(runtime)):
        if spec.file is None and weights.is_present(spec, runtime):
            found.setdefault(catalogue.plain_name(spec.name), (spec.name, spec.scale))
    return dict(found.values())


def write_records(p: Any) -> None:
    """Let the host ask for what ours did to each picture while it writes the texts, where its "Restore faces" uses us.

    p: the host's job, in the hook before anything is generated. Copies of `p`, on which ADetailer calls the hook once
    more in the middle of a job, keep the job's records.
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
    """The value of a key for the picture whose text the host writes; it does so right after each picture.

    The records lie on `p`: the cells of a plot share one dict of parameters, also those that are not restored.
    """
    kept, index = getattr(asked.get("p"), _RECORDS, None), infotext.index_asked_for(asked)
    if index is None or not isinstance(kept, _Records):
        return None
    latest = pending_messages.take_record()
    if latest is not None:
        kept.by_index.setdefault(index, latest)
    return kept.by_index.get(index, {}).get(key)
