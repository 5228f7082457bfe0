"""A neighbour for tests: paints a corner of each picture anew, with ADetailer's calls. The code is our own.

In postprocess_image: with the first picture of a batch all scripts' `postprocess` with an empty list, on a copy of p;
then an inpainting job inside this one, marked `_ad_inner`; then the picture as it was is saved with the suffix
"-ad-before"; with the last picture of a batch all scripts' `before_process` and `process` on a copy of p.

Argument by API: "" for off, "selected" for inner jobs without other scripts (ADetailer's default lets only those in
that work on prompts and networks), "all" for inner jobs with all of them.
Source: Bing-su/adetailer 25.3.0, scripts/!adetailer.py.
"""

import copy

from modules import images, scripts, shared
from modules.processing import Processed, StableDiffusionProcessingImg2Img, create_infotext, process_images
from PIL import Image, ImageDraw

CORNER_PX = 40


def corner(size):
    """A mask, white over the upper left corner."""
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, CORNER_PX - 1, CORNER_PX - 1), fill=255)
    return mask


class Detailing(scripts.Script):
    """See above."""

    def title(self):
        return "Detailing"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        import gradio as gr

        return [gr.Textbox(value="", visible=False, label="Detailing", elem_id=self.elem_id("kind"))]

    def process(self, p, kind="", *args):
        if kind and not getattr(p, "_ad_disabled", False):
            p.extra_generation_params["Detailing"] = kind

    def postprocess_image(self, p, pp, kind="", *args):
        if not kind or getattr(p, "_ad_disabled", False):
            return
        pp.image = pp.image.convert("RGB")
        before = copy.copy(pp.image)
        if p.batch_index == 0:
            p.scripts.postprocess(copy.copy(p), Processed(p, [], p.seed, ""))
        inner = self._inner_job(p, pp.image, kind)
        try:
            pp.image = process_images(inner).images[0]
        finally:
            inner.close()
        self._save(p, before)
        if p.batch_index == p.batch_size - 1:
            again = copy.copy(p)
            p.scripts.before_process(again)
            p.scripts.process(again)

    def _inner_job(self, p, image, kind):
        inner = StableDiffusionProcessingImg2Img(
            init_images=[image], mask=corner(image.size), mask_blur=2, inpainting_fill=1, inpaint_full_res=False,
            denoising_strength=0.9, sd_model=p.sd_model, outpath_samples=p.outpath_samples,
            outpath_grids=p.outpath_grids, prompt="a corner", negative_prompt="", styles=p.styles,
            seed=p.all_seeds[p.iteration * p.batch_size + p.batch_index], sampler_name=p.sampler_name, batch_size=1,
            n_iter=1, steps=p.steps, cfg_scale=p.cfg_scale, width=p.width, height=p.height, tiling=p.tiling,
            extra_generation_params={k: v for k, v in p.extra_generation_params.items() if not callable(v)},
            do_not_save_samples=True, do_not_save_grid=True,
        )  # fmt: skip
        runner = copy.copy(p.scripts)
        if kind != "all":
            runner.alwayson_scripts = []
        inner.scripts, inner.script_args = runner, copy.copy(p.script_args)
        inner._ad_disabled = True
        inner._ad_inner = True
        return inner

    def _save(self, p, image):
        index = (p.iteration * p.batch_size + p.batch_index) % len(p.all_prompts)
        text = create_infotext(p, p.all_prompts, p.all_seeds, p.all_subseeds, None, 0, 0)  # always of the first
        images.save_image(
            image, p.outpath_samples, "", p.all_seeds[index], p.all_prompts[index], shared.opts.samples_format,
            info=text, p=p, suffix="-ad-before",
        )  # fmt: skip
