"""Puts photographs in the place of generated pictures, so that others see real faces. For stub and real hosts.

Source, first that is set: the argument by API ("alwayson_scripts": {"Photograph": {"args": ["/a.png:/b.png"]}}),
the environment variable FACERESTORE_PHOTO. "-" means off. Picture i of a job gets photograph i modulo their count.
"""

import os

import numpy as np
import torch
from modules import scripts
from PIL import Image, ImageOps

VARIABLE = "FACERESTORE_PHOTO"


def paths(argument: object) -> list[str]:
    """The photographs to use; none for "-"."""
    asked = argument.strip() if isinstance(argument, str) else ""
    asked = asked or os.environ.get(VARIABLE, "").strip()
    return [] if asked in ("", "-") else asked.split(os.pathsep)


def fitted(path: str, width: int, height: int) -> Image.Image:
    """A photograph that covers the size, cropped around its middle; one of that size stays bit for bit."""
    photograph = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if photograph.size == (width, height):
        return photograph
    return ImageOps.fit(photograph, (width, height), Image.Resampling.LANCZOS)


class Photograph(scripts.Script):
    """Works after decoding and before every hook on single pictures."""

    def title(self):
        return "Photograph"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        import gradio as gr

        box = gr.Textbox(value="", visible=False, label="Photograph", elem_id=self.elem_id("photograph"))
        return [box]

    def postprocess_batch_list(self, p, pp, *args, **kwargs):
        chosen = paths(args[0] if args else "")
        if not chosen:
            return
        first = int(kwargs.get("batch_number", 0)) * p.batch_size
        for number, old in enumerate(pp.images):
            height, width = int(old.shape[-2]), int(old.shape[-1])
            levels = np.asarray(fitted(chosen[(first + number) % len(chosen)], width, height), np.float32)
            # + 0.25: hosts multiply by 255 and truncate.
            values = np.moveaxis((levels + 0.25) / 255, 2, 0).copy()
            pp.images[number] = torch.from_numpy(values).to(device=old.device, dtype=torch.float32)
