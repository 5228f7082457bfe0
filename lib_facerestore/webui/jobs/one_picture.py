"""The one way in which a picture of the host is restored, whichever page, button, list or route asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib_facerestore.engine.data import Picture, Report, Result
from lib_facerestore.engine.pixels import from_pil, to_pil
from lib_facerestore.engine.report import status_line
from lib_facerestore.hosts import base
from lib_facerestore.hosts.progress import HostProgress, text_put_back
from lib_facerestore.settings import RestoreSettings
from lib_facerestore.webui import infotext
from lib_facerestore.webui.border import logger
from lib_facerestore.webui.jobs.context import RestoreContext

if TYPE_CHECKING:
    from PIL import Image

_PREVIEW_PX = 512


@dataclass(frozen=True)
class Outcome:
    """One picture after its restoration."""

    result: Result
    """The finished picture, the report of what ran, and the restored faces."""
    record: Mapping[str, str]
    """Keys and values for the picture's text; {} where the picture is as it was."""

    @property
    def report(self) -> Report:
        """What ran."""
        return self.result.report

    @property
    def is_changed(self) -> bool:
        """Whether the picture is another one than before."""
        return self.report.count("restored") > 0 or self.report.upscaler != ""

    def image(self) -> Image.Image:
        """The finished picture as a new PIL image, without any of the old one's notes."""
        return to_pil(self.result.picture)


def restore_image(
    image: Image.Image | Picture,
    settings: RestoreSettings,
    context: RestoreContext,
    progress: HostProgress | None = None,
) -> Outcome:
    """Restore one picture, add its report to the context, and write its status into the log.

    image: stays as it is. progress: the host's bar without a title, if None; its text is put back afterwards.
    Raises: FaceRestoreError; Interrupted when the user stops or skips the picture.
    """
    state = base.state()
    with text_put_back(state):
        result = context.session_job().restore(
            _picture_of(image, context.keeps_alpha), settings, progress or HostProgress(state)
        )
    context.reports.append(result.report)
    logger.info("%s", status_line(result.report))
    return Outcome(result, infotext.record(result.report, settings))


def preview(image: Image.Image) -> Image.Image:
    """A small RGB copy for the live preview."""
    small = image.convert("RGB")
    small.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
    return small


def _picture_of(image: Image.Image | Picture, keeps_alpha: bool) -> Picture:
    if isinstance(image, Picture):
        return image
    return from_pil(image if keeps_alpha or image.mode == "RGB" else image.convert("RGB"))
