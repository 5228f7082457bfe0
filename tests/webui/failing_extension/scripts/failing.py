"""A neighbour for tests: breaks one of our functions for one job, or misbehaves itself, as its API argument says.

"lib_facerestore.webui.whole_job.items_of" lets that function raise; "raise" raises in a hook of its own before ours,
"larger" returns a picture of another size before ours, "late larger" and "late raise" do so after ours.
"""

import importlib

from modules import scripts

broken = []


def refuse(*args, **kwargs):
    """What a broken function does."""
    raise RuntimeError("broken on purpose")


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
            owner = importlib.import_module(path)
            broken.append((owner, name, getattr(owner, name)))
            setattr(owner, name, refuse)

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
