"""An upscaler that a host runs, behind the upscaler port: converts depth, brings pictures to exact sizes.

The host is reached through `runtime.OtherUpscalers` only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from PIL import Image

from lib_facerestore.engine.data import ModelUsed, Pixels
from lib_facerestore.engine.levels import to_eight_bits, to_sixteen_bits
from lib_facerestore.engine.ports import Progress, UpscaledPixels
from lib_facerestore.engine.sizes import RUN_TOLERANCE
from lib_facerestore.engine.upscaling import resize_exact
from lib_facerestore.errors import InferenceFailed
from lib_facerestore.runtime import OtherUpscalers

# Hosts round sides down: 192 · (384/192 − 1e-16) must not become 383.
_ROUNDING = 1 + 1e-9


class OtherUpscaler:
    """An upscaler that the host loads and runs; see `engine.ports.SizedUpscaler`.

    Hosts work with 8 bits per channel and without alpha, and tile by their own settings: a call counts as one tile.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        others: OtherUpscalers,
        device: str,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """name: the host's name of the upscaler. sha256: of the host's file, "" where it has none that can be read.

        device: where the host runs it, for the report. aside: entered while the host's code runs, which may call this
        project's restorers.
        """
        self.used = ModelUsed("upscaler", name, sha256)
        self.scale = others.scale(name)
        self._others, self._device, self._aside = others, device, aside

    def upscale(self, pixels: Pixels, progress: Progress) -> UpscaledPixels:
        """Enlarge by the host's own factor; a loss of depth is not reported. See `engine.ports.Upscaler`.

        Shapes: (H, W, 3) RGB uint8 or uint16 → (scale·H, scale·W, 3) RGB of the same type.
        Raises: Interrupted; InferenceFailed; what the host's upscaler raises.
        """
        size_hw = (pixels.shape[0] * self.scale, pixels.shape[1] * self.scale)
        return UpscaledPixels(self._run(pixels, size_hw, progress), 1, self._device)

    def upscale_to(self, pixels: Pixels, size_hw: tuple[int, int], progress: Progress) -> UpscaledPixels:
        """Enlarge to size_hw = (height, width); a loss of depth becomes a warning. See `engine.ports.SizedUpscaler`.

        Shapes: (H, W, 3) RGB uint8 or uint16 → (height, width, 3) RGB of the same type.
        Raises: Interrupted; InferenceFailed; what the host's upscaler raises.
        """
        result = self._run(pixels, size_hw, progress)
        lost = f"{self.used.name} works with 8 bits per channel; the picture's 16 bits passed through them."
        return UpscaledPixels(result, 1, self._device, (lost,) if pixels.dtype == np.uint16 else ())

    def _run(self, pixels: Pixels, size_hw: tuple[int, int], progress: Progress) -> Pixels:
        """Let the host enlarge a picture, and bring the result to the exact size.

        Shapes: (H, W, 3) RGB uint8 or uint16 → (height, width, 3) RGB of the same type, new memory.
        Raises: Interrupted; InferenceFailed; what the host's upscaler raises.
        """
        progress.check()
        # For a factor below 1 a host would not run its network.
        factor = max(1.0, size_hw[0] / pixels.shape[0], size_hw[1] / pixels.shape[1])
        if self.scale < factor <= self.scale * RUN_TOLERANCE:
            factor = float(self.scale)  # for a larger factor a host would run its network a second time
        image = Image.fromarray(np.ascontiguousarray(to_eight_bits(pixels)))
        with self._aside():
            made = self._others.upscale(self.used.name, image, factor if factor == 1 else factor * _ROUNDING)
        progress.check()  # after Interrupt a host returns a plain resize
        result: Pixels = resize_exact(np.array(self._checked(image, made)), size_hw)
        return to_sixteen_bits(result) if pixels.dtype == np.uint16 else result

    def _checked(self, image: Image.Image, made: object) -> Image.Image:
        """The host's result as an RGB image. image: what it was made from.

        Raises: InferenceFailed where it is no image, or only a plain resize. Hosts return a resize where a file is
        missing or damaged, and write the reason to their log only.
        """
        if not isinstance(made, Image.Image):
            raise InferenceFailed(self.used.name, f"the WebUI gave {type(made).__name__}, which is no image")
        made = made.convert("RGB")
        if image.getcolors(1):
            return made  # a picture of one colour looks the same after any enlarging
        if made.tobytes() == image.resize(made.size, Image.Resampling.LANCZOS).tobytes():
            raise InferenceFailed(self.used.name, "the WebUI only resized the picture; its log may say why")
        return made
