"""One PIL image of the host through the session and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_facerestore.engine.data import Report
from lib_facerestore.engine.pixels import from_pil, to_pil
from lib_facerestore.engine.ports import Progress
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import warm_session

if TYPE_CHECKING:
    from PIL import Image

_PREVIEW_PX = 512


def restore(
    image: Image.Image, settings: RestoreSettings, progress: Progress, keeps_alpha: bool, asks_for_room: bool = True
) -> tuple[Image.Image, Report]:
    """The finished picture, a new PIL image without any of the old one's notes, and what was done.

    keeps_alpha: False for generated pictures, whose alpha some hosts use to hide the text in.
    asks_for_room: see `Session.restore`.
    Raises: FaceRestoreError.
    """
    picture = from_pil(image if keeps_alpha or image.mode == "RGB" else image.convert("RGB"))
    (result,) = warm_session.session().restore([picture], settings, progress, asks_for_room)
    return to_pil(result.picture), result.report


def has_changed(report: Report) -> bool:
    """Whether the picture is another one than before."""
    return report.count("restored") > 0 or report.upscaler != ""


def preview(image: Image.Image) -> Image.Image:
    """A small RGB copy for the live preview."""
    small = image.convert("RGB")
    small.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
    return small
