"""What a job is asked for, and its "sampling"."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image

from modules import diffusion, host_kind, images, inpainting, shared
from modules.shared import opts, state


def get_fixed_seed(seed):
    """A seed for -1, None and the empty text; others as they are."""
    if seed == "" or seed is None:
        seed = -1
    if isinstance(seed, (int, float, str)):
        seed = int(seed)
        return random.randrange(4294967294) if seed == -1 else seed
    return seed


def fix_seed(p) -> None:
    p.seed = get_fixed_seed(p.seed)
    p.subseed = get_fixed_seed(p.subseed)


@dataclass(repr=False)
class StableDiffusionProcessing:
    """Common to txt2img and img2img."""

    sd_model: object = None
    outpath_samples: str = None
    outpath_grids: str = None
    prompt: Any = ""
    prompt_for_display: str = None
    negative_prompt: Any = ""
    styles: list = None
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    seed_enable_extras: bool = True
    sampler_name: str = "Euler"
    scheduler: str = "Automatic"
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool = None
    tiling: bool = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    extra_generation_params: dict = None
    overlay_images: list = None
    eta: float = None
    denoising_strength: float = None
    override_settings: dict = None
    override_settings_restore_afterwards: bool = True
    disable_extra_networks: bool = False
    firstpass_image: Image.Image = None

    scripts_value: Any = field(default=None, init=False)
    script_args_value: Any = field(default=None, init=False)
    comments: dict = field(default=None, init=False)
    paste_to: tuple = field(default=None, init=False)
    color_corrections: list = field(default=None, init=False)
    is_hr_pass: bool = field(default=False, init=False)
    is_api: bool = field(default=False, init=False)
    user: str = field(default=None, init=False)
    all_prompts: list = field(default=None, init=False)
    all_negative_prompts: list = field(default=None, init=False)
    all_seeds: list = field(default=None, init=False)
    all_subseeds: list = field(default=None, init=False)
    main_prompt: str = field(default=None, init=False)
    main_negative_prompt: str = field(default=None, init=False)
    iteration: int = field(default=0, init=False)
    batch_index: int = field(default=0, init=False)
    prompts: list = field(default=None, init=False)
    negative_prompts: list = field(default=None, init=False)
    seeds: list = field(default=None, init=False)
    subseeds: list = field(default=None, init=False)
    sd_model_name: str = field(default=None, init=False)
    sd_model_hash: str = field(default=None, init=False)

    def __post_init__(self):
        self.styles = self.styles or []
        self.extra_generation_params = self.extra_generation_params or {}
        self.override_settings = self.override_settings or {}
        self.comments = {}
        if host_kind.is_forge_family():
            self.extra_result_images = []
            self.latents_after_sampling = []
            self.pixels_after_sampling = []

    # The setup of scripts runs once both the scripts and their arguments are there.
    @property
    def scripts(self):
        return self.scripts_value

    @scripts.setter
    def scripts(self, value):
        self.scripts_value = value
        self._setup_scripts()

    @property
    def script_args(self):
        return self.script_args_value

    @script_args.setter
    def script_args(self, value):
        self.script_args_value = value
        self._setup_scripts()

    def _setup_scripts(self):
        if self.scripts_value is not None and self.script_args_value and not getattr(self, "_are_scripts_set", False):
            self._are_scripts_set = True
            self.scripts_value.setup_scrips(self, is_ui=not self.is_api)

    def comment(self, text):
        """A note below the gallery; only until Processed is made."""
        self.comments[text] = 1

    def setup_prompts(self):
        """One prompt for each picture of the job."""
        count = self.batch_size * self.n_iter
        if isinstance(self.prompt, list):
            self.all_prompts, self.main_prompt = self.prompt, self.prompt[0]
        else:
            self.all_prompts, self.main_prompt = [self.prompt] * count, self.prompt
        negative = self.negative_prompt
        self.all_negative_prompts = negative if isinstance(negative, list) else [negative] * len(self.all_prompts)
        self.main_negative_prompt = self.all_negative_prompts[0]

    def init(self, all_prompts, all_seeds, all_subseeds):
        pass

    def sample(self, seeds, prompts):
        raise NotImplementedError()

    def may_save_samples(self) -> bool:
        """Whether the samples of this job go to disk."""
        return opts.samples_save and not self.do_not_save_samples

    def save_samples(self) -> bool:
        """The same under the hosts' name; SD.Next has none."""
        return self.may_save_samples()

    def close(self):
        pass

    def _noise(self, seeds, prompts, width, height) -> torch.Tensor:
        return torch.stack([diffusion.noise(seed, prompt, width, height) for seed, prompt in zip(seeds, prompts)])


