"""Routes of generation, Extras, settings, progress and scripts, with the hosts' ways of filling script arguments."""

import base64
import io
import secrets
import traceback
from contextlib import closing
from functools import partial
from typing import Any, Dict  # noqa: UP035

import gradio as gr
from fastapi import Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from PIL import Image, PngImagePlugin

from modules import cmd_args, errors, host_kind, images, infotext_utils, postprocessing, scripts, shared, shared_options
from modules.api import models
from modules.image_info import exif_with
from modules.processing import (
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    process_images,
)

NOT_OF_THE_JOB = "script_name script_args alwayson_scripts infotext send_images save_images include_init_images"


def decode_base64_to_image(encoding: str) -> Image.Image:
    """A picture from base64, with or without the head of a data URI."""
    try:
        return images.read(io.BytesIO(base64.b64decode(encoding.split("base64,", 1)[-1])))
    except Exception as error:
        raise HTTPException(status_code=500, detail="Invalid encoded image") from error


def encode_pil_to_base64(image: Image.Image) -> str:
    """In the format of samples; PNG with the texts in image.info, JPEG and WebP with the infotext."""
    buffer = io.BytesIO()
    kind = shared.opts.samples_format.lower()
    if kind == "png":
        texts = PngImagePlugin.PngInfo()
        for key, value in image.info.items():
            if isinstance(key, str) and isinstance(value, str):
                texts.add_text(key, value)
        image.save(buffer, format="PNG", pnginfo=texts, quality=shared.opts.jpeg_quality)
    else:
        exif = exif_with(image.info.get("parameters", ""))
        image.convert("RGB").save(
            buffer, format="WEBP" if kind == "webp" else "JPEG", exif=exif, quality=shared.opts.jpeg_quality
        )
    return base64.b64encode(buffer.getvalue()).decode()


def _index_of(name: str, listed: list) -> int:
    names = [script.title().lower() for script in listed]
    if name.lower() not in names:
        raise HTTPException(status_code=422, detail=f"Script '{name}' not found")
    return names.index(name.lower())


