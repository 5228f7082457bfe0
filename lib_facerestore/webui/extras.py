"""This extension's step in the Extras tab: its controls, and the restoration of one picture at a time.

The host calls it for a single picture, for each of a batch or a folder, and where Extras runs inside a generation.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts_postprocessing

from lib_facerestore.hosts import base
from lib_facerestore.webui import infotext, options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs import request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.restore_image import restore_image
from lib_facerestore.webui.lent import pending_messages
from lib_facerestore.webui.page import controls

STATUS_KEY = f"{base.TITLE} status"
"""Key of the status in the information that the host shows below a picture and writes into its file."""
# Places among the steps; the host's Upscale is at 1000, its GFPGAN at 2000.
_BEFORE_UPSCALE, _AFTER_UPSCALE = 900, 1500


class FaceRestoreExtras(scripts_postprocessing.ScriptPostprocessing):  # type: ignore[misc]
    """See the host's ScriptPostprocessing."""

    name = base.TITLE
    """The name of the step in the tab."""

    def __init__(self) -> None:
        super().__init__()
        self._unread = 0
        """Broken files that were skipped since the last picture whose status could tell of them."""

    @property
    def order(self) -> int:
        """Place among the tab's steps. The host reads it for each picture, so that changed Settings count at once."""
        return _BEFORE_UPSCALE if options.value("extras_place") == "before the host's upscaler" else _AFTER_UPSCALE

    def ui(self) -> dict[str, Any]:
        """Draw the controls; return argument of `process` → control. Does not raise: the host would lose its page."""
        try:
            if controls.is_all_off():
                return {}
            panel = controls.build(base.TITLE, lambda name: f"extras_facerestore_{name}", False, has_when=False)
            return {"enabled": panel.enabled, **panel.fields}
        except Exception:
            logger.exception("building the Extras panel failed")
            return {"enabled": gr.Checkbox(False, label=f"{base.TITLE} could not be set up; the log says why.")}

    def process_firstpass(self, pp: Any, **args: Any) -> None:
        """Skip a picture whose file cannot be read to its end: its error would end the host's whole batch.

        The host calls this before the first step of a picture. pp: the host's holder of the picture. args: values of
        the controls.
        """
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
        """Restore and upscale `pp.image`, and write status and record into `pp.info`.

        Where that fails `pp.image` stays as it is and the status says why. args: values of the controls.
        """
        context = RestoreContext()
        with guarded("working on the picture", context.say):
            self._process(pp, args, context)
        said = dict.fromkeys([*context.sentences(), *pending_messages.take_sentences()])
        if said:
            pp.info[STATUS_KEY] = " ".join(said)
        for sentence in context.notices:
            logger.info("%s", sentence)

    def _process(self, pp: Any, args: dict[str, Any], context: RestoreContext) -> None:
        """See `process`; the sentences of the status go into the context."""
        with guarded("reading the settings", context.say):
            asked = request.request_of_extras(args)
            if not asked.is_on:
                return
            context.notices.extend(asked.notices)
            # Inside a generation the host copies these values into the infotexts of all pictures that follow. None
            # leaves a key out, so that the record of an earlier picture does not stay.
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
