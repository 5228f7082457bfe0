"""The txt2img and img2img tabs."""

from __future__ import annotations

import gradio as gr

from modules import call_queue, img2img, infotext_utils, scripts, shared, txt2img, ui_common
from modules.infotext_utils import PasteField

SAMPLERS = ["Euler", "Euler a", "DPM++ 2M"]


def _stop(kind: str) -> None:
    """First click on Interrupt with several jobs: finish the current one; second click: stop now."""
    state = shared.state
    has_two_steps = shared.opts.interrupt_after_current and hasattr(state, "stopping_generation")
    if kind == "interrupt" and state.job_count > 1 and has_two_steps:
        if not state.stopping_generation:
            state.stop_generating()
            gr.Info("Generation will stop after finishing this image, click again to stop immediately.")
            return
        state.interrupt()
    elif kind == "interrupt":
        state.interrupt()
    else:
        state.skip()


def _top(tab: str) -> dict:
    with gr.Row(elem_id=f"{tab}_toprow"):
        with gr.Column(scale=6):
            # A textbox without a value cannot be pasted into on gradio 4: its value is None, and so is its type.
            prompt = gr.Textbox(value="", label="Prompt", elem_id=f"{tab}_prompt", lines=2)
            negative = gr.Textbox(value="", label="Negative prompt", elem_id=f"{tab}_neg_prompt", lines=1)
        with gr.Column(scale=1, elem_id=f"{tab}_actions_column"):
            interrupt = gr.Button("Interrupt", elem_id=f"{tab}_interrupt", elem_classes="generate-box-interrupt")
            skip = gr.Button("Skip", elem_id=f"{tab}_skip", elem_classes="generate-box-skip")
            submit = gr.Button("Generate", elem_id=f"{tab}_generate", variant="primary")
            paste = gr.Button("↙️", elem_id="paste", elem_classes="tool")
    interrupt.click(fn=lambda: _stop("interrupt"), inputs=[], outputs=[])
    skip.click(fn=lambda: _stop("skip"), inputs=[], outputs=[])
    return {"prompt": prompt, "negative": negative, "submit": submit, "paste": paste}


def _common(tab: str) -> dict:
    return {
        "steps": gr.Slider(1, 150, 2, step=1, label="Sampling steps", elem_id=f"{tab}_steps"),
        "sampler": gr.Dropdown(SAMPLERS, value="Euler", label="Sampling method", elem_id=f"{tab}_sampling"),
        "width": gr.Slider(64, 2048, 512, step=8, label="Width", elem_id=f"{tab}_width"),
        "height": gr.Slider(64, 2048, 448, step=8, label="Height", elem_id=f"{tab}_height"),
        "n_iter": gr.Slider(1, 100, 1, step=1, label="Batch count", elem_id=f"{tab}_batch_count"),
        "batch_size": gr.Slider(1, 8, 1, step=1, label="Batch size", elem_id=f"{tab}_batch_size"),
        "cfg": gr.Slider(1.0, 30.0, 7.0, step=0.5, label="CFG Scale", elem_id=f"{tab}_cfg_scale"),
        "seed": gr.Number(-1, precision=0, label="Seed", elem_id=f"{tab}_seed"),
        "override": gr.Dropdown([], value=[], multiselect=True, label="Override settings", elem_id=f"{tab}_override"),
    }


def _fields(top: dict, common: dict, more: list, runner) -> list:
    return [
        PasteField(top["prompt"], "Prompt", api="prompt"),
        PasteField(top["negative"], "Negative prompt", api="negative_prompt"),
        PasteField(common["steps"], "Steps", api="steps"),
        PasteField(common["sampler"], "Sampler", api="sampler_name"),
        PasteField(common["cfg"], "CFG scale", api="cfg_scale"),
        PasteField(common["seed"], "Seed", api="seed"),
        PasteField(common["width"], "Size-1", api="width"),
        PasteField(common["height"], "Size-2", api="height"),
        PasteField(common["batch_size"], "Batch size", api="batch_size"),
        *more,
        *runner.infotext_fields,
    ]


def _connect(tab: str, function, top: dict, inputs: list, panel) -> None:
    top["submit"].click(
        fn=call_queue.wrap_gradio_gpu_call(function, extra_outputs=[None, "", ""]),
        _js="submit" if tab == "txt2img" else "submit_img2img",
        inputs=inputs,
        outputs=[panel.gallery, panel.generation_info, panel.infotext, panel.html_log],
        show_progress=False,
    )


