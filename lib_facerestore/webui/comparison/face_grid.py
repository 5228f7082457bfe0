"""A selectable script that generates once and puts a grid of faces in front of each picture.

The grid shows each chosen face of the picture as it is and as several models, at several weights, restore it.
"""

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
# Name of the attribute of the host's `p` that holds the job's generated pictures.
_KEPT = "_facerestore_grid_pictures"
_FIRST_WEIGHTS, _FIRST_CELL_PX = "0, 0.5, 1", 256
_MOST_WEIGHTS, _MOST_MODELS = 21, 50


@dataclass(frozen=True)
class _Asked:
    """What the grids of one job are to show."""

    models: tuple[str, ...]
    """Names of restorers, each once."""
    weights: tuple[float, ...]
    """Fidelity weights, 0 … 1, for the models that have one."""
    cell_px: int
    """Side of a face in the grid, in px; limited when the grid is drawn."""
    settings: RestoreSettings
    """Say which faces of a picture are shown."""


class FaceGridScript(scripts.Script):  # type: ignore[misc]  # the host's class has no types
    """See the host's Script. Its state is kept on the host's `p`, because all users and tabs share this object."""

    def title(self) -> str:
        """Return the name in the host's list of scripts, which API callers use too."""
        return TITLE

    def show(self, is_img2img: bool) -> bool:
        """Return whether the script is in the list of a tab: in both, unless a flag switched restoring faces off."""
        return not base.flag("no_facerestore", False)

    def ui(self, is_img2img: bool) -> list[Any]:
        """Draw the controls below the list of scripts; return them in the order of `run`'s arguments."""
        usable = controls.model_names("restorer", only_usable=True)
        names = [name for name in usable if name not in controls.MODEL_SETTINGS["restorer"][1]]
        models = gr.Dropdown(names, value=names, multiselect=True, label="Models", elem_id=self.elem_id("models"))
        # Otherwise the host would keep this list in ui-config.json, without the models that are fetched later.
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
        """Generate, and return the host's result with a grid in front for each picture that has faces.

        models: names, in a list. weights: numbers in a text with commas, or in a list. cell_px: side of a face in the
        grid. more: not used; the host passes on whatever an API caller appends. Where grids cannot be made the
        result is the host's, and its status says why.
        """
        setattr(p, _KEPT, [])
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


def keep_picture(p: Any, image: Any) -> None:
    """Keep a generated picture for its grid, if this script drives the job of the host's `p`.

    image: the whole picture, a PIL image, before this extension restores it.
    """
    kept = getattr(p, _KEPT, None)
    if isinstance(kept, list):
        kept.append(image)


def _asked(p: Any, models: Any, weights: Any, cell_px: Any, said: list[str]) -> _Asked:
    """Return the checked arguments of `run`; for each one that cannot be used a sentence is added to `said`.

    The settings are those of the job that restores the pictures, if there is one, and the Settings' defaults otherwise.
    """
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
    """Return the numbers from 0 to 1 in a text with commas or in a list, each once; 0.5 where there is none.

    For each other value a sentence is added to `said`.
    """
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
    """Make a grid for each kept picture that has faces, save it if the host saves grids, and put all into `processed`.

    processed: the host's result, in which the grids are put in front of all pictures. said: sentences for the status
    are added to it.
    """
    pictures = getattr(p, _KEPT)
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
            said.append(f"{title}{variant_grid.status_of(found)}")
            said.extend(variant_grid.failures(found))
            if found.prepared.crops:
                grid = variant_grid.draw_variants(found, asked.cell_px, said)
                text = _text(p, processed, index, asked)
                grid.info["parameters"] = text
                made.append((grid, text))
                _save(p, processed, grid, text, index, said)
        progress.finished_one()
    processed.images[:0] = [grid for grid, _ in made]
    processed.infotexts[:0] = [text for _, text in made]
    processed.index_of_first_image += len(made)


def _save(p: Any, processed: Any, grid: Image.Image, text: str, index: int, said: list[str]) -> None:
    """Save the grid of a picture in the host's folder of grids, if the host saves grids.

    text: the grid's infotext. index: of the picture in the job. Where it fails, `said` gets a sentence.
    """
    if files.saves_grids(p):
        with guarded("saving the face grid", said.append):
            placed = files.Placed(p, index, processed.all_seeds[index], processed.all_prompts[index])
            files.save_grid(grid, "face_grid", text, placed)


def _text(p: Any, processed: Any, index: int, asked: _Asked) -> str:
    """Return the grid's infotext: the picture's own, without the record of its restoration, and what the grid shows."""
    own = infotext.without_record(processed.infotext(p, index))
    said = {"Script": TITLE, MODELS_KEY: " | ".join(asked.models)}
    return infotext.appended(own, {**said, WEIGHTS_KEY: ", ".join(f"{weight:g}" for weight in asked.weights)})
