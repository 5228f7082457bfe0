"""A neighbour for tests: shows a grey map for each picture behind all of them, without texts, as ControlNet does."""

from modules import scripts
from PIL import Image


class Script(scripts.Script):
    def title(self):
        return "Mapping"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def postprocess(self, p, processed, *args):
        """Behind the pictures; nothing is saved."""
        count = len(processed.images) - processed.index_of_first_image
        processed.images.extend(Image.new("RGB", (p.width, p.height), "grey") for _ in range(count))
