"""A small "X/Y/Z plot": X and Y of named fields, a shallow copy of p per cell, and axes that extensions add."""

from copy import copy

import gradio as gr
from modules import images, processing, scripts, shared
from modules.processing import Processed


def apply_field(field):
    """A function that sets a field of p."""

    def apply(p, x, xs):
        setattr(p, field, x)

    return apply


def format_value_add_label(p, opt, x):
    """Label and value, as the legend says them."""
    return f"{opt.label}: {round(x, 8) if isinstance(x, float) else x}"


class AxisOption:
    """One quantity that can stand on an axis."""

    def __init__(
        self,
        label,
        type,
        apply,
        format_value=format_value_add_label,
        confirm=None,
        cost=0.0,
        choices=None,
        prepare=None,
    ):
        self.label = label
        self.type = type
        self.apply = apply
        self.format_value = format_value
        self.confirm = confirm
        self.cost = cost
        self.choices = choices
        self.prepare = prepare


class AxisOptionTxt2Img(AxisOption):
    is_img2img = False


class AxisOptionImg2Img(AxisOption):
    is_img2img = True


axis_options = [
    AxisOption("Nothing", str, lambda p, x, xs: None),
    AxisOption("Seed", int, apply_field("seed")),
    AxisOption("Steps", int, apply_field("steps")),
    AxisOption("CFG Scale", float, apply_field("cfg_scale")),
    AxisOption("Face restore", str, lambda p, x, xs: setattr(p, "restore_faces", str(x).lower() in ("true", "yes"))),
]


def values_of(option: AxisOption, text, choices) -> list:
    """Values of an axis. With choices a list is expected; a text is taken apart letter by letter, as in the hosts."""
    if option.label == "Nothing":
        return [0]
    if option.choices is not None:
        found = list(choices)
    else:
        found = [part.strip() for part in str(text).split(",") if part.strip()]
    made = [option.type(value) for value in found]
    return made


class Script(scripts.Script):
    def title(self):
        return "X/Y/Z plot"

    def ui(self, is_img2img):
        self.current_axis_options = [
            option for option in axis_options if getattr(option, "is_img2img", is_img2img) == is_img2img
        ]
        labels = [option.label for option in self.current_axis_options]
        made = []
        for axis in ("x", "y"):
            made += [
                gr.Dropdown(labels, value="Nothing", type="index", label=f"{axis.upper()} type"),
                gr.Textbox(label=f"{axis.upper()} values", elem_id=self.elem_id(f"{axis}_values")),
                gr.Dropdown([], multiselect=True, value=[], label=f"{axis.upper()} choices", visible=False),
            ]
        return [*made, gr.Checkbox(True, label="Draw legend", elem_id=self.elem_id("draw_legend"))]

    def run(self, p, x_type, x_values, x_choices, y_type, y_values, y_choices, draw_legend):
        processing.fix_seed(p)
        p.batch_size = 1
        x_option, y_option = self.current_axis_options[x_type or 0], self.current_axis_options[y_type or 0]
        xs, ys = values_of(x_option, x_values, x_choices), values_of(y_option, y_values, y_choices)
        shared.state.job_count = len(xs) * len(ys) * p.n_iter
        pictures, texts, prompts, seeds = [], [], [], []
        for y in ys:
            for x in xs:
                cell = copy(p)
                cell.styles = list(p.styles)
                cell.extra_generation_params = dict(p.extra_generation_params)
                cell.override_settings = dict(p.override_settings)
                x_option.apply(cell, x, xs)
                y_option.apply(cell, y, ys)
                processed = processing.process_images(cell)
                # A cell is the first picture of its result, even if that is a grid.
                pictures.append(processed.images[0])
                texts.append(processed.infotexts[0])
                prompts.append(processed.prompt)
                seeds.append(processed.seed)
        grid = images.image_grid(pictures, rows=len(ys))
        return Processed(
            p,
            [grid, *pictures],
            p.seed,
            texts[0],
            all_prompts=[prompts[0], *prompts],
            all_seeds=[seeds[0], *seeds],
            index_of_first_image=1,
            infotexts=[texts[0], *texts],
        )
