"""Uses a bit of everything of a host and tells what it saw at GET /probe."""

import sys
import threading

import gradio as gr
import probe_package
from modules import script_callbacks, scripts, scripts_postprocessing, shared
from modules.shared import OptionInfo
from modules.ui_components import InputAccordion
from modules.upscaler import Upscaler, UpscalerData

probe_package.seen.append("script executed")
is_on_path_while_loading = any("probe_extension" in path or path.endswith("/probe") for path in sys.path)
events: list = []


def note(*words):
    events.append([str(word) for word in words])


class Double(Upscaler):
    name = "Probe double"

    def __init__(self, dirname=None):
        super().__init__()
        self.scalers = [UpscalerData(self.name, None, self, 2)]

    def do_upscale(self, img, selected_model=None):
        return img.resize((img.width * 2, img.height * 2))


class Probe(scripts.Script):
    def title(self):
        return "Probe"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with InputAccordion(False, label="Probe", elem_id=self.elem_id("accordion")) as enabled:
            amount = gr.Slider(0, 1, 0.5, step=0.05, label="Probe amount", elem_id=self.elem_id("amount"))
            kind = gr.Dropdown(["a", "b"], value="a", label="Probe kind", elem_id=self.elem_id("kind"))
        self.infotext_fields = [
            (enabled, lambda params: "Probe amount" in params),
            (amount, "Probe amount"),
            (kind, "Probe kind"),
        ]
        return [enabled, amount, kind]

    def process(self, p, enabled, amount, kind):
        events.clear()
        note("process", enabled, amount, kind, threading.current_thread() is threading.main_thread(), p.restore_faces)
        if not enabled:
            return
        p.extra_generation_params["Probe amount"] = amount
        p.extra_generation_params["Probe kind"] = "a, b: c" if kind == "quoted" else kind
        count = p.batch_size * p.n_iter
        p.extra_generation_params["Probe list"] = [f"L{number}" for number in range(count)]
        p.extra_generation_params["Probe call"] = lambda p, index, **more: p.iteration * p.batch_size + index
        if kind == "raise":
            raise RuntimeError("The probe was told to raise.")

    def before_process_batch(self, p, *args, **kwargs):
        note("before_process_batch", kwargs["batch_number"])

    def process_batch(self, p, *args, **kwargs):
        note("process_batch", kwargs["batch_number"])

    def post_sample(self, p, ps, *args):
        note("post_sample", len(ps.samples))

    def before_hr(self, p, *args):
        note("before_hr")

    def postprocess_batch(self, p, *args, **kwargs):
        note("postprocess_batch", tuple(kwargs["images"].shape))

    def postprocess_batch_list(self, p, pp, *args, **kwargs):
        note("postprocess_batch_list", len(pp.images), tuple(pp.images[0].shape))

    def postprocess_image(self, p, pp, enabled, amount, kind):
        note("postprocess_image", pp.image.size, getattr(pp, "index", None), pp.image.getpixel((2, 2)))

    def postprocess_maskoverlay(self, p, ppmo, *args):
        note("postprocess_maskoverlay", ppmo.index, ppmo.overlay_image is not None)

    def postprocess_image_after_composite(self, p, pp, enabled, amount, kind):
        note("postprocess_image_after_composite", pp.image.size, getattr(pp, "index", None))
        if kind == "double after composite":
            pp.image = pp.image.resize((pp.image.width * 2, pp.image.height * 2))

    def postprocess(self, p, processed, enabled, amount, kind):
        saved = [getattr(image, "already_saved_as", None) for image in processed.images]
        note("postprocess", len(processed.images), len(processed.infotexts), processed.index_of_first_image)
        note("modes", *(image.mode for image in processed.images))
        note("saved", *saved)
        note("save_samples", p.save_samples())
        if enabled:
            processed.comments += "\nProbe was here."


class ProbeExtras(scripts_postprocessing.ScriptPostprocessing):
    name = "Probe extras"
    order = 1500

    def ui(self):
        with InputAccordion(False, label="Probe extras", elem_id="probe_extras") as enabled:
            tag = gr.Textbox("tagged", label="Probe tag", elem_id="probe_extras_tag")
        return {"enabled": enabled, "tag": tag}

    def process_firstpass(self, pp, enabled, tag):
        events.clear()
        note("process_firstpass", enabled, tag)

    def process(self, pp, enabled, tag):
        note("process", enabled, tag, pp.image.mode, pp.image.size)
        if tag == "raise":
            raise RuntimeError("The probe was told to raise.")
        if enabled:
            pp.info["Probe extras"] = "yes, it: was"
            pp.nametags.append(tag)
            pp.extra_images.append(pp.create_copy(pp.image.convert("L").convert("RGB"), nametags=["grey"]))


def settings():
    section = ("probe", "Probe")
    shared.opts.add_option("probe_switch", OptionInfo(True, "Probe switch", section=section))
    slider = OptionInfo(0.5, "Probe level", gr.Slider, {"minimum": 0, "maximum": 1, "step": 0.1}, section=section)
    shared.opts.add_option("probe_level", slider)


def found_component(component, **kwargs):
    if str(kwargs.get("elem_id", "")).startswith("setting_probe"):
        probe_package.seen.append(kwargs["elem_id"])


def started(demo, app):
    def tell():
        return {
            "events": events,
            "seen": probe_package.seen,
            "word": shared.cmd_opts.probe_word,
            "is_on_path_while_loading": is_on_path_while_loading,
            "is_on_path": any(path.endswith("/probe") for path in sys.path),
        }

    app.add_api_route("/probe", tell, methods=["GET"])


script_callbacks.on_ui_settings(settings)
script_callbacks.on_after_component(found_component)
script_callbacks.on_app_started(started)
script_callbacks.on_before_reload(lambda: probe_package.seen.append("before_reload"))
script_callbacks.on_script_unloaded(lambda: probe_package.seen.append("script_unloaded"))
