"""The Generate button of img2img: whole pictures, and inpainting with an uploaded mask."""

from __future__ import annotations

from modules import images, processing, scripts, shared
from modules.infotext_utils import create_override_settings_dict
from modules.txt2img import in_right_thread, results, run


def img2img(id_task: str, *args):
    return in_right_thread(_img2img, *args)


def _img2img(
    mode,
    prompt,
    negative_prompt,
    init_img,
    init_img_inpaint,
    init_mask_inpaint,
    steps,
    sampler,
    n_iter,
    batch_size,
    cfg_scale,
    denoising_strength,
    height,
    width,
    seed,
    resize_mode,
    mask_blur,
    inpaint_area,
    inpaint_full_res_padding,
    override_settings_texts,
    *args,
):
    opts = shared.opts
    is_inpaint = int(mode) != 0
    image = images.fix_image(init_img_inpaint if is_inpaint else init_img)
    mask = images.fix_image(init_mask_inpaint) if is_inpaint else None
    p = processing.StableDiffusionProcessingImg2Img(
        sd_model=shared.sd_model,
        outpath_samples=opts.outdir_samples or opts.outdir_img2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_img2img_grids,
        prompt=prompt,
        negative_prompt=negative_prompt,
        init_images=[image],
        mask=mask,
        mask_blur=int(mask_blur),
        inpainting_fill=1,
        steps=int(steps),
        sampler_name=sampler,
        n_iter=int(n_iter),
        batch_size=int(batch_size),
        cfg_scale=cfg_scale,
        denoising_strength=denoising_strength,
        width=int(width),
        height=int(height),
        seed=int(seed),
        resize_mode=int(resize_mode or 0),
        inpaint_full_res=bool(inpaint_area),
        inpaint_full_res_padding=int(inpaint_full_res_padding),
        override_settings=create_override_settings_dict(override_settings_texts),
    )
    return results(run(p, scripts.scripts_img2img, args))
