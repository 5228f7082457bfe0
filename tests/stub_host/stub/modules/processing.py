"""One job: the order of hooks, saving, infotexts, masks and the grid, as in the hosts' process_images."""

from __future__ import annotations

import contextlib
import os

import numpy as np
import torch
from PIL import Image

from modules import devices, face_restoration, host_kind, images, lowvram, scripts, shared
from modules.infotext import create_infotext
from modules.paths_internal import data_path
from modules.processed import Processed
from modules.processing_classes import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    fix_seed,
    get_fixed_seed,
)
from modules.shared import opts, state

__all__ = [
    "Processed",
    "StableDiffusionProcessing",
    "StableDiffusionProcessingImg2Img",
    "StableDiffusionProcessingTxt2Img",
    "apply_overlay",
    "create_infotext",
    "fix_seed",
    "get_fixed_seed",
    "process_images",
    "program_version",
]
program_version = host_kind.program_version


def uncrop(image: Image.Image, dest_size: tuple[int, int], paste_loc: tuple) -> Image.Image:
    """The crop scaled back to its rectangle on an empty picture; whatever size it has."""
    left, top, width, height = paste_loc
    whole = Image.new("RGBA", dest_size)
    whole.paste(images.resize_image(1, image, width, height), (left, top))
    return whole


def apply_overlay(image: Image.Image, paste_loc: tuple | None, overlay: Image.Image | None):
    """(picture with the original laid over, picture before that). An overlay of another size lands top left."""
    if overlay is None:
        return image, image.copy()
    if paste_loc is not None:
        image = uncrop(image, overlay.size, paste_loc)
    before = image.copy()
    image = image.convert("RGBA")
    image.alpha_composite(overlay)
    return image.convert("RGB"), before


def process_images(p) -> Processed:
    """Run a job with its override_settings. Only keys that opts.data holds already are set back afterwards."""
    if p.scripts is not None:
        p.scripts.before_process(p)
    before = {key: opts.data[key] for key in p.override_settings if key in opts.data}
    try:
        for key, value in p.override_settings.items():
            opts.set(key, value, is_api=True, run_callbacks=False)
        return process_images_inner(p)
    finally:
        if p.override_settings_restore_afterwards:
            for key, value in before.items():
                setattr(opts, key, value)


def _prepare(p) -> None:
    seed, subseed = get_fixed_seed(p.seed), get_fixed_seed(p.subseed)
    if p.restore_faces is None and not host_kind.is_sdnext():
        p.restore_faces = opts.face_restoration
    if p.tiling is None:
        p.tiling = opts.tiling
    p.sd_model_name, p.sd_model_hash = "noise", shared.sd_model.sd_model_hash
    p.setup_prompts()
    count = len(p.all_prompts)
    grows = p.subseed_strength == 0
    p.all_seeds = seed if isinstance(seed, list) else [int(seed) + (x if grows else 0) for x in range(count)]
    p.all_subseeds = subseed if isinstance(subseed, list) else [int(subseed) + x for x in range(count)]