def create_txt2img():
    """Tab txt2img."""
    scripts.scripts_current = runner = scripts.scripts_txt2img
    runner.initialize_scripts(is_img2img=False)
    with gr.Blocks(analytics_enabled=False) as interface:
        task = gr.Textbox(visible=False, elem_id="txt2img_task")
        top = _top("txt2img")
        with gr.Row():
            with gr.Column(elem_id="txt2img_settings"):
                runner.prepare_ui()
                common = _common("txt2img")
                enable_hr = gr.Checkbox(False, label="Hires. fix", elem_id="txt2img_hr-checkbox")
                denoising = gr.Slider(0, 1, 0.7, step=0.01, label="Denoising strength", elem_id="txt2img_denoising")
                hr_scale = gr.Slider(1, 4, 2, step=0.05, label="Upscale by", elem_id="txt2img_hr_scale")
                names = [*shared.latent_upscale_modes, *(data.name for data in shared.sd_upscalers)]
                hr_upscaler = gr.Dropdown(names, value="Lanczos", label="Upscaler", elem_id="txt2img_hr_upscaler")
                script_inputs = runner.setup_ui()
            with gr.Column():
                panel = ui_common.create_output_panel("txt2img", shared.opts.outdir_txt2img_samples)
        own = [top["prompt"], top["negative"]]
        own += [common[name] for name in "steps sampler n_iter batch_size cfg height width seed".split()]
        own += [enable_hr, denoising, hr_scale, hr_upscaler, common["override"]]
        _connect("txt2img", txt2img.txt2img, top, [task, *own, *script_inputs], panel)
        more = [
            PasteField(denoising, "Denoising strength", api="denoising_strength"),
            PasteField(enable_hr, lambda d: "Denoising strength" in d and "Hires upscale" in d, api="enable_hr"),
            PasteField(hr_scale, "Hires upscale", api="hr_scale"),
            PasteField(hr_upscaler, "Hires upscaler", api="hr_upscaler"),
        ]
        fields = _fields(top, common, more, runner)
        infotext_utils.add_paste_fields("txt2img", None, fields, common["override"])
        infotext_utils.register_paste_params_button(
            infotext_utils.ParamBinding(
                paste_button=top["paste"], tabname="txt2img", source_text_component=top["prompt"]
            )
        )
    scripts.scripts_current = None
    return interface


def create_img2img():
    """Tab img2img, with the inpainting that takes an uploaded mask."""
    scripts.scripts_current = runner = scripts.scripts_img2img
    runner.initialize_scripts(is_img2img=True)
    with gr.Blocks(analytics_enabled=False) as interface:
        task = gr.Textbox(visible=False, elem_id="img2img_task")
        mode = gr.State(0)
        top = _top("img2img")
        with gr.Row():
            with gr.Column(elem_id="img2img_settings"):
                runner.prepare_ui()
                with gr.Tabs(elem_id="mode_img2img"):
                    with gr.TabItem("img2img", id="img2img", elem_id="img2img_img2img_tab") as whole:
                        image = gr.Image(label="Image for img2img", type="pil", elem_id="img2img_image")
                    with gr.TabItem(
                        "Inpaint upload", id="inpaint_upload", elem_id="img2img_inpaint_upload_tab"
                    ) as part:
                        base = gr.Image(label="Image for inpaint", type="pil", elem_id="img_inpaint_base")
                        mask = gr.Image(label="Mask", type="pil", elem_id="img_inpaint_mask")
                for number, tab in enumerate((whole, part)):
                    tab.select(fn=lambda number=number: number, inputs=[], outputs=[mode])
                common = _common("img2img")
                denoising = gr.Slider(0, 1, 0.75, step=0.01, label="Denoising strength", elem_id="img2img_denoising")
                resize = gr.Radio(
                    ["Just resize", "Crop and resize", "Resize and fill"],
                    label="Resize mode",
                    value="Just resize",
                    type="index",
                    elem_id="resize_mode",
                )
                blur = gr.Slider(0, 64, 4, step=1, label="Mask blur", elem_id="img2img_mask_blur")
                area = gr.Radio(
                    ["Whole picture", "Only masked"],
                    label="Inpaint area",
                    value="Whole picture",
                    type="index",
                    elem_id="img2img_inpaint_full_res",
                )
                padding = gr.Slider(0, 256, 32, step=4, label="Only masked padding, pixels", elem_id="img2img_padding")
                script_inputs = runner.setup_ui()
            with gr.Column():
                panel = ui_common.create_output_panel("img2img", shared.opts.outdir_img2img_samples)
        own = [mode, top["prompt"], top["negative"], image, base, mask]
        own += [common[name] for name in "steps sampler n_iter batch_size cfg".split()]
        own += [denoising, *(common[name] for name in "height width seed".split())]
        own += [resize, blur, area, padding, common["override"]]
        _connect("img2img", img2img.img2img, top, [task, *own, *script_inputs], panel)
        more = [
            PasteField(denoising, "Denoising strength", api="denoising_strength"),
            PasteField(blur, "Mask blur", api="mask_blur"),
        ]
        fields = _fields(top, common, more, runner)
        infotext_utils.add_paste_fields("img2img", image, fields, common["override"])
        infotext_utils.add_paste_fields("inpaint", base, list(fields), common["override"])
        infotext_utils.register_paste_params_button(
            infotext_utils.ParamBinding(
                paste_button=top["paste"], tabname="img2img", source_text_component=top["prompt"]
            )
        )
    scripts.scripts_current = None
    return interface