@dataclass(repr=False)
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """A picture from nothing, with a second, larger pass when enable_hr."""

    enable_hr: bool = False
    denoising_strength: float = 0.75
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = None
    hr_sampler_name: str = None
    hr_scheduler: str = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    hr_additional_modules: list = None

    hr_upscale_to_x: int = field(default=0, init=False)
    hr_upscale_to_y: int = field(default=0, init=False)

    def init(self, all_prompts, all_seeds, all_subseeds):
        if not self.enable_hr:
            return
        if host_kind.is_forge() and "Use same choices" not in self.hr_additional_modules:
            raise ValueError("The stub knows no other modules than 'Use same choices'.")
        self.extra_generation_params["Denoising strength"] = self.denoising_strength
        if self.hr_resize_x == 0 and self.hr_resize_y == 0:
            self.extra_generation_params["Hires upscale"] = self.hr_scale
            self.hr_upscale_to_x, self.hr_upscale_to_y = (
                int(self.width * self.hr_scale),
                int(self.height * self.hr_scale),
            )
        else:
            self.extra_generation_params["Hires resize"] = f"{self.hr_resize_x}x{self.hr_resize_y}"
            self.hr_upscale_to_x = self.hr_resize_x or self.hr_resize_y * self.width // self.height
            self.hr_upscale_to_y = self.hr_resize_y or self.hr_resize_x * self.height // self.width
        if not state.processing_has_refined_job_count:
            state.job_count = (self.n_iter if state.job_count == -1 else state.job_count) * 2
            state.processing_has_refined_job_count = True
        if self.hr_second_pass_steps:
            self.extra_generation_params["Hires steps"] = self.hr_second_pass_steps
        if self.hr_upscaler is not None:
            self.extra_generation_params["Hires upscaler"] = self.hr_upscaler

    def sample(self, seeds, prompts):
        first = diffusion.sample(self, self._noise(seeds, prompts, self.width, self.height), self.steps)
        if not self.enable_hr:
            return first
        self.is_hr_pass = True
        if self.scripts is not None:
            self.scripts.before_hr(self)
        state.nextjob()
        large = torch.stack([self._enlarged(values) for values in first])
        second = diffusion.sample(self, large, self.hr_second_pass_steps or self.steps)
        self.is_hr_pass = False
        return second

    def _enlarged(self, values: torch.Tensor) -> torch.Tensor:
        width, height = self.hr_upscale_to_x, self.hr_upscale_to_y
        image = diffusion.to_image(values)
        name = self.hr_upscaler or shared.latent_upscale_default_mode
        found = next((data for data in shared.sd_upscalers if data.name == name), None)
        if found is None and name not in shared.latent_upscale_modes:
            raise ValueError(f"could not find upscaler named {name}")
        if found is not None:
            image = found.scaler.upscale(image, max(width / image.width, height / image.height), found.data_path)
        return diffusion.to_tensor(images.resize_image(0, image, width, height))


@dataclass(repr=False)
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """A picture from pictures, as a whole or where a mask is white."""

    init_images: list = None
    resize_mode: int = 0
    denoising_strength: float = 0.75
    image_cfg_scale: float = None
    mask: Any = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: int = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float = None
    latent_mask: Image.Image = None

    image_mask: Any = field(default=None, init=False)
    mask_for_overlay: Image.Image = field(default=None, init=False)
    init_latent: torch.Tensor = field(default=None, init=False)
    nmask: torch.Tensor = field(default=None, init=False)

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.mask_blur, int):
            self.mask_blur_x = self.mask_blur_y = self.mask_blur
        self.image_mask, self.mask = self.mask, None

    def init(self, all_prompts, all_seeds, all_subseeds):
        self.extra_generation_params["Denoising strength"] = self.denoising_strength
        inpainting.prepare(self)

    def sample(self, seeds, prompts):
        kept = 1 - self.denoising_strength
        made = self._noise(seeds, prompts, self.width, self.height)
        mixed = self.init_latent[: len(made)] * kept + made * self.denoising_strength
        if self.nmask is not None:
            mixed = self.init_latent[: len(made)] * (1 - self.nmask) + mixed * self.nmask
        steps = max(int(self.steps * min(self.denoising_strength, 0.999)) + 1, 1)
        return diffusion.sample(self, mixed, steps)
