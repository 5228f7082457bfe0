"""Gallery pictures: the file that a picture was saved as is served itself; others become temporary PNGs with text."""

from __future__ import annotations

import os
import tempfile

import gradio as gr
from PIL import PngImagePlugin

from modules import host_kind, shared


def register_tmp_file(demo, filename: str) -> None:
    """Allow gradio to serve a file."""
    # The path first: it asks the disk, which lets in the threads that save a gallery's other pictures.
    path = _absolute(filename)
    demo.temp_file_sets[0] = demo.temp_file_sets[0] | {path}


def check_tmp_file(demo, filename: str) -> bool:
    """Whether gradio serves a file because the host said so."""
    return any(_absolute(filename) in served for served in demo.temp_file_sets)


def _absolute(filename: str):
    # gradio 4 asks for paths, gradio 3 for text.
    return os.path.abspath(filename) if host_kind.GRADIO < 4 else gr.utils.abspath(filename)


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
    # Forge cuts the date off when it serves the file.
    return os.path.abspath(name.rsplit("?", 1)[0])


def _serves_itself(original):
    """A saved file is served where it is, and accepted from the page; of all others gradio 4 takes a copy."""

    def is_static_file(given) -> bool:
        path = getattr(given, "path", None)
        is_served = isinstance(path, str) and shared.demo is not None and check_tmp_file(shared.demo, path)
        return is_served or original(given)

    return is_static_file


def install() -> None:
    """Replace gradio's own way."""
    if host_kind.GRADIO < 4:
        gr.components.IOComponent.pil_to_temp_file = _for_gradio3
    else:
        import gradio.processing_utils

        gradio.processing_utils.save_pil_to_cache = _for_gradio4
        gradio.utils.is_static_file = _serves_itself(gradio.utils.is_static_file)
