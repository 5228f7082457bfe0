"""Bodies of requests and answers. Plain fields with defaults, for pydantic 1 and 2."""

# No postponed annotations: pydantic 1 and 2 read these at class creation.
from typing import Any, Dict, List, Optional  # noqa: UP035

from pydantic import BaseModel


class ScriptArg(BaseModel):
    label: Optional[str] = None  # noqa: UP045
    value: Optional[Any] = None  # noqa: UP045
    minimum: Optional[Any] = None  # noqa: UP045
    maximum: Optional[Any] = None  # noqa: UP045
    step: Optional[Any] = None  # noqa: UP045
    choices: Optional[Any] = None  # noqa: UP045


class ScriptInfo(BaseModel):
    name: Optional[str] = None  # noqa: UP045
    is_alwayson: Optional[bool] = None  # noqa: UP045
    is_img2img: Optional[bool] = None  # noqa: UP045
    args: List[ScriptArg] = []  # noqa: UP006


class Generation(BaseModel):
    """Common to both; fields of the job have the names of its class."""

    prompt: Any = ""
    negative_prompt: Any = ""
    styles: Optional[List[str]] = None  # noqa: UP006, UP045
    seed: Any = -1
    subseed: Any = -1
    subseed_strength: float = 0
    sampler_name: Optional[str] = None  # noqa: UP045
    sampler_index: Optional[str] = None  # noqa: UP045
    scheduler: Optional[str] = None  # noqa: UP045
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: Optional[bool] = None  # noqa: UP045
    tiling: Optional[bool] = None  # noqa: UP045
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    denoising_strength: Optional[float] = None  # noqa: UP045
    override_settings: Optional[Dict[str, Any]] = None  # noqa: UP006, UP045
    override_settings_restore_afterwards: bool = True
    script_name: Optional[str] = None  # noqa: UP045
    script_args: List[Any] = []  # noqa: UP006
    alwayson_scripts: Dict[str, Any] = {}  # noqa: UP006
    send_images: bool = True
    save_images: bool = False
    infotext: Optional[str] = None  # noqa: UP045
    force_task_id: Optional[str] = None  # noqa: UP045


class Txt2Img(Generation):
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: Optional[str] = None  # noqa: UP045
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    hr_additional_modules: Optional[List[str]] = None  # noqa: UP006, UP045


class Img2Img(Generation):
    init_images: Optional[List[str]] = None  # noqa: UP006, UP045
    resize_mode: int = 0
    mask: Optional[str] = None  # noqa: UP045
    mask_blur: Optional[int] = None  # noqa: UP045
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    include_init_images: bool = False


class GenerationAnswer(BaseModel):
    images: Optional[List[str]] = None  # noqa: UP006, UP045
    parameters: Dict[str, Any]  # noqa: UP006
    info: str


class Extras(BaseModel):
    resize_mode: int = 0
    show_extras_results: bool = True
    gfpgan_visibility: float = 0
    codeformer_visibility: float = 0
    codeformer_weight: float = 0
    upscaling_resize: float = 2
    upscaling_resize_w: int = 512
    upscaling_resize_h: int = 512
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: float = 0
    upscale_first: bool = False
    # SD.Next alone reads it.
    script_args: Optional[Dict[str, Any]] = None  # noqa: UP006, UP045


class ExtrasSingle(Extras):
    image: str = ""


class FileData(BaseModel):
    data: str
    name: str = ""


class ExtrasBatch(Extras):
    imageList: List[FileData]  # noqa: N815, UP006


class PngInfo(BaseModel):
    image: str
