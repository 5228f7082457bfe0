"""The accordion in txt2img and img2img, and the hooks that the host calls around a generation.

Here is decided which way a job takes: each picture before it is saved (`jobs.each_picture`), all after the whole job
(`jobs.whole_job`), or the host's own "Restore faces" with an entry of this extension (`lent.host_restorers`).
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts

from lib_facerestore.hosts import base
from lib_facerestore.webui import infotext, options, warm_session, xyz
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.comparison import face_grid
from lib_facerestore.webui.gallery import gallery_buttons
from lib_facerestore.webui.jobs import each_picture, job, request, whole_job
from lib_facerestore.webui.lent import host_restorers, pending_messages
from lib_facerestore.webui.page import compat, controls

# Whether the host calls a hook after it has laid an inpainting's original over the picture. Old hosts do not.
_HAS_LATE_HOOK = hasattr(scripts.Script, "postprocess_image_after_composite")


class FaceRestoreScript(scripts.Script):  # type: ignore[misc]  # the host's class has no types
    """See the host's Script. Its state is kept on the host's `p`, because all users and tabs share this object.

    In the hooks `p` is the host's job, and args are the values of what `ui` returned, or what an API caller sent.
    """

    def title(self) -> str:
        """Return the name by which API callers address the script."""
        return base.TITLE

    def show(self, is_img2img: bool) -> Any:
        """Return the host's mark of a script that takes part in every job; False where flags switched it off."""
        return False if controls.is_all_off() else scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """Draw the accordion and return the controls in the order of the hooks' args.

        The host calls this once more to learn the args of API callers that send none for this script.
        """
        tab = "img2img" if is_img2img else "txt2img"
        # At that second call the host has set the places of the args already.
        is_for_api = bool(self.args_to) and self.args_to > self.args_from
        panel = controls.build(base.TITLE, self.elem_id, options.value(tab), has_when=True)
        if is_for_api:
            for control in (panel.enabled, panel.when, *panel.fields.values()):
                control.value = None  # read as: take what the Settings say when the API call comes
        else:
            gallery_buttons.expect(tab, panel)
        settings = gr.State({})
        settings.label = "settings of an API call"
        self.infotext_fields = infotext.fields(panel)
        self.paste_field_names = list(infotext.RECORD_KEYS)
        return [panel.enabled, settings, panel.when, *panel.fields.values()]

    def process(self, p: Any, *args: Any) -> None:
        """Read the args and begin a job; the host calls this before anything is generated.

        Where this extension restores faces, the host's own restoration is switched off for the job. Where the args
        cannot be read, the job runs without this extension, and its status says why.
        """
        failures: list[str] = []
        with guarded("reading the settings", failures.append):
            tab = "img2img" if self.is_img2img else "txt2img"
            if job.is_on_a_copy(p):
                return
            asked = request.request_of_generation(args, tab, xyz.plotted(p))
            started = job.begin(p, asked)
            if started is None:
                host_restorers.write_records(p)
                return
            if asked.settings.restorer != "none":
                p.restore_faces = False  # faces would be restored twice
            if started.is_per_picture:
                each_picture.prepare(p, started)
        for sentence in failures:
            p.comment(sentence)

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        """Do the work of `postprocess_image_after_composite` on hosts that do not call that hook."""
        if not _HAS_LATE_HOOK:
            self.postprocess_image_after_composite(p, pp, *args)

    def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> None:
        """Restore one picture, if pictures are restored before they are saved; note it for later hooks and the grid.

        The host calls this before it saves the picture. pp: the host's holder of it.
        """
        face_grid.keep_picture(p, pp.image)
        running = job.current_job(p)
        if running is None:
            return
        if running.is_per_picture:
            each_picture.restore(p, pp, running)
        running.seen.append(pp.image)

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """End the job: restore its pictures where that is done after the whole job, and show the status.

        The host calls this after it has saved everything; ADetailer calls it in the middle of a job, without pictures.
        processed: the host's result. Videos are left alone.
        """
        running = job.current_job(p)
        if not processed.images or getattr(processed, "video_path", None):
            return
        if running is None:
            # Sentences of a job that ADetailer runs inside another one are told at the end of the outer job.
            if not getattr(p, "_ad_inner", False):
                self._tell(p, processed, None)
            return
        if not running.is_per_picture:
            with guarded("finishing the job", running.context.say):
                whole_job.finish(p, processed, running)
        else:
            with guarded("looking at what came later", running.context.say):
                each_picture.say_what_came_later(p, processed, running)
        with guarded("putting the models away", running.context.say):
            warm_session.after_job()
        running.is_finished = True
        self._tell(p, processed, running)

    def _tell(self, p: Any, processed: Any, running: job.Job | None) -> None:
        """Show the status of a job below the gallery; notices are shown as toasts and written into the log, too.

        The status has the sentences of this extension's job, if there is one (running), and those of its entries in
        the host's own lists.
        """
        with guarded("showing the status", lambda sentence: logger.warning("%s", sentence)):
            lines = running.context.status().splitlines() if running else []
            lines += [f"{base.TITLE}: {sentence}" for sentence in pending_messages.take_sentences()]
            if not lines:
                return
            # A script may have collected the sentences of its earlier jobs here.
            comments = (processed.comments or "").strip("\n").splitlines()
            processed.comments = "\n".join([*comments, *(line for line in lines if line not in comments)])
            if running is None or running.has_script:
                for line in lines:
                    p.comment(line)  # a script that makes a result of its own shows only the comments of `p`
            for sentence in running.context.notices if running else []:
                logger.info("%s", sentence)
                compat.notify(f"{base.TITLE}: {sentence}")
