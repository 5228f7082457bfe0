"""The panel in the Extras tab: the same controls, one picture at a time, whatever brought it there."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts_postprocessing

from lib_facerestore.engine.report import status_line
from lib_facerestore.hosts import base
from lib_facerestore.hosts.progress import HostProgress, text_put_back
from lib_facerestore.webui import infotext, options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs import one_picture, request
from lib_facerestore.webui.lent import pending_messages
from lib_facerestore.webui.page import controls

TITLE = "Face restore"
STATUS_KEY = "Face restore status"
# The host's Upscale is at 1000, its GFPGAN at 2000.
_BEFORE_UPSCALE, _AFTER_UPSCALE = 900, 1500


class FaceRestoreExtras(scripts_postprocessing.ScriptPostprocessing):  # type: ignore[misc]
    """See the host's ScriptPostprocessing."""

    name = TITLE

    def __init__(self) -> None:
        super().__init__()
        self._unread = 0  # broken files since the last status that a person could read

    @property
    def order(self) -> int:
        """Place among the tab's steps, read each time it is used."""
        return _BEFORE_UPSCALE if options.value("extras_place") == "before the host's upscaler" else _AFTER_UPSCALE

    def ui(self) -> dict[str, Any]:
        """The controls by argument. Must not raise, or the host's whole page would be lost."""
        try:
            if controls.is_all_off():
                return {}
            panel = controls.build(TITLE, lambda name: f"extras_facerestore_{name}", False, has_when=False)
            return {"enabled": panel.enabled, **panel.fields}
        except Exception:
            logger.exception("building the Extras panel failed")
            return {"enabled": gr.Checkbox(False, label="Face restore could not be set up; the log says why.")}

    def process_firstpass(self, pp: Any, **args: Any) -> None:
        """Before any step: a file that breaks off would end the host's whole batch, so the host is told to skip it."""
        with guarded("looking at the picture", lambda sentence: None):
            if not request.of_extras(args).is_on:
                return
            try:
                pp.image.load()
            except OSError as error:
                pp.disable_processing = True
                base.state().skipped = True
                self._unread += 1
                logger.warning("a file was skipped because it cannot be read: %s", error)

    def process(self, pp: Any, **args: Any) -> None:
        """Restore and upscale `pp.image`; where that fails it stays as it is and `pp.info` says why."""
        said: list[str] = []
        with guarded("working on the picture", said.append):
            self._process(pp, args, said)
        said += pending_messages.take_sentences()
        if said:
            pp.info[STATUS_KEY] = " ".join(dict.fromkeys(said))
            logger.info("%s", pp.info[STATUS_KEY])

    def _process(self, pp: Any, args: dict[str, Any], said: list[str]) -> None:
        with guarded("reading the settings", said.append):
            asked = request.of_extras(args)
            if not asked.is_on:
                return
            said.extend(asked.notices)
            # Where this step runs in a generation the host merges these into the texts of all pictures that follow.
            pp.info.update(dict.fromkeys(infotext.RECORD_KEYS))
            state = base.state()
            with guarded("restoring the picture", said.append), text_put_back(state):
                image, report = one_picture.restore(pp.image, asked.settings, HostProgress(state), keeps_alpha=True)
                said[:0] = [status_line(report)]
                said.extend(report.warnings)
                if one_picture.has_changed(report):
                    pp.image = image
                    pp.info.update(infotext.record(report, asked.settings))
            warm_session.after_job()
        if self._unread:
            said.append(f"Broken files skipped before this one: {self._unread}.")
            self._unread = 0
