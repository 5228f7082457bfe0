"""Enlarges the start picture and runs an inner job on each tile, like the hosts' "SD upscale"."""

import math

import gradio as gr
from modules import images, processing, scripts, shared
from modules.processing import Processed
from PIL import Image

OVERLAP = 64


def tiles(length: int, tile: int, overlap: int) -> list[int]:
    """Starts of tiles that cover a length, the last one ending with it."""
    if length <= tile:
        return [0]
    count = math.ceil((length - overlap) / (tile - overlap))
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]


class Script(scripts.Script):
    def title(self):
        return "SD upscale"

    def show(self, is_img2img):
        return is_img2img

    def ui(self, is_img2img):
        info = gr.HTML("<p>Upscales the image by the selected scale factor, tile by tile.</p>")
        overlap = gr.Slider(0, 256, OVERLAP, step=16, label="Tile overlap", elem_id=self.elem_id("overlap"))
        scale = gr.Slider(1, 4, 2, step=0.05, label="Scale Factor", elem_id=self.elem_id("scale_factor"))
        names = [data.name for data in shared.sd_upscalers]
        name = gr.Radio(names, value=names[0], type="index", label="Upscaler", elem_id=self.elem_id("upscaler_index"))
        return [info, overlap, name, scale]

    def run(self, p, _, overlap, upscaler_index, scale_factor):
        if isinstance(upscaler_index, str):
            upscaler_index = [data.name.lower() for data in shared.sd_upscalers].index(upscaler_index.lower())
        processing.fix_seed(p)
        data = shared.sd_upscalers[upscaler_index]
        p.extra_generation_params["SD upscale overlap"] = overlap
        p.extra_generation_params["SD upscale upscaler"] = data.name
        # Once for the whole job; the inner jobs neither save nor make a grid.
        p.do_not_save_grid, p.do_not_save_samples = True, True
        batch_size, count, first_seed = p.batch_size, p.n_iter, p.seed
        p.n_iter = 1
        source = images.flatten(p.init_images[0], shared.opts.img2img_background_color)
        large = data.scaler.upscale(source, scale_factor, data.data_path) if data.name != "None" else source
        corners = [
            (left, top)
            for top in tiles(large.height, p.height, overlap)
            for left in tiles(large.width, p.width, overlap)
        ]
        batches = math.ceil(len(corners) / batch_size)
        shared.state.job_count = batches * count
        results, first_text = [], None
        for number in range(count):
            p.seed = first_seed + number
            made = []
            for batch in range(batches):
                p.batch_size = batch_size
                part = corners[batch * batch_size : (batch + 1) * batch_size]
                p.init_images = [large.crop((x, y, x + p.width, y + p.height)) for x, y in part]
                shared.state.job = f"Batch {batch + 1 + number * batches} out of {shared.state.job_count}"
                processed = processing.process_images(p)
                first_text = first_text or processed.info
                p.seed = processed.seed + 1
                made += processed.images
            result = Image.new("RGB", large.size)
            for tile, corner in zip(made, corners):
                result.paste(tile, corner)
            results.append(result)
            if shared.opts.samples_save:
                seed = first_seed + number
                images.save_image(
                    result, p.outpath_samples, "", seed, p.prompt, shared.opts.samples_format, info=first_text, p=p
                )
        return Processed(p, results, first_seed, first_text)
