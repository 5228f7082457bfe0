"""Start pictures, masks and overlays of an img2img job."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps

from modules import diffusion, images, masking, shared

# What stands under the mask before the first step: the text names all but "original". Here it is always the original.
CONTENT = {0: "fill", 2: "latent noise", 3: "latent nothing"}


def create_binary_mask(image: Image.Image, round: bool = True) -> Image.Image:
    """Grey mask; from the alpha channel when that says something."""
    has_alpha = image.mode == "RGBA" and image.getextrema()[-1] != (255, 255)
    image = image.split()[-1] if has_alpha else image.convert("L")
    return image.point(lambda level: 255 if level > 128 else 0) if round else image


def _blurred(mask: Image.Image, x: float, y: float) -> Image.Image:
    values = np.array(mask)
    for sigma, is_x in ((x, True), (y, False)):
        if sigma > 0:
            size = 2 * int(2.5 * sigma + 0.5) + 1
            values = cv2.GaussianBlur(values, (size, 1) if is_x else (1, size), sigma)
    return Image.fromarray(values)


def _prepare_mask(p) -> tuple[Image.Image | None, tuple | None]:
    """Mask in the size of the generation, and the crop's rectangle for "only masked"."""
    mask = create_binary_mask(p.image_mask, round=p.mask_round)
    if p.inpainting_mask_invert:
        mask = ImageOps.invert(mask)
        p.extra_generation_params["Mask mode"] = "Inpaint not masked"
    mask = _blurred(mask, p.mask_blur_x, p.mask_blur_y)
    if p.mask_blur_x > 0 or p.mask_blur_y > 0:
        p.extra_generation_params["Mask blur"] = p.mask_blur_x
    p.overlay_images = []
    if not p.inpaint_full_res:
        mask = images.resize_image(p.resize_mode, mask, p.width, p.height)
        p.mask_for_overlay = mask.point(lambda level: min(level * 2, 255))
        return mask, None
    region = masking.get_crop_region_v2(mask, p.inpaint_full_res_padding)
    if region is None:
        p.inpaint_full_res, p.mask_for_overlay, p.overlay_images = False, None, None
        p.comment('Unable to perform "Inpaint Only mask" because mask is blank, switch to img2img mode.')
        return None, None
    p.mask_for_overlay = mask
    region = masking.expand_crop_region(region, p.width, p.height, mask.width, mask.height)
    left, top, right, bottom = region
    p.paste_to = (left, top, right - left, bottom - top)
    p.extra_generation_params["Inpaint area"] = "Only masked"
    p.extra_generation_params["Masked area padding"] = p.inpaint_full_res_padding
    return images.resize_image(2, mask.crop(region), p.width, p.height), region


def _overlay(p, image: Image.Image) -> Image.Image:
    """The original where the mask is black, empty elsewhere."""
    if p.mask_for_overlay.size != image.size:
        p.mask_for_overlay = images.resize_image(p.resize_mode, p.mask_for_overlay, *image.size)
    overlay = Image.new("RGBa", image.size)
    overlay.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(p.mask_for_overlay.convert("L")))
    return overlay.convert("RGBA")


def prepare(p) -> None:
    """Fill init_latent (here the start pictures themselves), nmask, overlay_images, paste_to.

    Raises: RuntimeError for more start pictures than the batch has.
    """
    mask, region = (None, None) if p.image_mask is None else _prepare_mask(p)
    started = []
    for image in p.init_images:
        image = images.flatten(image, shared.opts.img2img_background_color)
        if region is None:
            image = images.resize_image(p.resize_mode, image, p.width, p.height)
        if mask is not None:
            p.overlay_images.append(_overlay(p, image))
        if region is not None:
            image = images.resize_image(2, image.crop(region), p.width, p.height)
        started.append(diffusion.to_tensor(image))
    if len(started) == 1:
        started *= p.batch_size
        p.overlay_images = p.overlay_images * p.batch_size if p.overlay_images else p.overlay_images
    elif len(started) <= p.batch_size:
        p.batch_size = len(started)
    else:
        raise RuntimeError(f"bad number of images passed: {len(started)}; expecting {p.batch_size} or less")
    p.init_latent = torch.stack(started)
    if mask is not None:
        if p.inpainting_fill in CONTENT:
            p.extra_generation_params["Masked content"] = CONTENT[p.inpainting_fill]
        p.nmask = torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)[None, None]