def _slice_batch(p, n: int) -> None:
    part = slice(n * p.batch_size, (n + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[part], p.all_negative_prompts[part]
    p.seeds, p.subseeds = p.all_seeds[part], p.all_subseeds[part]


def _call(p, method: str, *args, **kwargs) -> None:
    if p.scripts is not None:
        getattr(p.scripts, method)(p, *args, **kwargs)


def _before_sampling(p, n: int) -> None:
    """Hooks of the batch that come before its first step."""
    batch = {"batch_number": n, "prompts": p.prompts, "seeds": p.seeds, "subseeds": p.subseeds}
    _call(p, "before_process_batch", **batch)
    if not p.disable_extra_networks:
        _call(p, "after_extra_networks_activate", extra_network_data={}, **batch)
    _call(p, "process_batch", **batch)
    if n == 0 and not getattr(shared.cmd_opts, "no_prompt_history", False):
        with open(os.path.join(data_path, "params.txt"), "w", encoding="utf8") as file:
            file.write(Processed(p, []).infotext(p, 0))
    if p.n_iter > 1:
        state.job = f"Batch {n + 1} out of {p.n_iter}"


def _decoded_batch(p, n: int) -> list[torch.Tensor]:
    """Sample one batch: a list of 3×H×W in 0..1, after the hooks on the batch."""
    samples = p.sample(seeds=p.seeds, prompts=p.prompts)
    sampled = scripts.PostSampleArgs(samples)
    _call(p, "post_sample", sampled)
    decoded = torch.stack(list(sampled.samples)).float()
    decoded = torch.clamp((decoded + 1.0) / 2.0, min=0.0, max=1.0)
    if lowvram.is_enabled(shared.sd_model):
        lowvram.send_everything_to_cpu()
    state.nextjob()
    if p.scripts is None:
        return list(decoded)
    p.scripts.postprocess_batch(p, decoded, batch_number=n)
    _slice_batch_prompts(p, n)
    batch = scripts.PostprocessBatchListArgs(list(decoded))
    p.scripts.postprocess_batch_list(p, batch, batch_number=n)
    return batch.images


def _slice_batch_prompts(p, n: int) -> None:
    part = slice(n * p.batch_size, (n + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[part], p.all_negative_prompts[part]


def _infotext(p, index: int = 0, use_main_prompt: bool = False) -> str:
    return create_infotext(
        p,
        p.prompts,
        p.seeds,
        p.subseeds,
        use_main_prompt=use_main_prompt,
        index=index,
        all_negative_prompts=p.negative_prompts,
    )


def _save(p, image, i: int, suffix: str = "") -> None:
    images.save_image(
        image, p.outpath_samples, "", p.seeds[i], p.prompts[i], opts.samples_format, _infotext(p, i), p=p, suffix=suffix
    )


def _image_args(p, image, i: int):
    if host_kind.is_forge():
        return scripts.PostprocessImageArgs(image, i + p.iteration * p.batch_size)
    return scripts.PostprocessImageArgs(image)


def _finish_image(p, sample: torch.Tensor, i: int, infotexts: list[str], output: list) -> None:
    """One picture from tensor to list: restoration, hooks, overlay, saving, infotext, masks."""
    p.batch_index = i
    save = p.may_save_samples()
    # Multiplied and truncated, not rounded.
    levels = (255.0 * np.moveaxis(sample.cpu().numpy(), 0, 2)).astype(np.uint8)
    if p.restore_faces and not host_kind.is_sdnext():
        if save and opts.save_images_before_face_restoration:
            _save(p, Image.fromarray(levels), i, "-before-face-restoration")
        levels = face_restoration.restore_faces(levels)
    image = Image.fromarray(levels)
    if p.scripts is not None:
        pp = _image_args(p, image, i)
        p.scripts.postprocess_image(p, pp)
        image = pp.image
    mask, overlay = getattr(p, "mask_for_overlay", None), None
    if opts.overlay_inpaint and p.overlay_images is not None and i < len(p.overlay_images):
        overlay = p.overlay_images[i]
    if p.scripts is not None and not host_kind.is_sdnext():
        ppmo = scripts.PostProcessMaskOverlayArgs(i, mask, overlay)
        p.scripts.postprocess_maskoverlay(p, ppmo)
        mask, overlay = ppmo.mask_for_overlay, ppmo.overlay_image
    image, before_overlay = apply_overlay(image, p.paste_to, overlay)
    if host_kind.is_sdnext() and mask is not None and opts.return_mask:
        # Before its picture, with a text of its own.
        infotexts.append("Mask")
        output.append(mask.convert("RGB"))
    if p.scripts is not None and not host_kind.is_sdnext():
        pp = _image_args(p, image, i)
        p.scripts.postprocess_image_after_composite(p, pp)
        image = pp.image
    if save:
        _save(p, image, i)
    text = _infotext(p, i)
    infotexts.append(text)
    if opts.enable_pnginfo:
        image.info["parameters"] = text
    output.append(image)
    if mask is not None and not host_kind.is_sdnext():
        _masks(p, i, save, image, before_overlay, mask, output)


def _masks(p, i: int, save: bool, image, before_overlay, mask, output: list) -> None:
    """Mask and composite after their picture, without an infotext in the list."""
    if opts.return_mask or opts.save_mask:
        shown = mask.convert("RGB")
        if save and opts.save_mask:
            _save(p, shown, i, "-mask")
        if opts.return_mask:
            output.append(shown)
    if opts.return_mask_composite or opts.save_mask_composite:
        # Raises ValueError when a hook changed the size after the overlay; nothing catches it, as in the hosts.
        scaled = images.resize_image(2, mask, image.width, image.height).convert("L")
        first, second = before_overlay.convert("RGBA").convert("RGBa"), Image.new("RGBa", image.size)
        composite = Image.composite(first, second, scaled).convert("RGBA")
        if save and opts.save_mask_composite:
            _save(p, composite, i, "-mask-composite")
        if opts.return_mask_composite:
            output.append(composite)


def _add_grid(p, infotexts: list[str], output: list) -> int:
    """Grid at the front of both lists if wanted; returns the index of the first picture."""
    single = len(output) < 2 and opts.grid_only_if_multiple
    if not (opts.return_grid or opts.grid_save) or p.do_not_save_grid or single:
        return 0
    grid = images.image_grid(output, p.batch_size)
    text = _infotext(p, use_main_prompt=True)
    if opts.return_grid:
        infotexts.insert(0, text)
        if opts.enable_pnginfo:
            grid.info["parameters"] = text
        output.insert(0, grid)
    if opts.grid_save:
        images.save_image(
            grid,
            p.outpath_grids,
            "grid",
            p.all_seeds[0],
            p.all_prompts[0],
            opts.grid_format,
            info=text,
            p=p,
            grid=True,
            **({} if host_kind.is_sdnext() else {"short_filename": not opts.grid_extended_filename}),
        )
    return 1 if opts.return_grid else 0


def process_images_inner(p) -> Processed:
    """The job itself."""
    _prepare(p)
    _call(p, "process")
    job = state.begin("Process") if host_kind.is_sdnext() else None
    infotexts: list[str] = []
    output: list[Image.Image] = []
    # A1111 computes without gradients, the others in inference mode; all let `postprocess` run outside it.
    guard = torch.no_grad() if host_kind.kind == "a1111" else torch.inference_mode()
    with guard, contextlib.ExitStack():
        p.init(p.all_prompts, p.all_seeds, p.all_subseeds)
        if state.job_count == -1:
            state.job_count = p.n_iter
        for n in range(p.n_iter):
            p.iteration = n
            state.skipped = False
            if state.interrupted or getattr(state, "stopping_generation", False):
                break
            _slice_batch(p, n)
            _before_sampling(p, n)
            for i, sample in enumerate(_decoded_batch(p, n)):
                _finish_image(p, sample, i, infotexts, output)
        if not infotexts:
            infotexts.append(Processed(p, []).infotext(p, 0))
        index_of_first_image = _add_grid(p, infotexts, output)
    devices.torch_gc()
    processed = Processed(
        p,
        images_list=output,
        seed=p.all_seeds[0],
        info=infotexts[0],
        subseed=p.all_subseeds[0],
        index_of_first_image=index_of_first_image,
        infotexts=infotexts,
    )
    if not host_kind.is_sdnext():
        _call(p, "postprocess", processed)
        return processed
    if not state.interrupted and not state.skipped:
        _call(p, "postprocess", processed)
    state.end(job)
    return processed
