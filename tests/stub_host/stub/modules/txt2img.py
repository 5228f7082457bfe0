"""The Generate button of txt2img."""

from __future__ import annotations

from contextlib import closing

from modules import host_kind, processing, scripts, shared
from modules.infotext_utils import create_override_settings_dict
from modules.ui_common import plaintext_to_html


def results(processed):
    """The four outputs of the page."""
    said = processed.js()
    pictures = [] if shared.opts.do_not_show_images else processed.images + getattr(processed, "extra_images", [])
    return (
        pictures,
        said,
        plaintext_to_html(processed.info),
        plaintext_to_html(processed.comments, classname="comments"),
    )


def in_right_thread(func, *args):
    """The Forge family: the main thread. Others: here."""
    if not host_kind.is_forge_family():
        return func(*args)
    from modules_forge import main_thread

    return main_thread.run_and_wait_result(func, *args)


def run(p, runner, args):
    """The selected script, or the job itself."""
    p.scripts = runner
    p.script_args = args
    with closing(p):
        processed = runner.run(p, *args)
        return processing.process_images(p) if processed is None else processed


def txt2img(id_task: str, *args):
    return in_right_thread(_txt2img, *args)


def _txt2img(
    prompt,
    negative_prompt,
    steps,
    sampler,
    n_iter,
    batch_size,
    cfg_scale,
    height,
    width,
    seed,
    enable_hr,
    denoising_strength,
    hr_scale,
    hr_upscaler,
    override_settings_texts,
    *args,
):
    opts = shared.opts
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=shared.sd_model,
        outpath_samples=opts.outdir_samples or opts.outdir_txt2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_txt2img_grids,
        prompt=prompt,
        negative_prompt=negative_prompt,
        steps=int(steps),
        sampler_name=sampler,
        n_iter=int(n_iter),
        batch_size=int(batch_size),
        cfg_scale=cfg_scale,
        width=int(width),
        height=int(height),
        seed=int(seed),
        enable_hr=enable_hr,
        denoising_strength=denoising_strength,
        hr_scale=hr_scale,
        hr_upscaler=hr_upscaler,
        hr_additional_modules=["Use same choices"],
        override_settings=create_override_settings_dict(override_settings_texts),
    )
    return results(run(p, scripts.scripts_txt2img, args))
