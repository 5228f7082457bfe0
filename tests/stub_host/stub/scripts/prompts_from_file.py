"""A job for each line of a text, like the hosts' "Prompts from file or textbox"."""

import copy

import gradio as gr
from modules import processing, scripts, shared
from modules.processing import Processed


class Script(scripts.Script):
    def title(self):
        return "Prompts from file or textbox"

    def ui(self, is_img2img):
        iterate = gr.Checkbox(False, label="Iterate seed every line", elem_id=self.elem_id("checkbox_iterate"))
        same = gr.Checkbox(False, label="Use same random seed", elem_id=self.elem_id("checkbox_iterate_batch"))
        position = gr.Radio(
            ["start", "end"], value="start", label="Insert prompts at the", elem_id=self.elem_id("prompt_position")
        )
        text = gr.Textbox(label="List of prompt inputs", lines=2, elem_id=self.elem_id("prompt_txt"))
        return [iterate, same, position, text]

    def run(self, p, iterate, same, position, text):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        p.do_not_save_grid = True
        if iterate or same:
            processing.fix_seed(p)
        shared.state.job_count = len(lines) * p.n_iter
        pictures, prompts, texts = [], [], []
        for number, line in enumerate(lines):
            shared.state.job = f"{number + 1} out of {len(lines)}"
            inner = copy.copy(p)
            if p.prompt:
                inner.prompt = f"{line} {p.prompt}" if position == "start" else f"{p.prompt} {line}"
            else:
                inner.prompt = line
            processed = processing.process_images(inner)
            pictures += processed.images
            prompts += processed.all_prompts
            texts += processed.infotexts
            if iterate:
                p.seed += p.batch_size * p.n_iter
        return Processed(p, pictures, p.seed, "", all_prompts=prompts, infotexts=texts)
