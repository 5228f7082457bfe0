"""Our upscalers in the host's own lists: hires fix, SD upscale and Extras use them by name."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

from lib_facerestore.hosts import base, upscaler_list
from lib_facerestore.hosts.upscaler_list import Offered
from lib_facerestore.models import weights
from lib_facerestore.settings import RestoreSettings, setting_default
from lib_facerestore.webui import options, warm_session
from lib_facerestore.webui.border import guarded, logger
from lib_facerestore.webui.jobs.context import RestoreContext
from lib_facerestore.webui.jobs.one_picture import restore_image
from lib_facerestore.webui.lent import pending_messages
from lib_facerestore.webui.lent.host_restorers import present_models
from lib_facerestore.webui.page import compat

# `engine.sizes` goes no further in one run; what hosts ask beyond is a plain resize of that.
_MOST = 8.0
_HIGHEST_CEILING_MEGAPIXELS = 1000.0
_LARGER_THAN_ASKED = 2.0


class HostScaler:
    """What the host calls for every entry of ours; the entry's second value names the model."""

    name = "Face restore"
    model_name = None
    model_path = None
    enable = True

    def upscale(self, img: Image.Image, scale: float, selected_model: str | None = None) -> Image.Image:
        """A new image of side·scale, rounded. Where ours fails it is a plain resize, and the status says so.

        Must not raise: that would end the host's job. Below scale 1 a plain resize is all that hosts do.
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
    """Have our entries in the host's list as it is now, once each; takes what hosts hand to callbacks."""
    with guarded("listing our upscalers", lambda sentence: None):
        if options.value("host_lists") == "restorers and upscalers" and not base.flag("no_facerestore_upscale", False):
            models = present_models("upscaler").items()
            upscaler_list.offer([Offered(base.title_of(name), name, scale) for name, scale in models], _SCALER)


def _upscaled(img: Image.Image, scale: float, model: str) -> Image.Image:
    """The network's picture, with none of a plain resize mixed in: the host's lists have no strength."""
    dni_partner = weights.choose(model, "upscaler", weights.listed(warm_session.runtime())).dni_partner
    # At scale 1 the host expects a run of the network too, which only a picture that grows brings; it is reduced after.
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
    """As `engine.sizes` rounds."""
    return max(1, math.floor(px * scale + 0.5))


def _say_failed(sentence: str) -> None:
    """Also as a toast: an error in Extras may come after our own step there."""
    said = f"{sentence} The WebUI got a plain Lanczos resize instead."
    logger.info("%s", said)
    pending_messages.say(said)
    compat.notify(f"Face restore: {said}")
