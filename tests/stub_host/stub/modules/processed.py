"""The result of a job, as scripts and the page get it."""

from __future__ import annotations

import json

from modules import host_kind
from modules.infotext import create_infotext
from modules.shared import opts, state


def _first(value):
    return value[0] if isinstance(value, list) else value


class Processed:
    """images: grid?, then per picture the picture, mask?, composite?; infotexts: grid?, then one per picture."""

    def __init__(
        self,
        p,
        images_list,
        seed=-1,
        info="",
        subseed=None,
        all_prompts=None,
        all_negative_prompts=None,
        all_seeds=None,
        all_subseeds=None,
        index_of_first_image=0,
        infotexts=None,
        comments="",
        extra_images_list=None,
    ):
        self.images = images_list
        if host_kind.is_forge_family():
            self.extra_images = extra_images_list or []
        self.prompt = _first(p.prompt)
        self.negative_prompt = _first(p.negative_prompt)
        self.seed = int(_first(seed)) if seed is not None else -1
        self.subseed = int(_first(subseed)) if subseed is not None else -1
        self.subseed_strength = p.subseed_strength
        self.info = info
        # SD.Next drops what scripts said with p.comment().
        self.comments = "" if host_kind.is_sdnext() else "".join(f"{comment}\n" for comment in p.comments)
        self.width = p.width
        self.height = p.height
        self.sampler_name = p.sampler_name
        self.cfg_scale = p.cfg_scale
        self.steps = p.steps
        self.batch_size = p.batch_size
        self.restore_faces = p.restore_faces
        self.face_restoration_model = (
            opts.face_restoration_model if p.restore_faces and not host_kind.is_sdnext() else None
        )
        self.sd_model_name = p.sd_model_name
        self.sd_model_hash = p.sd_model_hash
        self.denoising_strength = getattr(p, "denoising_strength", None)
        self.extra_generation_params = p.extra_generation_params
        self.index_of_first_image = index_of_first_image
        self.styles = p.styles
        self.job_timestamp = state.job_timestamp
        self.clip_skip = opts.CLIP_stop_at_last_layers
        self.all_prompts = all_prompts or p.all_prompts or [self.prompt]
        self.all_negative_prompts = all_negative_prompts or p.all_negative_prompts or [self.negative_prompt]
        self.all_seeds = all_seeds or p.all_seeds or [self.seed]
        self.all_subseeds = all_subseeds or p.all_subseeds or [self.subseed]
        self.infotexts = infotexts or [info] * len(images_list)
        self.version = host_kind.program_version()

    def js(self) -> str:
        """What the page and the API get as JSON."""
        names = (
            "prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds "
            "subseed_strength width height sampler_name cfg_scale steps batch_size restore_faces "
            "face_restoration_model sd_model_name sd_model_hash denoising_strength extra_generation_params "
            "index_of_first_image infotexts styles job_timestamp clip_skip version"
        )
        said = {name: getattr(self, name) for name in names.split()}
        said["prompt"] = self.all_prompts[0]
        said["negative_prompt"] = self.all_negative_prompts[0]
        return json.dumps(said, default=lambda other: None)

    def infotext(self, p, index: int) -> str:
        """The text of one picture of the job."""
        return create_infotext(
            p,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            comments=[],
            position_in_batch=index % self.batch_size,
            iteration=index // self.batch_size,
        )
