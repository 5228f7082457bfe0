"""Upscalers of the host and the base that extensions derive theirs from."""

from __future__ import annotations

import os

from PIL import Image

from modules import host_kind, shared


class Upscaler:
    """One kind of upscaler; `scalers` are its entries in the lists."""

    name = None
    model_path = None
    model_name = None
    model_url = None
    enable = True
    filter = None
    model = None
    user_path = None
    scalers: list
    tile = True

    def __init__(self, create_dirs=False):
        self.tile_size = shared.opts.ESRGAN_tile
        self.tile_pad = shared.opts.ESRGAN_tile_overlap
        self.device = shared.device
        self.scale = 1
        self.half = not getattr(shared.cmd_opts, "no_half", False)
        self.can_tile = True
        self.model_download_path = None
        if self.model_path is None and self.name:
            self.model_path = os.path.join(shared.models_path, self.name)
        if self.model_path and create_dirs:
            os.makedirs(self.model_path, exist_ok=True)

    def do_upscale(self, img, selected_model):
        return img

    def load_model(self, path):
        pass

    def find_models(self, ext_filter=None):
        return []

    def upscale(self, img, scale, selected_model=None):
        """As the kind does it."""
        if host_kind.is_sdnext():
            return self._upscale_of_sdnext(img, scale, selected_model)
        return self._upscale(img, scale, selected_model)

    def _upscale_of_sdnext(self, img, scale, selected_model):
        """Exactly to the target, in a job of its own, which takes back an interrupt."""
        job = shared.state.begin("Upscale")
        self.scale = scale
        wanted = int(img.width * scale), int(img.height * scale)
        for _ in range(3):
            before = img.size
            img = self.do_upscale(img, selected_model)
            if img.size == before or (img.width >= wanted[0] and img.height >= wanted[1]):
                break
        shared.state.end(job)
        return img if img.size == wanted else img.resize(wanted, Image.Resampling.LANCZOS)

    def _upscale(self, img, scale, selected_model):
        """Up to three passes until the target, which is rounded down to multiples of 8; then Lanczos."""
        self.scale = scale
        width, height = int(img.width * scale // 8 * 8), int(img.height * scale // 8 * 8)
        for number in range(3):
            if img.width >= width and img.height >= height and (number > 0 or scale != 1):
                break
            if shared.state.interrupted:
                break
            before = img.size
            img = self.do_upscale(img, selected_model)
            if img.size == before:
                break
        return img if img.size == (width, height) else img.resize((width, height), Image.Resampling.LANCZOS)


class UpscalerData:
    """One entry of shared.sd_upscalers."""

    def __init__(self, name, path, upscaler=None, scale=4, model=None):
        self.name = name
        self.data_path = path
        self.local_data_path = path
        self.scaler = upscaler
        self.scale = scale
        self.model = model


class UpscalerNone(Upscaler):
    name = "None"

    def __init__(self, dirname=None):
        super().__init__()
        self.scalers = [UpscalerData("None", None, self)]


class _Resampling(Upscaler):
    """Common to those that Pillow does. Not a direct subclass of Upscaler for its own children."""

    resampling = Image.Resampling.LANCZOS

    def __init__(self, dirname=None):
        super().__init__()
        self.scalers = [UpscalerData(self.name, None, self)]

    def do_upscale(self, img, selected_model=None):
        return img.resize((int(img.width * self.scale), int(img.height * self.scale)), self.resampling)


class UpscalerLanczos(_Resampling):
    name = "Lanczos"


class UpscalerNearest(_Resampling):
    name = "Nearest"
    resampling = Image.Resampling.NEAREST


BUILTIN = (UpscalerNone, UpscalerLanczos, UpscalerNearest)
