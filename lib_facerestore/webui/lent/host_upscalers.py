"""This extension's upscalers in the host's list of upscalers.

Hires fix, SD upscale, Extras and the host's API choose them by name.
"""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

from lib_facerestore.engine.sizes import MAX_SCALE
from lib_facerestore.hosts import base, upscaler_list
from lib_facerestore.hosts.upscaler_list import Offered
from lib_facerestore.models import weights
from lib_facerestore.settings import RestoreSettings, setting_default
from lib_facerestore.webui import options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.restore_image import restore_image
from lib_facerestore.webui.lent import pending_messages
from lib_facerestore.webui.lent.host_restorers import present_models
from lib_facerestore.webui.page import compat

# The rest of a larger factor is a plain resize, because the engine refuses to go further in one run.
_MOST = MAX_SCALE
# The highest value that the setting takes: the user asked the host for this size, and the host limits sizes itself.
_HIGHEST_CEILING_MEGAPIXELS = 1000.0
# Factor of the run at scale 1: see `_upscaled`.
_LARGER_THAN_ASKED = 2.0


class HostScaler:
    """What the host calls for every upscaler of this extension: see `hosts.upscaler_list.Scaler`."""

    # Attributes that hosts read of every upscaler.
    name = base.TITLE
    model_name = None
    model_path = None
    enable = True

    def upscale(self, img: Image.Image, scale: float, selected_model: str | None = None) -> Image.Image:
        """Return a new image whose sides are those of img times scale, rounded. Does not raise.

        selected_model: the catalogue's name of the model; None for "auto". Where the upscaler fails, the result is a
        plain Lanczos resize, and the status says why. Below scale 1 it is one too, as with the host's own upscalers.
        """
        made = None
        if scale >= 1:
            with guarded("keeping a record", lambda sentence: None), guarded("upscaling for the WebUI", _say_failed):
                made = _upscaled(img, min(scale, _MOST), selected_model or "auto")
            with guarded("putting the models away", lambda sentence: None):
                warm_session.after_job()  # the next step of hires fix needs the memory
        result = img if made is None else made
        size_wh = _side(img.width, scale), _side(img.height, scale)
        return result if result.size == size_wh else result.resize(size_wh, Image.Resampling.LANCZOS)


_SCALER = HostScaler()


def put(*_: Any) -> None:
    """Add this extension's upscalers to the host's list, except those that are in it already.

    One for each upscaler of the catalogue whose weights are present; none where the Settings or a flag of the host say
    so. Arguments that hosts give to callbacks are not used.
    """
    with guarded("adding upscalers to the list of the WebUI", lambda sentence: None):
        if options.value("host_lists") == "restorers and upscalers" and not base.flag("no_facerestore_upscale", False):
            models = present_models("upscaler").items()
            upscaler_list.offer([Offered(base.title_of(name), name, scale) for name, scale in models], _SCALER)


def _upscaled(img: Image.Image, scale: float, model: str) -> Image.Image:
    """Return the image as the upscaler makes it, at upscale strength 1: the host's lists have no control for it.

    At scale 1 the result is twice as large as img, and the caller reduces it.
    Raises: FaceRestoreError; Interrupted.
    """
    dni_partner = weights.choose(model, "upscaler", weights.listed(warm_session.runtime())).dni_partner
    # The host expects a run of the network at scale 1 too, but the engine runs one only for a picture that grows.
    larger = scale if scale > 1 else _LARGER_THAN_ASKED
    settings = RestoreSettings(
        restorer="none",
        upscaler=model,
        upscale_strength=1.0,
        denoise=options.defaults()["denoise"] if dni_partner else setting_default("denoise"),
        ceiling_megapixels=_HIGHEST_CEILING_MEGAPIXELS,
        scale=larger,
    )
    outcome = restore_image(img, settings, RestoreContext(keeps_alpha=img.mode == "RGBA"))
    for sentence in outcome.report.warnings:
        pending_messages.say(sentence)
    return outcome.image()


def _side(px: int, scale: float) -> int:
    """Return a side in px times scale, rounded as `engine.sizes` rounds; at least 1."""
    return max(1, math.floor(px * scale + 0.5))


def _say_failed(sentence: str) -> None:
    """Tell the user why an upscaler failed: in the log, in the job's status, and as a toast on the page.

    The toast is needed in Extras, where this extension's own step may have written its status before.
    """
    said = f"{sentence} The WebUI got a plain Lanczos resize instead."
    logger.info("%s", said)
    pending_messages.say(said)
    compat.notify(f"{base.TITLE}: {said}")