class Api:
    """Adds its routes to an app; calls ui() of every script again for the defaults of their arguments."""

    def __init__(self, app, queue_lock):
        self.app = app
        self.queue_lock = queue_lock
        app.middleware("http")(self.tell_errors)
        if not host_kind.is_forge():
            app.exception_handler(HTTPException)(self.tell_status)
        post, get = {"methods": ["POST"]}, {"methods": ["GET"]}
        add = app.add_api_route
        if host_kind.is_sdnext():
            self.credentials = cmd_args.credentials_of_page()
        else:
            self.credentials = dict(pair.split(":") for pair in (shared.cmd_opts.api_auth or "").split(",") if pair)
        if self.credentials:
            add = partial(app.add_api_route, dependencies=[Depends(self.auth)])
        add("/sdapi/v1/txt2img", self.text2imgapi, response_model=models.GenerationAnswer, **post)
        add("/sdapi/v1/img2img", self.img2imgapi, response_model=models.GenerationAnswer, **post)
        add("/sdapi/v1/extra-single-image", self.extras_single_image_api, **post)
        add("/sdapi/v1/extra-batch-images", self.extras_batch_images_api, **post)
        add("/sdapi/v1/png-info", self.pnginfoapi, **post)
        add("/sdapi/v1/progress", self.progressapi, **get)
        add("/sdapi/v1/interrupt", self.interruptapi, **post)
        add("/sdapi/v1/skip", self.skip, **post)
        add("/sdapi/v1/options", self.get_config, **get)
        add("/sdapi/v1/options", self.set_config, **post)
        add("/sdapi/v1/cmd-flags", self.get_cmd_flags, **get)
        add("/sdapi/v1/upscalers", self.get_upscalers, **get)
        add("/sdapi/v1/face-restorers", self.get_face_restorers, **get)
        add("/sdapi/v1/scripts", self.get_scripts_list, **get)
        add("/sdapi/v1/script-info", self.get_script_info, response_model=list[models.ScriptInfo], **get)
        add("/sdapi/v1/server-restart", self.restart, **post)
        add("/sdapi/v1/server-stop", self.stop, **post)
        self.defaults = {
            "txt2img": self.default_script_args(scripts.scripts_txt2img),
            "img2img": self.default_script_args(scripts.scripts_img2img),
        }

    def auth(self, credentials: HTTPBasicCredentials = Depends(HTTPBasic())):  # noqa: B008
        """Lets in who is named in --api-auth or --auth; on A1111 the refusal loses its header, see tell_status."""
        known = self.credentials.get(credentials.username)
        if known is None or not secrets.compare_digest(credentials.password, known):
            raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})

    @staticmethod
    async def tell_errors(request: Request, call_next) -> Response:
        """Status 500 for an exception; the words are in `errors` on A1111 and in `message` on Forge."""
        try:
            return await call_next(request)
        except Exception as failure:
            error = failure
        errors.say("".join(traceback.format_exception(error)))
        said = {"error": type(error).__name__, "detail": "", "body": "", "errors": str(error)}
        if host_kind.is_forge():
            said = {"error": type(error).__name__, "detail": "", "body": "", "message": str(error)}
        return JSONResponse(status_code=500, content=said)

    @staticmethod
    async def tell_status(request: Request, error: HTTPException) -> JSONResponse:
        """A1111 adds its own fields to what routes refuse; Forge answers the detail alone."""
        said = {"error": "HTTPException", "detail": error.detail, "body": "", "errors": ""}
        return JSONResponse(status_code=error.status_code, content=said)

    def default_script_args(self, runner) -> list:
        """Defaults by position; ui() is called twice per script, as the hosts do."""
        args: list = [None] * max([1, *(script.args_to for script in runner.scripts)])
        args[0] = 0
        with gr.Blocks():
            for script in runner.scripts:
                if script.ui(script.is_img2img):
                    args[script.args_from : script.args_to] = [one.value for one in script.ui(script.is_img2img)]
        return args

    def script_args(self, request, runner, tab: str, pasted: dict):
        """(arguments by position, selected script or None)."""
        args = list(self.defaults[tab])
        for index, value in pasted.items():
            args[index] = value
        selected = None
        if request.script_name:
            number = _index_of(request.script_name, runner.selectable_scripts)
            selected = runner.selectable_scripts[number]
            args[selected.args_from : selected.args_to] = request.script_args
            args[0] = number + 1
        for name, unit in request.alwayson_scripts.items():
            script = runner.scripts[_index_of(name, runner.scripts)]
            if not script.alwayson:
                raise HTTPException(422, detail="Cannot have a selectable script in the always on scripts params")
            if "args" in unit:
                # Not checked in any way; what is too much is cut off; a dict raises KeyError.
                for number in range(min(script.args_to - script.args_from, len(unit["args"]))):
                    args[script.args_from + number] = unit["args"][number]
        return args, selected

    def apply_infotext(self, request, tab: str, runner) -> dict:
        """Fields of the request that a text sets, and script arguments by position."""
        if not request.infotext:
            return {}
        if host_kind.is_forge():
            # Typed request fields make Forge fail here.
            raise TypeError("isinstance() argument 2 cannot be a parameterized generic")
        params = infotext_utils.parse_generation_parameters(request.infotext)
        said = request.dict(exclude_unset=True)
        indexes = {component: number for number, component in enumerate(runner.inputs)}
        pasted = {}
        for field in infotext_utils.paste_fields[tab]["fields"]:
            value = field.function(params) if field.function else params.get(field.label)
            value = value.get("value") if isinstance(value, dict) else value
            kind = type(getattr(field.component, "value", None))
            if value is None or kind is type(None):
                continue
            value = value if isinstance(value, kind) else kind(value)
            if field.component in indexes:
                pasted[indexes[field.component]] = value
            elif field.api and field.api not in said:
                setattr(request, field.api, value)
        return pasted

    def _run(self, request, tab: str, job_class, **extra) -> models.GenerationAnswer:
        runner = getattr(scripts, f"scripts_{tab}")
        pasted = self.apply_infotext(request, tab, runner)
        args, selected = self.script_args(request, runner, tab, pasted)
        given = {key: value for key, value in vars(request).items() if key not in NOT_OF_THE_JOB.split()}
        given.pop("force_task_id", None)
        given.pop("sampler_index", None)
        given["sampler_name"] = request.sampler_name or request.sampler_index or "Euler"
        given["scheduler"] = request.scheduler or "Automatic"
        given["do_not_save_samples"] = given["do_not_save_grid"] = not request.save_images
        with self.queue_lock, closing(job_class(sd_model=shared.sd_model, **{**given, **extra})) as p:
            p.is_api = True
            p.scripts = runner
            p.outpath_grids = getattr(shared.opts, f"outdir_{tab}_grids")
            p.outpath_samples = getattr(shared.opts, f"outdir_{tab}_samples")
            try:
                shared.state.begin(f"scripts_{tab}")
                p.script_args = args if selected is not None else tuple(args)
                processed = runner.run(p, *args) if selected is not None else process_images(p)
            finally:
                shared.state.end()
        pictures = processed.images + getattr(processed, "extra_images", [])
        encoded = [encode_pil_to_base64(one) for one in pictures] if request.send_images else []
        return models.GenerationAnswer(images=encoded, parameters=vars(request), info=processed.js())

    def text2imgapi(self, request: models.Txt2Img):
        if request.denoising_strength is None:
            request.denoising_strength = 0.75
        return self._run(request, "txt2img", StableDiffusionProcessingTxt2Img)

    def img2imgapi(self, request: models.Img2Img):
        if request.init_images is None:
            raise HTTPException(status_code=404, detail="Init image not found")
        if request.denoising_strength is None:
            request.denoising_strength = 0.75
        mask = decode_base64_to_image(request.mask) if request.mask else None
        pictures = [decode_base64_to_image(one) for one in request.init_images]
        answer = self._run(request, "img2img", StableDiffusionProcessingImg2Img, mask=mask, init_images=pictures)
        if not request.include_init_images:
            answer.parameters = {**answer.parameters, "init_images": None, "mask": None}
        return answer

    def _extras(self, request, mode: int, image, folder):
        given = {key: value for key, value in vars(request).items() if key not in ("image", "imageList")}
        given["extras_upscaler_1"] = given.pop("upscaler_1")
        given["extras_upscaler_2"] = given.pop("upscaler_2")
        if not host_kind.is_sdnext():
            given.pop("script_args")
        with self.queue_lock:
            return postprocessing.run_extras(
                mode, image=image, image_folder=folder, input_dir="", output_dir="", save_output=False, **given
            )

    def extras_single_image_api(self, request: models.ExtrasSingle):
        result = self._extras(request, 0, decode_base64_to_image(request.image), "")
        return {"html_info": result[1], "image": encode_pil_to_base64(result[0][0])}

    def extras_batch_images_api(self, request: models.ExtrasBatch):
        folder = [decode_base64_to_image(one.data) for one in request.imageList]
        result = self._extras(request, 1, "", folder)
        return {"html_info": result[1], "images": [encode_pil_to_base64(one) for one in result[0]]}

    def pnginfoapi(self, request: models.PngInfo):
        geninfo, items = images.read_info_from_image(decode_base64_to_image(request.image.strip()))
        params = infotext_utils.parse_generation_parameters(geninfo or "")
        return {"info": geninfo or "", "items": items, "parameters": params}

    def progressapi(self, skip_current_image: bool = False):
        from modules import progress

        state = shared.state
        if state.job_count == 0:
            return {"progress": 0, "eta_relative": 0, "state": state.dict(), "textinfo": state.textinfo}
        state.set_current_image()
        shown = None
        if state.current_image is not None and not skip_current_image:
            shown = encode_pil_to_base64(state.current_image)
        return {
            "progress": min(0.01 + progress.fraction(), 1),
            "eta_relative": 0,
            "state": state.dict(),
            "current_image": shown,
            "textinfo": state.textinfo,
        }

    def interruptapi(self):
        shared.state.interrupt()
        return {}

    def skip(self):
        shared.state.skip()

    def get_config(self):
        opts = shared.opts
        if host_kind.is_forge():
            # Without the settings of extensions.
            return {key: getattr(opts, key) for key in shared_options.templates()}
        return dict(opts.data)

    def set_config(self, req: Dict[str, Any]):  # noqa: UP006
        for key, value in req.items():
            shared.opts.set(key, value, is_api=True)
        shared.opts.save(shared.config_filename)

    def get_cmd_flags(self):
        return vars(shared.cmd_opts)

    def get_upscalers(self):
        return [
            {"name": one.name, "model_name": one.scaler.model_name, "model_path": one.data_path, "scale": one.scale}
            for one in shared.sd_upscalers
        ]

    def get_face_restorers(self):
        return [
            {"name": one.name(), "cmd_dir": getattr(one, "cmd_dir", None)}
            for one in getattr(shared, "face_restorers", [])
        ]

    def get_scripts_list(self):
        return {
            "txt2img": [one.name for one in scripts.scripts_txt2img.scripts if one.name is not None],
            "img2img": [one.name for one in scripts.scripts_img2img.scripts if one.name is not None],
        }

    def get_script_info(self):
        every = scripts.scripts_txt2img.scripts + scripts.scripts_img2img.scripts
        return [one.api_info for one in every if one.api_info is not None]

    def restart(self):
        shared.state.request_restart()
        return {}

    def stop(self):
        shared.state.server_command = "stop"
        return {}
