"""Gallery pictures: the file that a picture was saved as is served itself; others become temporary PNGs with text."""

from __future__ import annotations

import os
import tempfile

import gradio as gr
from PIL import PngImagePlugin

from modules import host_kind, shared


def register_tmp_file(demo, filename: str) -> None:
    """Allow gradio to serve a file."""
    demo.temp_file_sets[0] = demo.temp_file_sets[0] | {os.path.abspath(filename)}


def _file_of(image, folder: str) -> str:
    saved = getattr(image, "already_saved_as", None)
    if saved and os.path.isfile(saved):
        register_tmp_file(shared.demo, saved)
        dated = f"{saved}?{os.path.getmtime(saved)}"
        register_tmp_file(shared.demo, dated)
        return dated
    folder = shared.opts.temp_dir or folder
    os.makedirs(folder, exist_ok=True)
    texts = PngImagePlugin.PngInfo()
    for key, value in image.info.items():
        if isinstance(key, str) and isinstance(value, str):
            texts.add_text(key, value)
    with tempfile.NamedTemporaryFile(delete=False, suffix=".png", dir=folder) as file:
        image.save(file, format="png", pnginfo=texts)
    return file.name


def _for_gradio3(self, pil_image, dir=None, format="png"):
    return _file_of(pil_image, dir)


def _for_gradio4(pil_image, cache_dir=None, format="png"):
    # No `name`: gr.Image(type="filepath", image_mode=None) fails here as it does on Forge.
    name = _file_of(pil_image, cache_dir)
    # Forge serves the saved file; gradio 4 here takes a copy into its cache, so the date must go.
    return os.path.abspath(name.rsplit("?", 1)[0])


def install() -> None:
    """Replace gradio's own way."""
    if host_kind.GRADIO < 4:
        gr.components.IOComponent.pil_to_temp_file = _for_gradio3
    else:
        import gradio.processing_utils

        gradio.processing_utils.save_pil_to_cache = _for_gradio4
