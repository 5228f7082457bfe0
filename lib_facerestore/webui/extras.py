"""The panel in the Extras tab: the same controls, one picture at a time, whatever brought it there."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts_postprocessing

from lib_facerestore.hosts import base
from lib_facerestore.webui import infotext, options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs import request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.one_picture import restore_image
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
            if not request.request_of_extras(args).is_on:
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
        context = RestoreContext()
        with guarded("working on the picture", context.say):
            self._process(pp, args, context)
        said = dict.fromkeys([*context.sentences(), *pending_messages.take_sentences()])
        if said:
            pp.info[STATUS_KEY] = " ".join(said)
        for sentence in context.notices:
            logger.info("%s", sentence)

    def _process(self, pp: Any, args: dict[str, Any], context: RestoreContext) -> None:
        with guarded("reading the settings", context.say):
            asked = request.request_of_extras(args)
            if not asked.is_on:
                return
            context.notices.extend(asked.notices)
            # Where this step runs in a generation the host merges these into the texts of all pictures that follow.
            pp.info.update(dict.fromkeys(infotext.RECORD_KEYS))
            with guarded("restoring the picture", context.say):
                outcome = restore_image(pp.image, asked.settings, context)
                if outcome.is_changed:
                    pp.image = outcome.image()
                    pp.info.update(outcome.record)
            warm_session.after_job()
        if self._unread:
            context.say(f"Broken files skipped before this one: {self._unread}.")
            self._unread = 0
