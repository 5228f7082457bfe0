"""A small "X/Y/Z plot": X and Y of named fields, a shallow copy of p per cell, and axes that extensions add."""

import re
from copy import copy

import gradio as gr
import numpy as np
from modules import host_kind, images, processing, scripts, shared
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


class AxisOptionOfSdNext(AxisOption):
    """The same under other names, and one argument less."""

    def __init__(self, label, tipe, apply, fmt=format_value_add_label, confirm=None, cost=0.0, choices=None):
        super().__init__(label, tipe, apply, fmt, confirm, cost, choices)


if host_kind.is_sdnext():
    AxisOption = AxisOptionOfSdNext


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


def values_of(p, option: AxisOption, text, choices) -> list:
    """Values of an axis, as its confirm leaves them.

    With choices a list is expected; a text is taken apart letter by letter, as in the hosts.
    """
    if option.label == "Nothing":
        return [0]
    if option.choices is not None:
        found = list(choices)
    else:
        found = [part.strip() for part in str(text).split(",") if part.strip()]
    if option.type is float:
        found = [value for part in found for value in parts_of_range(part)]
    made = [option.type(value) for value in found]
    if option.confirm:
        option.confirm(p, made)
    return made


def parts_of_range(text: str) -> list:
    """`0-1 [5]` as five numbers, `0-1 (+0.25)` as sums of the step; any other text as it is."""
    if found := re.fullmatch(r"([\d.]+)-([\d.]+) ?\[(\d+)\]", text):
        return np.linspace(float(found[1]), float(found[2]), int(found[3])).tolist()
    if found := re.fullmatch(r"([\d.]+)-([\d.]+) ?\(\+([\d.]+)\)", text):
        return np.arange(float(found[1]), float(found[2]) + float(found[3]), float(found[3])).tolist()
    return [text]


def cells(x_option: AxisOption, xs: list, y_option: AxisOption, ys: list) -> list[tuple[int, int]]:
    """Column and row of each cell in the order of making: the axis of higher cost changes least often."""
    if x_option.cost > y_option.cost:
        return [(column, row) for column in range(len(xs)) for row in range(len(ys))]
    return [(column, row) for row in range(len(ys)) for column in range(len(xs))]


def select_among(options):
    """Shows the list of choices of an axis, or the line of text where it has none."""

    def select(chosen):
        found = options[chosen or 0].choices
        listed = found() if found else []
        return gr.update(visible=not listed), gr.update(visible=bool(listed), choices=listed, value=[])

    return select


class Script(scripts.Script):
    def title(self):
        return "XYZ Grid Script" if host_kind.is_sdnext() else "X/Y/Z plot"

    def ui(self, is_img2img):
        self.current_axis_options = [
            option for option in axis_options if getattr(option, "is_img2img", is_img2img) == is_img2img
        ]
        labels = [option.label for option in self.current_axis_options]
        made = []
        for axis in ("x", "y"):
            name = axis.upper()
            kind = gr.Dropdown(
                labels, value="Nothing", type="index", label=f"{name} type", elem_id=self.elem_id(f"{axis}_type")
            )
            values = gr.Textbox(label=f"{name} values", elem_id=self.elem_id(f"{axis}_values"))
            choices = gr.Dropdown([], multiselect=True, value=[], label=f"{name} choices", visible=False)
            kind.change(fn=select_among(self.current_axis_options), inputs=[kind], outputs=[values, choices])
            made += [kind, values, choices]
        return [*made, gr.Checkbox(True, label="Draw legend", elem_id=self.elem_id("draw_legend"))]

    def run(self, p, x_type, x_values, x_choices, y_type, y_values, y_choices, draw_legend):
        processing.fix_seed(p)
        p.batch_size = 1
        x_option, y_option = self.current_axis_options[x_type or 0], self.current_axis_options[y_type or 0]
        xs, ys = values_of(p, x_option, x_values, x_choices), values_of(p, y_option, y_values, y_choices)
        if not xs or not ys:
            return Processed(p, [])
        shared.state.job_count = len(xs) * len(ys) * p.n_iter
        results = {}
        for column, row in cells(x_option, xs, y_option, ys):
            cell = copy(p)
            cell.styles = list(p.styles)
            x_option.apply(cell, xs[column], xs)
            y_option.apply(cell, ys[row], ys)
            results[column, row] = processing.process_images(cell)
        # A cell is the first picture of its result, even if that is a grid.
        found = [results[column, row] for row in range(len(ys)) for column in range(len(xs))]
        pictures, texts = [one.images[0] for one in found], [one.infotexts[0] for one in found]
        prompts, seeds = [one.prompt for one in found], [one.seed for one in found]
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
