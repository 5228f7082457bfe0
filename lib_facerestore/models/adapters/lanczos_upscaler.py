"""The plain resize as an upscaler, so that it can be mixed with a network. Resizes nothing itself."""

from __future__ import annotations

from lib_facerestore.engine.data import ModelUsed, Pixels
from lib_facerestore.engine.ports import Progress, UpscaledPixels


class LanczosUpscaler:
    """An upscaler of factor 1, which hands its picture on.

    The engine resizes what any upscaler gives to the exact size with a Lanczos kernel, and that is the whole work.
    """

    used = ModelUsed("upscaler", "Lanczos", "")
    scale = 1

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """Give the same pixels back: (H, W, 3) RGB uint8 or uint16, the caller's own memory, no tiles.

        Raises: Interrupted.
        """
        progress.check()
        return UpscaledPixels(pixels, 0, "cpu")
