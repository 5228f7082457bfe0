"""Writes the text that a picture carries."""

from __future__ import annotations

from modules import errors, host_kind, infotext_utils
from modules.shared import opts


def generation_params(p, seed: int, subseed: int) -> dict[str, object]:
    """Keys in the order of the text; None is left out."""
    return {
        "Steps": p.steps,
        "Sampler": p.sampler_name,
        "Schedule type": p.scheduler,
        "CFG scale": p.cfg_scale,
        "Seed": seed,
        "Face restoration": opts.face_restoration_model if p.restore_faces and not host_kind.is_sdnext() else None,
        "Size": f"{p.width}x{p.height}",
        "Model hash": p.sd_model_hash,
        "Model": p.sd_model_name if opts.add_model_name_to_info else None,
        "Variation seed": None if p.subseed_strength == 0 else subseed,
        "Variation seed strength": None if p.subseed_strength == 0 else p.subseed_strength,
        "Denoising strength": p.extra_generation_params.get("Denoising strength"),
        "Tiling": "True" if p.tiling else None,
        **p.extra_generation_params,
        "Version": host_kind.program_version() if opts.add_version_to_infotext else None,
    }


def create_infotext(
    p,
    all_prompts,
    all_seeds,
    all_subseeds,
    comments=None,
    iteration=0,
    position_in_batch=0,
    use_main_prompt=False,
    index=None,
    all_negative_prompts=None,
):
    """Prompt, negative prompt, parameters.

    A list among extra_generation_params is indexed by `index`, which counts inside the batch while saving;
    a callable gets the local names as keywords. An exception of either is printed and the key left out.
    """
    if use_main_prompt:
        index = 0
    elif index is None:
        index = position_in_batch + iteration * p.batch_size
    if all_negative_prompts is None:
        all_negative_prompts = p.all_negative_prompts
    prompt_text = p.main_prompt if use_main_prompt else all_prompts[index]
    negative_prompt = p.main_negative_prompt if use_main_prompt else all_negative_prompts[index]
    seed = p.all_seeds[0] if use_main_prompt else all_seeds[index]
    subseed = p.all_subseeds[0] if use_main_prompt else all_subseeds[index]
    params = generation_params(p, seed, subseed)
    given = {**locals(), "generation_params": params}
    for key, value in params.items():
        try:
            if isinstance(value, list):
                params[key] = value[index]
            elif callable(value):
                params[key] = value(**{**given, "key": key, "value": value})
        except Exception:
            errors.report(f'Error creating infotext for key "{key}"', exc_info=True)
            params[key] = None
    parts = [
        key if key == value else f"{key}: {infotext_utils.quote(value)}"
        for key, value in params.items()
        if value is not None
    ]
    negative = f"\nNegative prompt: {negative_prompt}" if negative_prompt else ""
    return f"{prompt_text}{negative}\n{', '.join(parts)}".strip()
