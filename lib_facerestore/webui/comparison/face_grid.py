"""A selectable script: generates once, then shows every face restored by several models and weights, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from modules import processing, scripts
from PIL import Image

from lib_facerestore.engine.pixels import from_pil
from lib_facerestore.hosts import base, files
from lib_facerestore.hosts.progress import JobProgress
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.comparison import grid_picture, variant_grid
from lib_facerestore.webui.jobs import job, request
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.page import controls

TITLE = job.GRID_SCRIPT
MODELS_KEY, WEIGHTS_KEY = f"{TITLE} models", f"{TITLE} weights"
_SEEN = "_facerestore_grid_pictures"
_FIRST_WEIGHTS, _FIRST_CELL_PX = "0, 0.5, 1", 256
_MOST_WEIGHTS, _MOST_MODELS = 21, 50


@dataclass(frozen=True)
class _Asked:
    """What one grid is to show."""

    models: tuple[str, ...]
    weights: tuple[float, ...]
    cell_px: int
    settings: RestoreSettings


class FaceGridScript(scripts.Script):  # type: ignore[misc]  # the host's class has no types
    """See the host's Script. State lives on `p`, never here."""

    def title(self) -> str:
        """The name in the dropdown, and for API callers."""
        return TITLE

    def show(self, is_img2img: bool) -> bool:
        """In both tabs; nowhere when a flag switched faces off."""
        return not base.flag("no_facerestore", False)

    def ui(self, is_img2img: bool) -> list[Any]:
        """The controls below the dropdown."""
        usable = controls.model_names("restorer", only_usable=True)
        names = [name for name in usable if name not in controls.MODEL_SETTINGS["restorer"][1]]
        models = gr.Dropdown(names, value=names, multiselect=True, label="Models", elem_id=self.elem_id("models"))
        # Else the host keeps the first start's list in ui-config.json, and models fetched since are not in it.
        models.do_not_save_to_config = True
        weights = gr.Textbox(
            _FIRST_WEIGHTS, label="CodeFormer weights", info="0 restores most strongly; other models have none.",
            elem_id=self.elem_id("weights"),
        )  # fmt: skip
        cell = gr.Slider(
            grid_picture.SMALLEST_CELL_PX, grid_picture.LARGEST_CELL_PX, _FIRST_CELL_PX, step=32,
            label="Size of a face (px)", elem_id=self.elem_id("cell"),
        )  # fmt: skip
        self.infotext_fields = [
            (models, lambda text: text[MODELS_KEY].split(" | ") if MODELS_KEY in text else None),
            (weights, WEIGHTS_KEY),
        ]
        return [models, weights, cell]

    def run(self, p: Any, models: Any = (), weights: Any = "", cell_px: Any = _FIRST_CELL_PX, *more: Any) -> Any:
        """The host's result with a grid in front for each picture that has faces; as it was where that fails."""
        setattr(p, _SEEN, [])
        processed = processing.process_images(p)
        said: list[str] = []
        with guarded("making the face grid", said.append):
            asked = _asked(p, models, weights, cell_px, said)
            if asked.models and processed.images:
                _add_grids(p, processed, asked, said)
        with guarded("putting the models away", said.append):
            warm_session.after_job()
        lines = [f"{TITLE}: {sentence}" for sentence in dict.fromkeys(said)]
        processed.comments = "\n".join(filter(None, [(processed.comments or "").strip("\n"), *lines]))
        for line in lines:
            logger.info("%s", line)
        return processed


def see(p: Any, image: Any) -> None:
    """Keep a generated picture, whole and before any restoration, where a grid is to be made of the job."""
    seen = getattr(p, _SEEN, None)
    if isinstance(seen, list):
        seen.append(image)


def _asked(p: Any, models: Any, weights: Any, cell_px: Any, said: list[str]) -> _Asked:
    """The arguments as far as they can be used; what cannot is said."""
    names = [models] if isinstance(models, str) else models if isinstance(models, Sequence) else []
    names = [str(name) for name in names][:_MOST_MODELS]
    if not names:
        said.append("Choose at least one model; no grid was made.")
    if not isinstance(cell_px, (int, float)) or not math.isfinite(cell_px):
        cell_px = _FIRST_CELL_PX
    running = job.current_job(p)
    settings = running.request.settings if running else request.checked_settings({})[0]
    return _Asked(tuple(dict.fromkeys(names)), tuple(_weights(weights, said)), int(cell_px), settings)


def _weights(given: Any, said: list[str]) -> list[float]:
    """Numbers from 0 to 1, of a text or a list; 0.5 where there is none."""
    parts = given if isinstance(given, (list, tuple)) else str(given or "").split(",")
    found: list[float] = []
    for part in filter(None, (str(part).strip() for part in parts)):
        try:
            weight = float(part)
        except ValueError:
            weight = math.nan
        if 0 <= weight <= 1:
            found.append(round(weight, 4))
        else:
            said.append(f"A weight cannot be {part[:20]!r}: it must be a number from 0 to 1. It was left out.")
    return list(dict.fromkeys(found))[:_MOST_WEIGHTS] or [0.5]


def _add_grids(p: Any, processed: Any, asked: _Asked, said: list[str]) -> None:
    """Make the grids, save them where the host saves its own, and put them in front of all pictures."""
    pictures = getattr(p, _SEEN)
    progress = JobProgress(base.state(), len(pictures))
    context = RestoreContext()
    made: list[tuple[Image.Image, str]] = []
    for index, image in enumerate(pictures):
        if progress.is_to_end:
            said.append(f"Stopped after {index} of {len(pictures)} pictures.")
            break
        title = f"picture {index + 1}: " if len(pictures) > 1 else ""
        with guarded(f"making the face grid of picture {index + 1}", said.append):
            picture = from_pil(image.convert("RGB"))
            found = context.session_job().compare_faces(
                picture, asked.settings, asked.models, asked.weights, progress.picture(index + 1)
            )
            said.append(f"{title}{variant_grid.in_words(found)}")
            said.extend(variant_grid.failures(found))
            if found.prepared.crops:
                grid = variant_grid.drawn(found, asked.cell_px, said)
                text = _text(p, processed, index, asked)
                grid.info["parameters"] = text
                made.append((grid, text))
                _save(p, processed, grid, text, index, said)
        progress.finished_one()
    processed.images[:0] = [grid for grid, _ in made]
    processed.infotexts[:0] = [text for _, text in made]
    processed.index_of_first_image += len(made)


def _save(p: Any, processed: Any, grid: Image.Image, text: str, index: int, said: list[str]) -> None:
    if files.saves_grids(p):
        with guarded("saving the face grid", said.append):
            placed = files.Placed(p, index, processed.all_seeds[index], processed.all_prompts[index])
            files.save_grid(grid, "face_grid", text, placed)


def _text(p: Any, processed: Any, index: int, asked: _Asked) -> str:
    """The picture's own text, without a record of a restoration that the grid does not show, and what it shows."""
    own = infotext.without_record(processed.infotext(p, index))
    said = {"Script": TITLE, MODELS_KEY: " | ".join(asked.models)}
    return infotext.appended(own, {**said, WEIGHTS_KEY: ", ".join(f"{weight:g}" for weight in asked.weights)})
