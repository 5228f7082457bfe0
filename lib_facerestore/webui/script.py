"""The accordion in txt2img and img2img, and the host's hooks around a generation. Decides nothing, hands on."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts

from lib_facerestore.webui import infotext, options, warm_session, xyz
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.comparison import face_grid
from lib_facerestore.webui.gallery import gallery_buttons
from lib_facerestore.webui.jobs import each_picture, job, request, whole_job
from lib_facerestore.webui.lent import host_restorers, pending_messages
from lib_facerestore.webui.page import compat, controls

TITLE = "Face restore"
_HAS_LATE_HOOK = hasattr(scripts.Script, "postprocess_image_after_composite")


class FaceRestoreScript(scripts.Script):  # type: ignore[misc]  # the host's class has no types
    """See the host's Script. State lives on `p`, never here: users and tabs share this object."""

    def title(self) -> str:
        """The name that API callers use."""
        return TITLE

    def show(self, is_img2img: bool) -> Any:
        """In both tabs; nowhere when flags switched both halves off."""
        return False if controls.is_all_off() else scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """The accordion. The host calls this again to learn the arguments of API callers who send none of ours."""
        tab = "img2img" if is_img2img else "txt2img"
        # Only then the arguments' places are known already.
        is_for_api = bool(self.args_to) and self.args_to > self.args_from
        panel = controls.build(TITLE, self.elem_id, options.value(tab), has_when=True)
        if is_for_api:
            for control in (panel.enabled, panel.when, *panel.fields.values()):
                control.value = None  # "not said": the Settings decide when the call comes
        else:
            gallery_buttons.expect(tab, panel)
        settings = gr.State({})
        settings.label = "settings of an API call"
        self.infotext_fields = infotext.fields(panel)
        self.paste_field_names = list(infotext.RECORD_KEYS)
        return [panel.enabled, settings, panel.when, *panel.fields.values()]

    def process(self, p: Any, *args: Any) -> None:
        """Before anything is generated: read the arguments, keep the job on `p`."""
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
                p.restore_faces = False  # else the host's own restoration would run before ours
            if started.is_per_picture:
                each_picture.prepare(p, started)
        for sentence in failures:
            p.comment(sentence)

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        """The only hook for one picture on hosts that lack the later one."""
        if not _HAS_LATE_HOOK:
            self.postprocess_image_after_composite(p, pp, *args)

    def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> None:
        """One picture, whole, before it is saved."""
        face_grid.keep_picture(p, pp.image)
        running = job.current_job(p)
        if running is None:
            return
        if running.is_per_picture:
            each_picture.restore(p, pp, running)
        running.seen.append(pp.image)

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """The whole job, after the host has saved everything. ADetailer calls this in between, without pictures."""
        running = job.current_job(p)
        if not processed.images or getattr(processed, "video_path", None):
            return
        if running is None:
            if not getattr(p, "_ad_inner", False):  # its sentences are the outer job's
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
        """The status below the gallery, of our job and of what the host's own buttons had ours do."""
        with guarded("showing the status", lambda sentence: logger.warning("%s", sentence)):
            lines = running.context.status().splitlines() if running else []
            lines += [f"{TITLE}: {sentence}" for sentence in pending_messages.take_sentences()]
            if not lines:
                return
            comments = (processed.comments or "").strip("\n").splitlines()  # with what earlier jobs of a script said
            processed.comments = "\n".join([*comments, *(line for line in lines if line not in comments)])
            if running is None or running.has_script:
                for line in lines:
                    p.comment(line)  # scripts that make a result of their own show only what stands there
            for sentence in running.context.notices if running else []:
                logger.info("%s", sentence)
                compat.notify(f"{TITLE}: {sentence}")
