"""A neighbour for tests: breaks one of our functions for one job, or misbehaves itself, as its API argument says.

"lib_facerestore.webui.whole_job.items_of" lets that function raise; "raise" raises in a hook of its own before ours,
"memory" lets every restorer run out of memory, "larger" returns a picture of another size before ours, "late larger"
and "late raise" do so after ours.
"""

import importlib

import torch
from modules import scripts

broken = []


def refuse(*args, **kwargs):
    """What a broken function does."""
    raise RuntimeError("broken on purpose")


def run_out(*args, **kwargs):
    """What a network does that finds no memory."""
    raise torch.cuda.OutOfMemoryError("CUDA out of memory.")


def break_function(owner, name, by):
    """Put another function in its place until the next job."""
    broken.append((owner, name, getattr(owner, name)))
    setattr(owner, name, by)


def mend():
    """Put back what was broken."""
    while broken:
        owner, name, function = broken.pop()
        setattr(owner, name, function)


class Failing(scripts.Script):
    """See above."""

    def title(self):
        return "Failing"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        import gradio as gr

        return [gr.Textbox(value="", visible=False, label="Failing", elem_id=self.elem_id("stage"))]

    def before_process(self, p, stage="", *args):
        mend()
        if stage and stage.startswith("lib_facerestore"):
            path, name = stage.rsplit(".", 1)
            break_function(importlib.import_module(path), name, refuse)
        if stage == "memory":
            break_function(importlib.import_module("lib_facerestore.models.precision").Precision, "run", run_out)

    def postprocess_image(self, p, pp, stage="", *args):
        if stage == "raise":
            raise RuntimeError("a neighbour fails")
        if stage == "larger":
            pp.image = pp.image.resize((pp.image.width + 32, pp.image.height + 16))

    def postprocess_image_after_composite(self, p, pp, stage="", *args):
        if stage == "late raise":
            raise RuntimeError("a neighbour fails")
        if stage == "late larger":
            pp.image = pp.image.resize((pp.image.width + 32, pp.image.height + 16))
