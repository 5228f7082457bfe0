"""The Extras job: one picture, uploaded files or a folder through the scripts, then to disk."""

from __future__ import annotations

import os

from PIL import Image

from modules import host_kind, images, infotext_utils, scripts, scripts_postprocessing, shared, ui_common
from modules.shared import opts

SINGLE, UPLOADED, FOLDER = 0, 1, 2


def _sources(extras_mode, image, image_folder, input_dir) -> list[tuple]:
    """(picture or path, name or None) of the whole job."""
    if extras_mode == UPLOADED:
        found = []
        for one in image_folder:
            if isinstance(one, Image.Image):
                found.append((images.fix_image(one), ""))
            else:
                name = getattr(one, "orig_name", None) or one.name
                found.append((images.read(os.path.abspath(one.name)), os.path.splitext(name)[0]))
        return found
    if extras_mode == FOLDER:
        assert input_dir, "input directory not selected"
        return [(path, path) for path in shared.listfiles(input_dir)]
    if isinstance(image, dict):
        image = image["composite"]
    assert image, "image not selected"
    return [(image, None)]


def _said(info: dict) -> str:
    return ", ".join(
        key if key == value else f"{key}: {infotext_utils.quote(value)}"
        for key, value in info.items()
        if value is not None
    )


def _save(pp, text, texts, outpath, name, suffix) -> None:
    forced, basename = None, ""
    words = {} if host_kind.is_sdnext() else {"short_filename": True, "no_prompt": True}
    if opts.use_original_name_batch and name is not None:
        basename = os.path.splitext(os.path.basename(name))[0]
        forced = basename + suffix
    images.save_image(
        pp.image,
        path=outpath,
        basename=basename,
        extension=opts.samples_format,
        info=text,
        pnginfo_section_name="postprocessing" if host_kind.is_forge() else "extras",
        existing_info=texts,
        forced_filename=forced,
        suffix=suffix,
        **words,
    )


def run_postprocessing(
    extras_mode, image, image_folder, input_dir, output_dir, show_extras_results, *args, save_output=True
):
    """(pictures, HTML of the last text, ""). A file that cannot be opened in a folder is passed over in silence.

    On Neo and SD.Next the first of args is a video, before the arguments of scripts.
    """
    args = args[1:] if host_kind.kind in ("neo", "sdnext") else args
    state = shared.state
    state.begin("extras")
    outpath = output_dir if extras_mode == FOLDER and output_dir else opts.outdir_samples or opts.outdir_extras_samples
    sources = _sources(extras_mode, image, image_folder, input_dir)
    state.job_count = len(sources)
    outputs, text = [], ""
    for source, name in sources:
        state.nextjob()
        state.textinfo = name
        state.skipped = False
        if state.interrupted or getattr(state, "stopping_generation", False):
            break
        if isinstance(source, str):
            try:
                source = images.read(source)
            except Exception:
                continue
        keeps_alpha = source.mode == "RGBA" and host_kind.kind not in ("classic", "sdnext")
        picture = source if keeps_alpha or source.mode == "RGB" else source.convert("RGB")
        parameters, texts = images.read_info_from_image(picture)
        if parameters:
            texts["parameters"] = parameters
        first = scripts_postprocessing.PostprocessedImage(picture)
        scripts.scripts_postproc.run(first, args)
        if state.skipped:
            continue
        used: dict = {}
        for pp in [first, *getattr(first, "extra_images", [])]:
            suffix = "" if host_kind.is_sdnext() else pp.get_suffix(used)
            text = _said(pp.info)
            if opts.enable_pnginfo:
                # One dict for all pictures of a source.
                pp.image.info = texts
                if not host_kind.is_forge():
                    pp.image.info["postprocessing"] = text
            state.assign_current_image(pp.image)
            if save_output:
                _save(pp, text, texts, outpath, name, suffix)
            if extras_mode != FOLDER or show_extras_results:
                outputs.append(pp.image)
    state.end()
    return outputs, ui_common.plaintext_to_html(text), ""


def run_postprocessing_webui(id_task, *args, **kwargs):
    return run_postprocessing(*args, **kwargs)


def run_extras(
    extras_mode,
    resize_mode,
    image,
    image_folder,
    input_dir,
    output_dir,
    show_extras_results,
    gfpgan_visibility,
    codeformer_visibility,
    codeformer_weight,
    upscaling_resize,
    upscaling_resize_w,
    upscaling_resize_h,
    upscaling_crop,
    extras_upscaler_1,
    extras_upscaler_2,
    extras_upscaler_2_visibility,
    upscale_first,
    save_output=True,
    max_side_length=0,
    script_args=None,
):
    """For the API: only the host's own scripts get arguments, all others None; SD.Next takes script_args by name."""
    upscale = {
        "upscale_enabled": True,
        "upscale_mode": resize_mode,
        "upscale_by": upscaling_resize,
        "upscale_to_width": upscaling_resize_w,
        "upscale_to_height": upscaling_resize_h,
        "upscaler_1_name": extras_upscaler_1,
    }
    args = scripts.scripts_postproc.create_args_for_run({"Upscale": upscale, **(script_args or {})})
    args = ["", *args] if host_kind.kind in ("neo", "sdnext") else args
    return run_postprocessing(
        extras_mode,
        image,
        image_folder,
        input_dir,
        output_dir,
        show_extras_results,
        *args,
        save_output=save_output,
    )
