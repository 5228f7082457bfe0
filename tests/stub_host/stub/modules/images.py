"""Pictures of the host: reading, resizing, grids; saving comes from image_saving."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageColor, ImageOps

from modules import script_callbacks, shared
from modules.image_info import read_info_from_image
from modules.image_saving import (
    FilenameGenerator,
    get_next_sequence_number,
    save_image,
    save_image_with_geninfo,
)

__all__ = [
    "FilenameGenerator",
    "get_next_sequence_number",
    "image_data",
    "image_grid",
    "read_info_from_image",
    "save_image",
    "save_image_with_geninfo",
]
LANCZOS = Image.Resampling.LANCZOS


def fix_image(image: Image.Image | None) -> Image.Image | None:
    """Upright; a palette with transparency becomes RGBA. A file that breaks off stays as it is, not decoded."""
    if image is None:
        return None
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode in ("RGB", "P") and isinstance(image.info.get("transparency"), bytes):
            image = image.convert("RGBA")
    except Exception:
        pass  # hosts swallow it too: the first script that needs the pixels meets the error
    return image


def read(fp, **kwargs) -> Image.Image:
    """Open a file, upright."""
    return fix_image(Image.open(fp, **kwargs))


def flatten(img: Image.Image, bgcolor: str) -> Image.Image:
    """RGB, with a colour behind transparent parts."""
    if img.mode == "RGBA":
        background = Image.new("RGBA", img.size, bgcolor)
        background.paste(img, mask=img)
        img = background
    return img.convert("RGB")


def resize_image(resize_mode: int, im: Image.Image, width: int, height: int, upscaler_name=None) -> Image.Image:
    """0 stretch, 1 cover and crop, 2 contain and fill with the edge."""
    width, height = int(width), int(height)
    if resize_mode == 0:
        return im.resize((width, height), LANCZOS)
    if resize_mode == 1:
        return ImageOps.fit(im, (width, height), LANCZOS)
    inside = ImageOps.contain(im, (width, height), LANCZOS)
    filled = im.resize((width, height), LANCZOS)
    filled.paste(inside, ((width - inside.width) // 2, (height - inside.height) // 2))
    return filled


def grid_rows(count: int, batch_size: int, rows: int | None) -> int:
    """Rows of a grid by the settings: fixed, by batch, or about square."""
    opts = shared.opts
    if rows is None:
        if opts.n_rows > 0:
            rows = opts.n_rows
        elif opts.n_rows == 0:
            rows = batch_size
        elif opts.grid_prevent_empty_spots:
            rows = next(number for number in range(math.isqrt(count), 0, -1) if count % number == 0)
        else:
            rows = round(math.sqrt(count))
    return min(rows, count)


def image_grid(imgs: list, batch_size: int = 1, rows: int | None = None) -> Image.Image:
    """Cells as large as the largest picture; smaller ones stand in their middle."""
    rows = grid_rows(len(imgs), batch_size, rows)
    params = script_callbacks.ImageGridLoopParams(imgs, math.ceil(len(imgs) / rows), rows)
    script_callbacks.image_grid_callback(params)
    width, height = (max(side) for side in zip(*(image.size for image in imgs)))
    colour = ImageColor.getcolor(shared.opts.grid_background_color, "RGB")
    grid = Image.new("RGB", (params.cols * width, params.rows * height), colour)
    for number, image in enumerate(params.imgs):
        row, column = divmod(number, params.cols)
        left, top = (width - image.width) // 2, (height - image.height) // 2
        grid.paste(image, (column * width + left, row * height + top))
    return grid


def image_data(data: bytes):
    """Infotext of a dropped file, or its text."""
    import gradio as gr

    try:
        return read_info_from_image(read(io.BytesIO(data)))[0], None
    except Exception:
        text = data.decode("utf8", errors="ignore")
    return (text, None) if len(text) < 10000 else (gr.update(), None)
