"""Restore one picture for the host. All pages, buttons, lists of the host and HTTP routes call `restore_image`."""

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
    """Key → value for the picture's infotext: see `infotext.record`; {} where the picture did not change."""

    @property
    def report(self) -> Report:
        """The report of what ran on the picture."""
        return self.result.report

    @property
    def is_changed(self) -> bool:
        """Whether at least one face was restored or an upscaler or plain resize made a new picture."""
        return self.report.count("restored") > 0 or self.report.upscaler != ""

    def image(self) -> Image.Image:
        """Return the finished picture as a new PIL image; `info` and other attributes of the old one are not on it."""
        return to_pil(self.result.picture)


def restore_image(
    image: Image.Image | Picture,
    settings: RestoreSettings,
    context: RestoreContext,
    progress: HostProgress | None = None,
) -> Outcome:
    """Restore one picture, add its report to the context, and write its status into the log.

    image: is not changed. progress: where None, steps are shown in the host's progress bar without a title. The text
    of the bar is put back afterwards.
    Raises: FaceRestoreError where the picture cannot be restored; Interrupted where the user stops or skips it. The
    context has no report of the picture then.
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
    """Return an RGB copy for the live preview, at most 512 px wide and high."""
    small = image.convert("RGB")
    small.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
    return small


def _picture_of(image: Image.Image | Picture, keeps_alpha: bool) -> Picture:
    """Return the image as a Picture; a PIL image loses its alpha unless keeps_alpha."""
    if isinstance(image, Picture):
        return image
    return from_pil(image if keeps_alpha or image.mode == "RGB" else image.convert("RGB"))
