"""A neighbour for tests: breaks one of our functions for one job, or misbehaves itself, as its API argument says.

"lib_facerestore.webui.jobs.whole_job.items_of" lets it raise; "raise" raises in a hook of its own before ours,
"memory" lets every restorer run out of memory, "larger" returns a picture of another size before ours, "late larger"
and "late raise" do so after ours. "skip" presses Skip once when we have begun a picture, "skip sampling" while the host
generates the first batch, "interrupt another" runs and interrupts a job of its own whenever we encode a picture for our
API. "bar" prints what the progress bar says when sampling begins.
"""

import importlib
import sys

import torch
from modules import call_queue, scripts, shared

broken = []


def refuse(*args, **kwargs):
    """What a broken function does."""
    raise RuntimeError("broken on purpose")


def run_out(*args, **kwargs):
    """What a network does that finds no memory."""
    raise torch.cuda.OutOfMemoryError("CUDA out of memory.")


def before(owner, name, act):
    """Have something done before each call of a function, until the next job."""
    function = getattr(owner, name)
    break_function(owner, name, lambda *args, **kwargs: (act(), function(*args, **kwargs))[1])


def skip_once():
    """Press Skip, and never again in this job."""
    mend()
    shared.state.skip()


def interrupt_another():
    """What another user does in between."""
    with call_queue.queue_lock:
        shared.state.begin("another")
        shared.state.interrupt()
        shared.state.end()


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
            break_function(importlib.import_module("lib_facerestore.models.executors").Runner, "__call__", run_out)
        if stage == "skip":
            before(importlib.import_module("lib_facerestore.webui.jobs.restore_image"), "from_pil", skip_once)
        if stage == "interrupt another":
            before(importlib.import_module("lib_facerestore.webui.api.pictures"), "write", interrupt_another)

    def process_before_every_sampling(self, p, stage="", *args, **kwargs):
        if stage == "bar":
            sys.stdout.write(f"The bar says {shared.state.textinfo!r} before sampling.\n")

    def post_sample(self, p, ps, stage="", *args):
        if stage == "skip sampling" and p.iteration == 0:
            shared.state.skip()

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
