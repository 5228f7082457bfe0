"""Extras as SD.Next has it: less on the picture, no first pass, each script a job of its own."""

from __future__ import annotations

from modules import scripts_postprocessing as usual
from modules import shared


class PostprocessedImage:
    """A picture or a video, and words about it; nothing else."""

    def __init__(self, image=None, video=None, info=None):
        self.image = image
        self.video = video
        self.info = {} if info is None else info


class ScriptPostprocessing:
    """Base of its scripts, which may have `postprocess(filenames, …)` besides."""

    filename = None
    controls = None
    args_from = None
    args_to = None
    order = 1000
    name = "unknown"
    group = None

    def ui(self):
        pass

    def process(self, pp, **args):
        pass

    def image_changed(self):
        pass


class ScriptPostprocessingRunner(usual.ScriptPostprocessingRunner):
    """Arguments and page as usual; settings that hide a script are not there."""

    def run(self, pp, args):
        for script in self.scripts_in_preferred_order():
            job = shared.state.begin(script.name)
            script.process(pp, **dict(zip(script.controls, args[script.args_from : script.args_to])))
            shared.state.end(job)
