"""A neighbour for tests: mirrors each picture, with ReActor's calls. The code is our own.

Argument by API, a list of words; [] for off. The first says when:
"before saving": in postprocess_image. "beside": after the job, the original kept ("save original"): each result is
saved by itself under the first seed and appended without a text, and a grid of all is put in front.
"in place of all": two results for each picture (two source faces); the host is forbidden to save, all results are
saved, and only those of the last picture come into the gallery.
Further words: "larger" enlarges twofold, "restored" restores with the host's first restorer, as ReActor does after
a swap; "not the second" finds no face in the second picture.
Source: Gourieff/sd-webui-reactor 0.7.1, scripts/reactor_faceswap.py and reactor_swapper.py.
"""

import numpy as np
from modules import images, scripts, shared
from PIL import Image, ImageOps


class Swapping(scripts.Script):
    """See above. What to do stands on the object, as with ReActor."""

    words: tuple[str, ...] = ()

    def title(self):
        return "Swapping"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        import gradio as gr

        words = gr.State([])
        words.label = "words"
        return [words]

    def process(self, p, words=(), *args):
        self.words = tuple(words or ())
        if "in place of all" in self.words:
            p.do_not_save_samples = True

    def postprocess_image(self, p, pp, *args):
        if "before saving" in self.words:
            pp.image = self._swapped(pp.image)

    def postprocess(self, p, processed, *args):
        if "beside" in self.words:
            shown = processed.images
        elif "in place of all" in self.words:
            shown = []
        else:
            return
        first = processed.index_of_first_image
        originals = list(zip(processed.images[first:], processed.infotexts[first:]))
        for number, (image, text) in enumerate(originals):
            if number == 1 and "not the second" in self.words:
                continue
            results = [self._swapped(image)]
            if "in place of all" in self.words:
                results.append(Image.eval(results[0], lambda level: level * 9 // 10))
                shown = results
            else:
                shown.extend(results)
            for result in results:
                images.save_image(
                    result, p.outpath_samples, "", p.all_seeds[0], p.all_prompts[0], "png", info=text, p=p,
                    suffix="-swapped",
                )  # fmt: skip
        if shared.opts.return_grid and len(shown) > 2:
            grid = images.image_grid([one.convert("RGB") for one in shown if one.size == shown[-1].size])
            shown.insert(0, grid)
            images.save_image(
                grid, p.outpath_grids, "grid", p.all_seeds[0], p.all_prompts[0], shared.opts.grid_format,
                info=originals[-1][1], short_filename=True, p=p, grid=True,
            )  # fmt: skip
        processed.images = shown

    def _swapped(self, image):
        result = ImageOps.mirror(image.convert("RGB"))
        if "restored" in self.words:
            result = Image.fromarray(shared.face_restorers[0].restore(np.array(result)))
        if "larger" in self.words:
            lanczos = next(one for one in shared.sd_upscalers if one.name == "Lanczos")
            result = lanczos.scaler.upscale(result, 2, lanczos.data_path)
        return result
