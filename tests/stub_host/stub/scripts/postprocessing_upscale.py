"""The host's upscaling in Extras, order 1000."""

import gradio as gr
from modules import scripts_postprocessing, shared
from modules.ui_components import FormRow


class ScriptPostprocessingUpscale(scripts_postprocessing.ScriptPostprocessing):
    name = "Upscale"
    order = 1000

    def ui(self):
        names = [data.name for data in shared.sd_upscalers]
        with FormRow():
            enabled = gr.Checkbox(True, label="Upscale", elem_id="extras_upscale_enabled")
            name = gr.Dropdown(names, value=names[0], label="Upscaler 1", elem_id="extras_upscaler_1")
            factor = gr.Slider(1, 8, 1, step=0.05, label="Resize", elem_id="extras_upscaling_resize")
        return {"upscale_enabled": enabled, "upscaler_1_name": name, "upscale_by": factor}

    def process_firstpass(self, pp, upscale_enabled=True, upscaler_1_name=None, upscale_by=1, **more):
        pp.shared.target_width = int(pp.image.width * (upscale_by or 1))
        pp.shared.target_height = int(pp.image.height * (upscale_by or 1))

    def process(self, pp, upscale_enabled=True, upscaler_1_name=None, upscale_by=1, **more):
        if not upscale_enabled or upscaler_1_name in (None, "None"):
            return
        data = next((one for one in shared.sd_upscalers if one.name == upscaler_1_name), None)
        assert data, f"could not find upscaler named {upscaler_1_name}"
        pp.image = data.scaler.upscale(pp.image, upscale_by, data.data_path)
        pp.info["Postprocess upscale by"] = upscale_by
        pp.info["Postprocess upscaler"] = data.name
